--- gzip (RFC 1952), with the zlib that is in the binary.
local ffi = require("ffi")

ffi.cdef([[
struct kit_zlib {
  const unsigned char *next_in; unsigned avail_in; unsigned long total_in;
  unsigned char *next_out; unsigned avail_out; unsigned long total_out;
  const char *msg; void *state; void *zalloc; void *zfree; void *opaque; int data_type;
  unsigned long adler, reserved;
};
const char *zlibVersion(void);
int deflateInit2_(struct kit_zlib *z, int level, int method, int bits, int memory, int strategy,
  const char *version, int size);
int deflate(struct kit_zlib *z, int flush);
int deflateEnd(struct kit_zlib *z);
int inflateInit2_(struct kit_zlib *z, int bits, const char *version, int size);
int inflate(struct kit_zlib *z, int flush);
int inflateEnd(struct kit_zlib *z);
]])

local zlib = ffi.C
local NO_FLUSH, FINISH, STREAM_END, OK = 0, 4, 1, 0
local GZIP, DEFLATED, PIECE = 15 + 16, 8, 65536

local gzip = {}

local function new_stream(input)
  local stream = ffi.new("struct kit_zlib")
  stream.next_in, stream.avail_in = ffi.cast("const unsigned char *", input), #input
  return stream
end

--- All that step(stream) gives, and what it said last.
local function drain(stream, step)
  local piece, parts = ffi.new("unsigned char[?]", PIECE), {}
  local said
  repeat
    stream.next_out, stream.avail_out = piece, PIECE
    said = step(stream)
    parts[#parts + 1] = ffi.string(piece, PIECE - stream.avail_out)
  until said ~= OK or stream.avail_out == PIECE
  return table.concat(parts), said
end

--- A text packed; level 0 stores it as it is, 9 packs best.
function gzip.pack(text, level)
  local stream = new_stream(text)
  assert(zlib.deflateInit2_(stream, level or 6, DEFLATED, GZIP, 8, 0, zlib.zlibVersion(), ffi.sizeof(stream)) == OK)
  local packed, said = drain(stream, function(s) return zlib.deflate(s, FINISH) end)
  zlib.deflateEnd(stream)
  assert(said == STREAM_END)
  return packed
end

--- The text that is packed; nil when it is no whole gzip.
function gzip.unpack(packed)
  local stream = new_stream(packed)
  assert(zlib.inflateInit2_(stream, GZIP, zlib.zlibVersion(), ffi.sizeof(stream)) == OK)
  local text, said = drain(stream, function(s) return zlib.inflate(s, NO_FLUSH) end)
  zlib.inflateEnd(stream)
  if said == STREAM_END then return text end
end

return gzip
