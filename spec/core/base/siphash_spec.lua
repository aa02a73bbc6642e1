local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/siphash.h")

describe("siphash", function()
  local key = ffi.new("uint64_t[2]", { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL })

  local held -- texts are borrowed, and the collector may come between

  local function hash(text)
    held = text
    local result = core.siphash_of(key, ffi.new("struct str", { held, #held }))
    return (ffi.string(result.half, 16):gsub(".", function(c) return ("%02x"):format(c:byte()) end))
  end

  -- the vectors of the authors: byte i of a text is i
  it("agrees with its authors", function()
    assert.equal("a3817f04ba25a8e66df67214c7550293", hash(""))
    assert.equal("da87c1d86b99af44347659119b22fc45", hash("\0"))
    assert.equal("8177228da4a45dc7fca38bdef60affe4", hash("\0\1"))
  end)

  it("differs for texts that differ in any byte or in length", function()
    local seen = {}
    for len = 0, 40 do
      for at = 0, len do
        local text = ("a"):rep(at) .. (at < len and "b" or "") .. ("a"):rep(len - at - 1)
        seen[hash(text)] = text
      end
    end
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.equal(41 * 42 / 2, count)
  end)
end)
