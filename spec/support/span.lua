--- What C calls a span, from and to Lua.
local ffi = require("ffi")
require("spec.support.cdef").load("base/str.h")

local span = {}

--- A struct str over the text; the caller keeps the text.
function span.str(text) return ffi.new("struct str", text, #text) end

--- The text of a struct str.
function span.text(s) return s.len > 0 and ffi.string(s.ptr, s.len) or "" end

--- An iovec array over the pieces, and how many they are; the caller keeps the pieces.
function span.iov(pieces)
  local iov = ffi.new("struct iovec[?]", math.max(1, #pieces))
  for i, piece in ipairs(pieces) do
    iov[i - 1].iov_base = ffi.cast("void *", ffi.cast("const char *", piece))
    iov[i - 1].iov_len = #piece
  end
  return iov, #pieces
end

--- Where a C object lives, as a table's key.
function span.address(pointer) return tonumber(ffi.cast("intptr_t", pointer)) end

return span
