local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/buf.h")

describe("buf", function()
  local b

  local function content() return ffi.string(core.buf_head(b), core.buf_len(b)) end

  local function new(max)
    b = ffi.gc(ffi.new("struct buf"), core.buf_fini)
    core.buf_init(b, max)
  end

  it("gives back what was appended, in order", function()
    new(100)
    assert.is_true(core.buf_append(b, "hello ", 6))
    assert.is_true(core.buf_append(b, "world", 5))
    assert.equal("hello world", content())
    core.buf_consume(b, 6)
    assert.equal("world", content())
  end)

  it("refuses to pass its limit, and keeps what it had", function()
    new(8)
    assert.is_true(core.buf_append(b, "12345", 5))
    assert.is_false(core.buf_append(b, "6789", 4))
    assert.is_true(core.buf_reserve(b, 4) == nil)
    assert.equal("12345", content())
    assert.is_true(core.buf_append(b, "678", 3))
  end)

  it("counts readable bytes only, not consumed ones", function()
    new(4)
    for i = 1, 100 do
      assert.is_true(core.buf_append(b, ("%03d"):format(i), 3))
      assert.equal(("%03d"):format(i), content())
      core.buf_consume(b, 3)
    end
    assert.is_true(b.cap <= 4)
  end)

  it("makes readable what was written into reserved room", function()
    new(10)
    local room = core.buf_reserve(b, 10)
    ffi.copy(room, "abcdefghij", 10)
    core.buf_commit(b, 3)
    assert.equal("abc", content())
  end)

  it("takes nothing, also without memory", function()
    new(0)
    assert.is_true(core.buf_append(b, nil, 0))
    assert.is_false(core.buf_append(b, "x", 1))
    assert.equal("", content())
  end)

  it("grows under a moving window without growing with the traffic", function()
    new(1024 * 1024)
    local sent, received = {}, {}
    for i = 1, 2000 do
      local piece = (tostring(i) .. ","):rep(10)
      sent[#sent + 1] = piece
      assert.is_true(core.buf_append(b, piece, #piece))
      local take = math.min(tonumber(core.buf_len(b)), 49)
      received[#received + 1] = ffi.string(core.buf_head(b), take)
      core.buf_consume(b, take)
      if i % 100 == 0 then
        received[#received + 1] = content()
        core.buf_clear(b)
      end
    end
    assert.equal(table.concat(sent), table.concat(received))
    assert.is_true(b.cap <= 8192)
  end)

  it("may be finished twice", function()
    new(10)
    assert.is_true(core.buf_append(b, "x", 1))
    core.buf_fini(b)
    core.buf_fini(b)
    assert.equal(0, tonumber(core.buf_len(b)))
  end)
end)
