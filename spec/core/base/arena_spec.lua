local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/arena.h")

local str = require("spec.support.span").str

describe("arena", function()
  local cache, a

  before_each(function()
    cache = ffi.gc(ffi.new("struct arena_cache"), core.arena_cache_fini)
    a = ffi.new("struct arena")
    core.arena_cache_init(cache)
    core.arena_init(a, cache)
  end)

  after_each(function() core.arena_fini(a) end)

  local function address(ptr) return tonumber(ffi.cast("uintptr_t", ptr)) end

  it("hands out memory that is aligned and overlaps nothing", function()
    local pieces = {}
    for i = 1, 500 do
      local size = i * 37 % 700 + (i % 50 == 0 and 5000 or 0)
      local ptr = ffi.cast("unsigned char *", core.arena_alloc(a, size))
      assert.equal(0, address(ptr) % 16)
      ffi.fill(ptr, size, i % 256)
      pieces[i] = { ptr = ptr, size = size }
      if i % 3 == 0 then core.arena_bytes(a, 5) end
    end
    for i, piece in ipairs(pieces) do
      for at = 0, piece.size - 1 do assert(piece.ptr[at] == i % 256) end
    end
  end)

  it("zeroes on request, also in blocks that were used", function()
    ffi.fill(core.arena_alloc(a, 900), 900, 255)
    core.arena_fini(a)
    local ptr = ffi.cast("char *", core.arena_zalloc(a, 900))
    for i = 0, 899 do assert(ptr[i] == 0) end
  end)

  it("returns its standard blocks to the cache and takes them from there", function()
    for _ = 1, 10 do core.arena_alloc(a, 1000) end
    core.arena_fini(a)
    local kept = cache.count
    assert.is_true(kept >= 3)
    for _ = 1, 10 do core.arena_alloc(a, 1000) end
    assert.equal(0, cache.count)
    core.arena_fini(a)
    assert.equal(kept, cache.count)
  end)

  it("hands out again what was too much", function()
    local bytes = core.arena_bytes(a, 500)
    core.arena_trim(a, bytes, 500, 20)
    assert.equal(address(bytes) + 20, address(core.arena_bytes(a, 5)))
    local large = core.arena_bytes(a, 5000)
    core.arena_trim(a, large, 5000, 20)
    assert.equal(address(bytes) + 25, address(core.arena_bytes(a, 5)))
  end)

  it("leaves large pieces to the heap", function()
    core.arena_alloc(a, 100000)
    core.arena_fini(a)
    assert.equal(0, cache.count)
  end)

  it("goes on in its block behind a large piece", function()
    local first = address(core.arena_alloc(a, 16))
    core.arena_alloc(a, 100000)
    assert.equal(first + 16, address(core.arena_alloc(a, 16)))
  end)

  it("keeps a bounded number of free blocks", function()
    for _ = 1, 5000 do core.arena_alloc(a, 1000) end
    core.arena_fini(a)
    assert.equal(1024, cache.count)
  end)

  it("works without a cache", function()
    local plain = ffi.new("struct arena")
    core.arena_init(plain, nil)
    assert.equal("x", ffi.string(core.arena_copy(plain, str("x")).ptr))
    core.arena_fini(plain)
  end)

  it("copies and joins with a NUL behind", function()
    local copy = core.arena_copy(a, str("a\0b"))
    assert.equal("a\0b\0", ffi.string(copy.ptr, 4))
    assert.equal("ab", ffi.string(core.arena_join(a, str("a"), str("b")).ptr))
    assert.equal("", ffi.string(core.arena_copy(a, ffi.new("struct str")).ptr))
  end)

  it("prints texts of any length", function()
    for _, len in ipairs({ 0, 1, 100, 1023, 1024, 4000, 4095, 4096, 50000 }) do
      local text = ("x"):rep(len)
      local printed = core.arena_printf(a, "<%s|%d>", text, ffi.cast("int", 7))
      assert.equal("<" .. text .. "|7>", ffi.string(printed.ptr))
      assert.equal(len + 4, tonumber(printed.len))
    end
  end)
end)
