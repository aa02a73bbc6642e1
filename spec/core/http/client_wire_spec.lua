local fetching = require("spec.support.fetching")
local ok = fetching.ok

describe("client, on real sockets,", function()
  local world, origin, url

  before_each(function()
    world = fetching.world({ real = true })
    origin = world:origin("127.0.0.1")
    url = ("http://127.0.0.1:%d/"):format(origin.port)
  end)

  after_each(function() world:close() end)

  it("keeps its connection", function()
    origin:answer(ok("hello"))
    for _ = 1, 3 do assert.equal("hello", world:finish(world:get(url)).body) end
    assert.equal(1, #origin.conns)
    assert.equal(1, world:idle())
  end)

  it("notices a close", function()
    origin:answer(ok("hello"))
    world:finish(world:get(url))
    origin.conns[1]:close()
    world:run(function() return world:idle() == 0 end)
    assert.equal("hello", world:finish(world:get(url, { method = "POST", body = "x" })).body)
  end)

  it("sees the close that came within the turn, before it sends what it could not send again", function()
    origin:answer(ok("hello"))
    for i, method in ipairs({ "POST", "PUT", "DELETE" }) do
      world:finish(world:get(url))
      origin.conns[i]:close()
      assert.equal(1, world:idle())
      local fetch = world:finish(world:get(url, { method = method, body = method == "POST" and "x" or nil }))
      assert.equal("hello", fetch.body)
      assert.is_false(fetch.reused)
    end
    assert.equal(4, #origin.conns)
  end)

  it("sends again when the connection dies under it", function()
    origin:answer(ok("hello"), function(conn) conn:reset() end, ok("again"))
    world:finish(world:get(url))
    assert.equal("again", world:finish(world:get(url)).body)
    assert.equal(2, #origin.conns)
  end)

  it("moves large contents both ways", function()
    local large = ("0123456789abcdef"):rep(100000)
    origin:answer(ok(large))
    local up = world:finish(world:get(url, { method = "POST", body = large, chunked = true, collect = 1e7 }))
    assert.is_true(up.body == large)
    assert.is_true(origin.requests[1].body == large)
    local down = world:finish(world:fetch(url))
    assert.is_true(down.body == large)
    assert.equal(1, #origin.conns)
  end)

  it("tells a refused connection", function()
    local err = require("ffi").new("struct error")
    local fd = fetching.core.listener_open(fetching.str("127.0.0.1"), 0, false, err)
    local port = fetching.core.listener_port(fd)
    require("ffi").C.close(fd)
    local fetch = world:finish(world:get(("http://127.0.0.1:%d/"):format(port)))
    local text = 'Get "http://127.0.0.1:%d/": dial tcp 127.0.0.1:%d: connect: connection refused'
    assert.equal(text:format(port, port), fetch.text)
  end)

  it("resolves localhost", function()
    origin:answer(ok("hello"))
    assert.equal("hello", world:finish(world:get(("http://localhost:%d/"):format(origin.port))).body)
  end)
end)
