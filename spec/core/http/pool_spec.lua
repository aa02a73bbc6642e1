local fetching = require("spec.support.fetching")
local ok = fetching.ok

local URL = "http://10.0.0.1/"
local CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

describe("a kept connection", function()
  local world, origin

  local function start(options)
    world, origin = fetching.restart(world, options)
    origin:answer(ok("ok"))
  end

  before_each(function() start() end)

  after_each(function()
    world:close()
    world = nil
  end)

  local function get(options, url)
    local fetch = world:finish(world:get(url or URL, options))
    world:advance(0.001)
    return fetch
  end

  local function conns()
    local numbers = {}
    for i, request in ipairs(origin.requests) do numbers[i] = request.conn end
    return numbers
  end

  it("serves the next request", function()
    assert.is_false(get().reused)
    assert.is_true(get().reused)
    assert.same({ 1, 1 }, conns())
    assert.equal(1, world:idle())
  end)

  it("is no longer one when it says more than it was asked", function()
    for _, more in ipairs({ "x", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" }) do
      for _, options in ipairs({ { collect = 0 }, { collect = 1000 } }) do
        for _, first in ipairs({ ok("ok"), CHUNKED .. "2\r\nok\r\n0\r\n\r\n",
          "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 2\r\n\r\nok" }) do
          origin:now(first .. more, ok("ok"))
          local fetch = world:finish(world:fetch(URL, options))
          assert.equal("ok", fetch.body)
          assert.is_false(fetch.reused)
          origin:now(ok("next"))
          assert.equal("next", get().body)
          world:close()
          world = nil
          start()
        end
      end
    end
  end)

  it("is kept for ever where that was set, even when its response was drained", function()
    start({ idle_connection_timeout = 0 })
    origin:now("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 2\r\n\r\n", ok("ok"))
    local fetch = world:fetch(URL)
    world:advance(0.5)
    origin.conns[1]:write("no")
    world:finish(fetch)
    world:advance(100)
    assert.equal(2, world:idle())
  end)

  it("is for its authority only", function()
    local other = world:origin("10.0.0.1", 8080):answer(ok("other"))
    local same_ip = world:origin("10.0.0.2", 80):answer(ok("third"))
    world:name("a.test", { "10.0.0.1" })
    get()
    assert.equal("other", get(nil, "http://10.0.0.1:8080/").body)
    assert.equal("third", get(nil, "http://10.0.0.2/").body)
    assert.is_false(get(nil, "http://a.test/").reused)
    assert.equal(4, world:idle())
    assert.equal(1, #other.conns)
    assert.equal(1, #same_ip.conns)
  end)

  it("is found among hundreds of authorities, and its authority goes with it", function()
    start({ idle_connection_timeout = 10 })
    for _ = 1, 2 do
      for i = 1, 255 do
        local ip = ("10.1.%d.%d"):format(i % 3, i)
        if not world[ip] then world[ip] = world:origin(ip, 80):answer(ok(ip)) end
        assert.equal(ip, get(nil, "http://" .. ip .. "/").body)
      end
    end
    assert.equal(255, world:idle())
    world:advance(60)
    assert.equal(0, world:idle())
    assert.equal("10.1.1.1", get(nil, "http://10.1.1.1/").body)
  end)

  it("is taken newest first", function()
    local held = {}
    origin:now(function(conn) held[#held + 1] = conn end)
    local fetches = { world:get(URL), world:get(URL), world:get(URL) }
    world:run(function() return #held == 3 end)
    for _, number in ipairs({ 2, 3, 1 }) do
      origin.conns[number]:write(ok("ok"))
      world:advance(0.1)
    end
    world:finish(unpack(fetches))
    assert.equal(3, world:idle())
    origin:now(ok("ok"))
    get()
    assert.equal(1, origin.requests[4].conn)
    origin:now(function() end)
    for _ = 1, 3 do
      world:get(URL)
      world:advance(0.1)
    end
    assert.same({ 1, 3, 2 }, { origin.requests[5].conn, origin.requests[6].conn, origin.requests[7].conn })
  end)

  local function at_once(count, urls)
    local fetches = {}
    for i = 1, count do fetches[i] = world:get(urls and urls[i] or URL) end
    world:finish(unpack(fetches))
    world:advance(0.001)
  end

  it("is closed when its host has enough", function()
    start({ max_idle_connections_per_host = 2 })
    at_once(5)
    assert.equal(2, world:idle())
    local closed = 0
    for _, conn in ipairs(origin.conns) do closed = closed + (conn.ended and 1 or 0) end
    assert.equal(3, closed)
  end)

  it("is closed where none is to be kept", function()
    for _, limit in ipairs({ "max_idle_connections", "max_idle_connections_per_host" }) do
      start({ [limit] = -1 })
      at_once(2)
      assert.equal(0, world:idle())
      assert.is_false(get().reused)
    end
  end)

  it("may be one of 250 if nothing else is said", function()
    at_once(260)
    assert.equal(250, world:idle())
  end)

  it("makes room for a newer one, being the oldest of all", function()
    start({ max_idle_connections = 2 })
    local urls = {}
    for i = 1, 3 do
      urls[i] = ("http://10.0.1.%d/"):format(i)
      world:origin("10.0.1." .. i, 80):answer(ok("ok"))
    end
    for i = 1, 3 do get(nil, urls[i]) end
    assert.equal(2, world:idle())
    assert.is_true(get(nil, urls[3]).reused)
    assert.is_true(get(nil, urls[2]).reused)
    assert.is_false(get(nil, urls[1]).reused)
  end)

  it("goes after the idle time", function()
    start({ idle_connection_timeout = 5 })
    get()
    world:advance(4)
    assert.equal(1, world:idle())
    get()
    world:advance(4.9)
    assert.equal(1, world:idle())
    world:advance(0.2)
    assert.equal(0, world:idle())
    assert.is_truthy(origin.conns[1].ended)
  end)

  it("stays for ever without an idle time", function()
    get()
    world:advance(100000)
    assert.is_true(get().reused)
  end)

  it("is not kept at all when that is switched off", function()
    start({ disable_keep_alives = true })
    get()
    assert.equal("close", origin.requests[1].fields.connection)
    assert.equal(0, world:idle())
  end)

  it("is not kept when the request says so", function()
    get({ fields = { { "Connection", "close" } } })
    assert.equal("close", origin.requests[1].fields.connection)
    assert.equal(0, world:idle())
  end)

  local function not_kept(what, answer, options)
    it("is not kept after " .. what, function()
      origin:now(answer)
      get(options)
      assert.equal(0, world:idle())
      world:advance(0.01)
      assert.is_truthy(origin.conns[1].ended)
    end)
  end

  not_kept("Connection: close", ok("ok", "Connection: close\r\n"))
  not_kept("Connection: Close among others", ok("ok", "Connection: x, Close\r\n"))
  not_kept("HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
  not_kept("bytes behind the response", ok("ok") .. "x")
  not_kept("a second response", ok("ok") .. ok("no"))
  not_kept("bytes behind the last chunk", CHUNKED .. "2\r\nok\r\n0\r\n\r\nx")
  not_kept("bytes behind a head without content", "HTTP/1.1 204 No Content\r\n\r\nx")
  not_kept("content in an answer to HEAD", ok("ok"), { method = "HEAD" })

  it("is kept after HTTP/1.0 that wants it", function()
    origin:now("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok")
    get()
    assert.equal(1, world:idle())
  end)

  it("is noticed to be closed at once", function()
    get()
    origin.conns[1]:close()
    world:advance(0.01)
    assert.equal(0, world:idle())
    assert.is_false(get({ method = "POST", body = "x" }).reused)
  end)

  it("is closed when it speaks unasked", function()
    get()
    origin.conns[1]:write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    world:advance(0.01)
    assert.equal(0, world:idle())
    assert.equal("ok", get().body)
  end)

  describe("that dies under a request", function()
    local function dying(how)
      return function(conn)
        if how == "reset" then conn:reset() else conn:close() end
      end
    end

    local function replays(what, options, how)
      it("lets it go once more: " .. what, function()
        get()
        origin:now(dying(how), ok("again"))
        local fetch = get(options)
        assert.equal(options.method == "HEAD" and "" or "again", fetch.body)
        assert.equal("5", fetch.fields["content-length"])
        assert.is_false(fetch.reused)
        assert.same({ 1, 1, 2 }, conns())
      end)
    end

    replays("GET", {})
    replays("GET, reset", {}, "reset")
    replays("HEAD", { method = "HEAD" })
    replays("OPTIONS", { method = "OPTIONS" })
    replays("TRACE", { method = "TRACE" })
    replays("POST with Idempotency-Key",
      { method = "POST", body = "x", fields = { { "Idempotency-Key", "1" } } })
    replays("POST with X-Idempotency-Key",
      { method = "POST", body = "x", fields = { { "x-idempotency-key", "1" } } })

    local function gives_up(what, options)
      it("ends it: " .. what, function()
        get()
        origin:now(dying(), ok("again"))
        local fetch = get(options)
        assert.equal("closed", fetch.failure)
        assert.same({ 1, 1 }, conns())
      end)
    end

    gives_up("POST", { method = "POST", body = "x" })
    gives_up("POST without content", { method = "POST", empty_length = true })
    gives_up("DELETE", { method = "DELETE" })
    gives_up("GET with content", { body = "x" })

    it("ends it: a content that was streamed, for it is gone", function()
      get()
      origin:now(dying(), ok("again"))
      local fetch = world:get(URL, { method = "POST", stream = true, fields = { { "Idempotency-Key", "1" } } })
      fetch:write("x", true)
      assert.equal("closed", world:finish(fetch).failure)
      assert.same({ 1, 1 }, conns())
    end)

    it("ends a GET whose replay dies too", function()
      get()
      origin:now(dying())
      local fetch = get()
      assert.equal("closed", fetch.failure)
      assert.equal('Get "http://10.0.0.1/": EOF', fetch.text)
      assert.same({ 1, 1, 2 }, conns())
    end)

    it("ends a GET after the first byte of its response", function()
      get()
      origin:now(function(conn)
        conn:write("H")
        conn:close_after()
      end, ok("again"))
      assert.equal("closed", get().failure)
      assert.same({ 1, 1 }, conns())
    end)
  end)

  it("is not kept when the response came before the request was sent", function()
    world:fault("10.0.0.1", 80, { window = 1000 })
    origin.on_open = function(conn) conn:write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno") end
    local fetch = get({ method = "POST", body = ("x"):rep(100000) })
    assert.equal(413, fetch.status)
    assert.equal("no", fetch.body)
    assert.equal(0, world:idle())
  end)
end)
