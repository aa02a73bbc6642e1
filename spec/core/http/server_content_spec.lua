--- The content of requests, its back-pressure, and what ends a stream early.
local serving = require("spec.support.serving")

describe("server", function()
  local world
  local get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

  local function start(options)
    if world then world:close() end
    world = serving.world(options)
  end

  local function post(fields, content)
    return ("POST /a HTTP/1.1\r\nHost: h\r\n%s\r\n%s"):format(fields, content or "")
  end

  --- Reads it all, then answers with it.
  local function echo(s)
    s.on_body = function(_, _, ends)
      if ends then s:respond(200, s.body) end
    end
    s:read(true)
  end

  before_each(function()
    start()
    world.handler = echo
  end)

  after_each(function()
    world:close()
    world = nil
  end)

  describe("reading content", function()
    it("hands it out whole, whatever its framing", function()
      local content = ("0123456789"):rep(30000)
      local client = world:connect(post("Content-Length: 300000\r\n", content))
      world:advance(1)
      assert.equal(content, client:responses()[1].body)
      assert.equal(300000, world.streams[1].received)
      client:send(post("Transfer-Encoding: chunked\r\n",
        ("2710\r\n%s\r\n"):format(("x"):rep(10000)):rep(20) .. "0\r\n\r\n"))
      world:advance(1)
      assert.equal(("x"):rep(200000), client:responses()[2].body)
    end)

    it("tells the end where there is none", function()
      local client = world:connect(get)
      assert.equal("", client:responses()[1].body)
      client:send(post("Content-Length: 0\r\n"))
      assert.equal("", client:responses()[2].body)
      assert.is_true(world.streams[2].ended)
    end)

    it("finds the next request behind it", function()
      local client = world:connect(post("Content-Length: 3\r\n", "abc") .. get ..
        post("Transfer-Encoding: chunked\r\n", "2\r\nde\r\n0\r\n\r\n") .. get)
      assert.equal(4, #client:responses())
      assert.equal("de", client:responses()[3].body)
    end)

    it("waits until it is wanted, and pauses", function()
      local stream
      world.handler = function(s) stream = s end
      local client = world:connect(post("Content-Length: 1000000\r\n"))
      client:send(("a"):rep(1000000))
      assert.equal("", stream.body)
      stream.on_body = function(s) s:read(false) end
      stream:read(true)
      world:advance(1)
      local first = #stream.body
      assert.is_true(first > 0 and first <= 65536)
      world:advance(1)
      assert.equal(first, #stream.body)
      stream.on_body = nil
      stream:read(true)
      world:advance(1)
      assert.equal(1000000, #stream.body)
      assert.is_true(stream.ended)
    end)

    it("does not spin while nobody wants what has come", function()
      world.handler = function() end
      local client = world:connect(post("Content-Length: 10\r\n"))
      client:send("12345")
      client:send(("x"):rep(100))
      world.handler = echo
      local other = world:connect(get)
      other:send(get .. get)
      world:advance(10)
      assert.equal(3, #other:responses())
    end)

    it("ends with the response at the latest", function()
      world.handler = function(s)
        s.on_body = function()
          if not s.answered then
            s.answered = true
            s:respond(200, "early")
          end
        end
        s:read(true)
      end
      local client = world:connect(post("Content-Length: 6\r\n", "ab"))
      assert.equal("early", client:responses()[1].body)
      client:send("cdef" .. get)
      assert.equal("ab", world.streams[1].body)
      assert.equal(2, #client:responses())
    end)

    it("loses none of it while the response still waits to be sent", function()
      local function answer_early(s)
        s.on_body = function()
          if not s.answered then s:respond(200, ("x"):rep(1000000)) end
          s.answered = true
        end
        s:read(true)
      end
      for _, framing in ipairs({
        { "Content-Length: 200000\r\n", "", "" }, { "Transfer-Encoding: chunked\r\n", "30d40\r\n",
        "\r\n0\r\n\r\n" },
      }) do
        local client = world:connect()
        client:pause(true)
        world.handler = answer_early
        client:send(post(framing[1], framing[2] .. "ab"))
        world.handler = function(s) s:respond(200, s.target) end
        for _ = 1, 199 do client:send(("y"):rep(1000)) end
        client:send(("y"):rep(998) .. framing[3] .. get)
        client:pause(false)
        world:advance(1)
        assert.equal(2, #client:responses())
        assert.equal("/a", client:responses()[2].body)
      end
    end)

    it("hands out none of what has come once the response has ended or has failed", function()
      for _, more in ipairs({ false, true }) do
        start({ write_timeout = 1 })
        local pieces = 0
        world.handler = function(s)
          s.on_body = function()
            pieces = pieces + 1
            s:respond(200, "early", { more = more })
          end
          s:read(true)
        end
        local client = world:connect(post("Transfer-Encoding: chunked\r\n"))
        if more then world:advance(2) end -- too late for any response
        client:send(("1\r\nx\r\n"):rep(100))
        assert.equal(1, pieces)
      end
    end)

    it("tells of no piece without a byte", function()
      local pieces = 0
      world.handler = function(s)
        s.on_body = function() pieces = pieces + 1 end
        s:read(true)
      end
      world:connect(post("Transfer-Encoding: chunked\r\n", "5\r\n")):send("ab")
      assert.equal(1, pieces)
    end)

    it("aborts at a broken chunk, and answers 400 if nothing was answered yet", function()
      local client = world:connect(post("Transfer-Encoding: chunked\r\n", "2\r\nab\r\nzz\r\n"))
      assert.equal("malformed chunked encoding", world.streams[1].why)
      assert.equal(400, client:responses()[1].status)
      world:advance(1)
      assert.equal("eof", client.ended)
    end)

    it("takes broken content behind an answer for the end of the connection", function()
      world.handler = function(s) s:respond(200, "ok") end
      local client = world:connect(post("Transfer-Encoding: chunked\r\n", "zz\r\n"))
      world:advance(1)
      assert.equal(1, #client:responses())
      assert.equal("eof", client.ended)
    end)
  end)

  describe("content that nobody wanted", function()
    before_each(function()
      world.handler = function(s) s:respond(200, "no") end
    end)

    it("is dropped up to a limit, to keep the connection", function()
      local client = world:connect(post("Content-Length: 200000\r\n"))
      client:send(("x"):rep(200000) .. get)
      world:advance(1)
      assert.equal(2, #client:responses())
      client:send(post("Transfer-Encoding: chunked\r\n", "4\r\nGET \r\n0\r\n\r\n") .. get)
      assert.equal(4, #client:responses())
      assert.is_nil(client.ended)
    end)

    it("is counted for each request anew", function()
      local client = world:connect()
      for i = 1, 2 do
        for _, framing in ipairs({ "Content-Length: 262144\r\n", "Transfer-Encoding: chunked\r\n" }) do
          client:send(post(framing))
          client:send(framing:match("^C") and ("x"):rep(262144)
            or "30000\r\n" .. ("x"):rep(196608) .. "\r\n0\r\n\r\n")
          world:advance(1)
        end
        assert.equal(2 * i, #client:responses())
        assert.is_nil(client.ended)
      end
    end)

    it("closes beyond it, and says so where that is known", function()
      local client = world:connect(post("Content-Length: 300000\r\n", "x"))
      assert.equal("close", client:responses()[1].fields.connection)
      world:advance(1)
      assert.equal("eof", client.ended)
      client = world:connect(post("Transfer-Encoding: chunked\r\n"))
      assert.is_nil(client:responses()[1].fields.connection)
      for _ = 1, 30 do client:send("2710\r\n" .. ("x"):rep(10000) .. "\r\n") end
      world:advance(1)
      assert.equal("eof", client.ended)
      assert.equal(0, world:count())
    end)
  end)

  describe("Expect: 100-continue", function()
    local expecting = post("Content-Length: 3\r\nExpect: 100-Continue\r\n")

    it("is answered when the content is wanted", function()
      local stream
      world.handler = function(s) stream = s end
      local client = world:connect(expecting)
      world:advance(1)
      assert.equal("", client.received)
      echo(stream)
      world:advance(0.001)
      assert.equal("HTTP/1.1 100 Continue\r\n\r\n", client.received)
      client:send("abc")
      assert.equal("abc", client:responses()[2].body)
      world.handler = echo
      client:send(get)
      assert.equal(3, #client:responses())
    end)

    it("is answered once", function()
      local client = world:connect(expecting)
      client:send("a"):send("bc")
      assert.equal(2, #client:responses())
    end)

    it("is answered once, however often the content is wanted, and not behind the response", function()
      local stream
      world.handler = function(s) stream = s end
      local client = world:connect(expecting)
      for _ = 1, 2 do
        stream:read(true)
        stream:read(false)
        world:advance(0.001)
      end
      assert.equal(1, #client:responses())
      client = world:connect(expecting)
      stream:respond(403, "no", { more = true })
      stream:read(true)
      world:advance(0.001)
      assert.equal(403, client:responses()[1].status)
      assert.is_nil(client.received:find("100", 1, true))
    end)

    it("does not close when the content is there, though nobody wants it", function()
      world.handler = function(s) s:respond(403, "no") end
      local client = world:connect(expecting .. "abc")
      assert.is_nil(client:responses()[1].fields.connection)
      assert.equal(2, #client:send(get):responses())
    end)

    it("is not answered when the content is there", function()
      local client = world:connect(expecting .. "ab")
      client:send("c" .. expecting .. "def")
      assert.same({ "abc", "def" }, { client:responses()[1].body, client:responses()[2].body })
    end)

    it("closes when the answer is final", function()
      world.handler = function(s) s:respond(403, "no") end
      local client = world:connect(expecting)
      assert.equal(403, client:responses()[1].status)
      assert.equal("close", client:responses()[1].fields.connection)
      world:advance(1)
      assert.equal("eof", client.ended)
    end)

    it("is no matter without content, and for HTTP/1.0", function()
      local client = world:connect(post("Expect: 100-continue\r\n"))
      assert.equal(1, #client:responses())
      client = world:connect("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab")
      assert.equal("ab", client:responses()[1].body)
    end)
  end)

  describe("a client that is gone", function()
    local stream, client

    local function wait()
      world.handler = function(s) stream = s end
      client = world:connect(get)
    end

    it("aborts the stream whose response is awaited, after a moment", function()
      wait()
      client:close()
      world:advance(0.14)
      assert.is_nil(stream.over)
      world:advance(0.02)
      assert.equal("context canceled", stream.why)
      assert.equal(0, world:count())
    end)

    it("aborts it at once by a reset", function()
      wait()
      client:close(true)
      world:advance(0.001)
      assert.equal("abort", stream.over)
    end)

    it("may only have shut its side: each part of the response may take a moment", function()
      wait()
      client:shutdown()
      world:advance(0.1)
      stream:respond(200, "a", { more = true })
      world:advance(0.1)
      stream:write("b", true)
      world:advance(0.001)
      assert.equal("ab", client:responses()[1].body)
      assert.equal("close", client:responses()[1].fields.connection)
      assert.equal("done", stream.over)
      assert.equal("eof", client.ended)
      wait()
      client:shutdown()
      stream:respond(200, "a", { more = true })
      world:advance(0.16)
      assert.equal("context canceled", stream.why)
      assert.equal(0, world:count())
    end)

    it("is not noticed behind a further request", function()
      wait()
      client:send(get)
      client:shutdown()
      assert.is_nil(stream.over)
      stream:respond(200, "ok")
      world:advance(0.001)
      assert.equal("ok", client:responses()[1].body)
    end)

    it("gets a complete response although it has shut its side", function()
      world.handler = function(s) s:respond(200, ("x"):rep(1000000)) end
      client = world:connect()
      client:pause(true)
      client:send(get)
      client:shutdown()
      client:pause(false)
      world:advance(1)
      assert.equal(1000000, #client:responses()[1].body)
      assert.equal("done", world.streams[1].over)
      assert.equal("eof", client.ended)
    end)

    it("aborts a stream whose response is under way", function()
      wait()
      stream:respond(200, "a", { more = true })
      client:close()
      world:advance(0.001)
      assert.equal("abort", stream.over)
    end)

    it("inside the content gets 400, if it can still read", function()
      client = world:connect(post("Content-Length: 5\r\n", "ab"))
      client:shutdown()
      assert.equal(400, client:responses()[1].status)
      assert.equal("abort", world.streams[1].over)
    end)

    it("inside a head gets 400, before one nothing", function()
      client = world:connect("GET / HT")
      client:shutdown()
      assert.equal(400, client:responses()[1].status)
      for _, bytes in ipairs({ "", "\r\n" }) do
        client = world:connect(bytes)
        client:shutdown()
        assert.equal("", client.received)
        assert.equal("eof", client.ended)
      end
      assert.equal(0, world:count())
    end)
  end)

  describe("a slow client", function()
    local big = ("x"):rep(1000000)

    local function slow(handler)
      world.handler = handler
      local client = world:connect()
      client:pause(true)
      client:send(get)
      return client, world.streams[#world.streams]
    end

    it("gets borrowed content in the end", function()
      local client, stream = slow(function(s) s:respond(200, { big, "y", big }) end)
      assert.is_nil(stream.over)
      client:pause(false)
      world:advance(1)
      assert.equal(big .. "y" .. big, client:responses()[1].body)
      assert.equal("done", stream.over)
      client:send(get)
    end)

    it("makes stream_write say when it is enough, and when to go on", function()
      local client, stream = slow(function(s) s:respond(200, nil, { more = true }) end)
      local written = 0
      while stream:write(("z"):rep(10000)) do written = written + 1 end
      assert.is_true(written > 20 and written < 60)
      assert.equal(0, stream.writable)
      client:pause(false)
      world:advance(1)
      assert.equal(1, stream.writable)
      assert.is_true(stream:write("end", true))
      world:advance(1)
      assert.equal((written + 1) * 10000 + 3, #client:responses()[1].body)
    end)

    it("is not waited for once the response has ended", function()
      local client, stream = slow(function(s) s:respond(200, nil, { more = true }) end)
      repeat until not stream:write(("z"):rep(10000))
      stream:write("end", true)
      client:pause(false)
      world:advance(1)
      assert.equal("done", stream.over)
      assert.equal(0, stream.writable)
    end)

    it("may go away before it has all", function()
      for _, reset in ipairs({ true, false }) do
        local client, stream = slow(function(s) s:respond(200, big) end)
        client:close(reset)
        world:advance(1)
        assert.equal("abort", stream.over)
      end
      assert.equal(0, world:count())
    end)

    it("is cut when the server goes", function()
      local _, stream = slow(function(s) s:respond(200, big) end)
      world:free_server()
      assert.equal("abort", stream.over)
    end)
  end)

  describe("cutting a response", function()
    it("closes without an end of the chunks", function()
      world.handler = function(s)
        s:respond(200, "abc", { more = true })
        s:cut()
      end
      local client = world:connect(get)
      assert.equal("done", world.streams[1].over)
      assert.equal("3\r\nabc\r\n", client.received:match("\r\n\r\n(.*)$"))
      assert.equal("eof", client.ended)
    end)

    it("resets where the end of the connection would be the end of the content", function()
      world.handler = function(s)
        s:respond(200, "abc", { more = true })
        s:cut()
      end
      local client = world:connect("GET / HTTP/1.0\r\n\r\n")
      assert.equal("reset", client.ended)
    end)

    it("closes in silence before a response", function()
      world.handler = function(s) s:cut() end
      local client = world:connect(get)
      assert.equal("", client.received)
      assert.equal("eof", client.ended)
    end)

    it("lets go of what waits", function()
      world.handler = function(s) s:respond(200, ("x"):rep(1000000), { more = true }) end
      local client = world:connect()
      client:pause(true)
      client:send(get)
      world.streams[1]:cut()
      world:advance(0.001)
      assert.equal("done", world.streams[1].over)
      assert.equal(0, world:count())
    end)
  end)
end)
