--- gzip (RFC 1952) of a text in stored blocks: real framing without compressing anything.
local bit = require("bit")

local gzip = {}

local function crc32(text)
  local crc = bit.bnot(0)
  for i = 1, #text do
    crc = bit.bxor(crc, text:byte(i))
    for _ = 1, 8 do
      crc = bit.bxor(bit.rshift(crc, 1), bit.band(0xEDB88320, -bit.band(crc, 1)))
    end
  end
  return bit.bnot(crc)
end

local function little(value, bytes)
  local out = {}
  for i = 1, bytes do out[i] = string.char(bit.band(bit.rshift(value, 8 * (i - 1)), 0xFF)) end
  return table.concat(out)
end

function gzip.pack(text)
  local parts = { "\31\139\8\0\0\0\0\0\0\255" }
  for at = 1, math.max(#text, 1), 65535 do
    local block = text:sub(at, at + 65534)
    local last = at + 65535 > #text
    parts[#parts + 1] = string.char(last and 1 or 0) .. little(#block, 2) .. little(bit.bnot(#block), 2) .. block
  end
  parts[#parts + 1] = little(crc32(text), 4) .. little(#text, 4)
  return table.concat(parts)
end

--- What pack has packed; other texts as they are.
function gzip.unpack(packed)
  if packed:sub(1, 10) ~= "\31\139\8\0\0\0\0\0\0\255" then return packed end
  local parts, at, last = {}, 11, false
  while not last do
    local size = packed:byte(at + 1) + packed:byte(at + 2) * 256
    last = packed:byte(at) == 1
    parts[#parts + 1] = packed:sub(at + 5, at + 4 + size)
    at = at + 5 + size
  end
  return table.concat(parts)
end

return gzip
