--- Packs bytes as gzip, with zlib.
local ffi = require("ffi")

ffi.cdef([[
typedef struct {
  const unsigned char *next_in; unsigned avail_in; unsigned long total_in;
  unsigned char *next_out; unsigned avail_out; unsigned long total_out;
  const char *msg; void *state; void *zalloc; void *zfree; void *opaque; int data_type;
  unsigned long adler, reserved;
} z_packer;
const char *zlibVersion(void);
int deflateInit2_(z_packer *z, int level, int method, int bits, int memory, int strategy,
  const char *version, int size);
int deflate(z_packer *z, int flush);
int deflateEnd(z_packer *z);
]])

local z = ffi.load("z.so.1")

local function gzip(bytes)
  local packer = ffi.new("z_packer")
  assert(z.deflateInit2_(packer, 6, 8, 31, 8, 0, z.zlibVersion(), ffi.sizeof(packer)) == 0)
  local cap = #bytes + 1000
  local out = ffi.new("unsigned char[?]", cap)
  packer.next_in, packer.avail_in = ffi.cast("const unsigned char *", bytes), #bytes
  packer.next_out, packer.avail_out = out, cap
  assert(z.deflate(packer, 4) == 1)
  local packed = ffi.string(out, cap - packer.avail_out)
  z.deflateEnd(packer)
  return packed
end

return gzip
