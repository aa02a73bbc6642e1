local ffi = require("ffi")
local core = require("spec.support.cdef").load("gateway/router_fold.h")

local function spellings(text)
  local found = ffi.new("struct spelling[2]")
  local bytes = ffi.new("size_t[1]")
  local count = tonumber(core.fold_spellings(ffi.new("struct str", { text, #text }), found, bytes))
  local list = {}
  for i = 0, count - 1 do list[i + 1] = ffi.string(found[i].bytes, found[i].len) end
  return list, tonumber(bytes[0])
end

describe("router_fold", function()
  local pairs_of = { "aA", "zZ", "àÀ", "þÞ", "ÿŸ", "āĀ", "žŽ", "ňŇ", "αΑ", "ωΩ", "άΆ", "ώΏ", "όΌ", "яЯ", "ђЂ",
    "ѵѴ", "ӂӁ", "аА",
    "ևև", "աԱ", "ẁẀ", "ỹỸ", "ａＡ" }
  for _, pair in ipairs(pairs_of) do
    it("folds " .. pair, function()
      local small = pair:match("^[%z\1-\127\194-\244][\128-\191]*")
      local capital = pair:sub(#small + 1)
      local want = small == capital and { small } or { small, capital }
      for _, letter in ipairs({ small, capital }) do
        local list, bytes = spellings(letter .. "rest")
        assert.same(want, list)
        assert.equal(#letter, bytes)
      end
    end)
  end

  it("leaves what has one case", function()
    for _, text in ipairs({ "/", "1", "[", "{", "×", "÷", "日", "😀", "ß", "\0" }) do
      assert.same({ text }, (spellings(text)))
    end
  end)

  it("takes a byte that is not UTF-8 for a character", function()
    for _, text in ipairs({ "\255x", "\195", "\195x", "\192\128", "\224\128\128", "\244\144\128\128",
      "\128" }) do
      local list, bytes = spellings(text)
      assert.same({ text:sub(1, 1) }, list)
      assert.equal(1, bytes)
    end
  end)
end)
