local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/map.h")

local texts = {} -- keys are borrowed

local function str(text)
  texts[#texts + 1] = text
  return ffi.new("struct str", { text, #text })
end

local function pointer(n) return ffi.cast("void *", n) end

describe("map", function()
  local m

  before_each(function()
    m = ffi.gc(ffi.new("struct map"), core.map_fini)
    core.map_init(m)
  end)

  it("is empty at first", function()
    assert.is_true(core.map_get(m, str("a")) == nil)
    assert.equal(0, tonumber(m.count))
  end)

  it("finds what was set, and the order in which it came", function()
    local keys = {}
    for i = 1, 1000 do
      keys[i] = str("key " .. i * 7919 % 1009)
      assert.is_true(core.map_set(m, keys[i], pointer(i)) == nil)
    end
    assert.equal(1000, tonumber(m.count))
    for i = 1, 1000 do
      assert.is_true(core.map_get(m, keys[i]) == pointer(i))
      assert.is_true(m.entries[i - 1].value == pointer(i))
    end
    assert.is_true(core.map_get(m, str("key 5000")) == nil)
  end)

  it("replaces in place and returns the value before", function()
    local key = str("a")
    core.map_set(m, key, pointer(1))
    core.map_set(m, str("b"), pointer(2))
    assert.is_true(core.map_set(m, key, pointer(3)) == pointer(1))
    assert.equal(2, tonumber(m.count))
    assert.is_true(m.entries[0].value == pointer(3))
  end)

  it("takes the empty key and keys with a NUL", function()
    core.map_set(m, str(""), pointer(1))
    core.map_set(m, str("a\0b"), pointer(2))
    assert.is_true(core.map_get(m, str("")) == pointer(1))
    assert.is_true(core.map_get(m, str("a\0b")) == pointer(2))
    assert.is_true(core.map_get(m, str("a\0c")) == nil)
  end)
end)
