local fetching = require("spec.support.fetching")
local ok = fetching.ok

local URL = "http://10.0.0.1/"
local CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

describe("a streamed fetch", function()
  local world, origin

  local function start(options) world, origin = fetching.restart(world, options) end

  before_each(function() start() end)

  after_each(function()
    world:close()
    world = nil
  end)

  describe("downstream", function()
    it("tells head and content that came together in one event", function()
      origin:answer(ok("hello"))
      local fetch = world:finish(world:fetch(URL))
      assert.same({ { head = true, bytes = 5, ends = true, spans = 1 } }, fetch.events)
    end)

    it("tells a head at once on a kept connection too, whatever came on it before", function()
      start({ max_head = 200 })
      local interim = "HTTP/1.1 103 Early Hints\r\nLink: " .. ("x"):rep(80) .. "\r\n\r\n"
      for i = 1, 3 do
        local conn
        origin:now(function(c)
          conn = c
          c:write(interim .. CHUNKED)
        end)
        local fetch = world:fetch(URL)
        world:advance(1)
        assert.same({ { head = true, bytes = 0, ends = false, spans = 0 } }, fetch.events)
        assert.equal(i > 1, fetch.reused)
        conn:write("2\r\nok\r\n0\r\n\r\n")
        assert.equal("ok", world:finish(fetch).body)
      end
    end)

    it("goes on after a pause though nothing more comes", function()
      origin:answer(CHUNKED .. "1\r\na\r\n", ok("b"))
      local fetch = world:fetch(URL)
      fetch.on_piece = function() fetch:pause() end
      world:advance(1)
      origin.conns[1]:write(("1\r\nx\r\n"):rep(100) .. "0\r\n\r\n")
      fetch:resume()
      world:advance(1)
      fetch.on_piece = nil
      local before = #fetch.body
      assert.is_true(before < 101)
      fetch:resume()
      world:advance(1)
      assert.equal(101, #fetch.body)
      assert.is_true(fetch.over)
    end)

    it("tells a head without content at once, and content as it comes", function()
      origin:answer(function(conn) conn:write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n") end)
      local fetch = world:fetch(URL)
      world:advance(1)
      assert.same({ { head = true, bytes = 0, ends = false, spans = 0 } }, fetch.events)
      origin.conns[1]:write("abc")
      world:advance(1)
      assert.equal("abc", fetch.body)
      origin.conns[1]:write("def")
      world:finish(fetch)
      assert.equal("abcdef", fetch.body)
      assert.equal(3, #fetch.events)
      assert.equal(1, world:idle())
    end)

    it("tells what came before the connection broke", function()
      origin:answer(function(conn)
        conn:write(CHUNKED .. "a\r\npart of it\r\n")
        conn:close_after()
      end)
      local fetch = world:finish(world:fetch(URL))
      assert.equal(200, fetch.status)
      assert.equal("part of it", fetch.body)
      assert.equal("closed", fetch.failure)
      assert.equal("unexpected EOF", fetch.text)
    end)

    it("hands out many small chunks", function()
      local body, chunks = {}, {}
      for i = 1, 2000 do
        body[i] = ("%d"):format(i)
        chunks[i] = ("%x\r\n%d\r\n"):format(#body[i], i)
      end
      origin:answer(CHUNKED .. table.concat(chunks) .. "0\r\n\r\n")
      local fetch = world:finish(world:fetch(URL))
      assert.equal(table.concat(body), fetch.body)
      assert.equal(1, world:idle())
    end)

    local large = ("0123456789"):rep(100000)
    local forms = {
      length = ok(large),
      close = "HTTP/1.1 200 OK\r\n\r\n" .. large,
      chunked = CHUNKED ..
        ("2710\r\n" .. large:sub(1, 10000) .. "\r\n"):rep(100) .. "0\r\n\r\n",
    }

    for form, bytes in pairs(forms) do
      it("reads no further while it is paused: " .. form, function()
        origin:answer(function(conn)
          conn:write(bytes)
          conn:close_after()
        end)
        local fetch = world:fetch(URL)
        fetch.on_piece = function() fetch:pause() end
        world:advance(10)
        assert.equal(1, #fetch.events)
        assert.is_true(#origin.conns[1].queue > 0) -- felt by the backend
        local turns = 0
        while not fetch.over do
          turns = turns + 1
          assert.is_true(turns < 2000)
          fetch:resume()
          world:advance(0.001)
        end
        assert.is_nil(fetch.text)
        assert.is_true(large == fetch.body)
      end)
    end

    it("may be paused and resumed before anything came, and within an event", function()
      origin:answer(ok("hello"))
      local fetch = world:fetch(URL)
      fetch:pause()
      world:advance(10)
      assert.equal(0, #fetch.events)
      fetch.on_piece = function()
        fetch:pause()
        fetch:resume()
      end
      fetch:resume()
      fetch:resume()
      world:finish(fetch)
      assert.equal("hello", fetch.body)
    end)

    it("keeps its limit of time for the head while it is paused", function()
      start({ response_header_timeout = 1 })
      origin:answer(ok("hello"))
      local fetch = world:fetch(URL)
      fetch:pause()
      world:advance(10)
      fetch:resume()
      assert.equal("hello", world:finish(fetch).body)
    end)
  end)

  describe("upstream", function()
    local function post(options)
      options = options or {}
      options.method, options.stream = "POST", true
      return world:get(URL, options)
    end

    it("sends what was written before it was connected", function()
      origin:answer(ok("thanks"))
      local fetch = post()
      assert.is_true(fetch:write("one "))
      assert.is_true(fetch:write("two", true))
      world:finish(fetch)
      assert.equal("one two", origin.requests[1].body)
      assert.equal("thanks", fetch.body)
      assert.equal(1, origin.conns[1].reads)
      assert.equal(1, world:idle())
    end)

    it("sends the head and the content of the same turn together", function()
      origin:answer(ok(""))
      world:finish(world:get(URL))
      world:advance(1)
      local fetch = post()
      fetch:write("content", true)
      world:finish(fetch)
      assert.equal(2, origin.conns[1].reads)
      assert.equal("content", origin.requests[2].body)
    end)

    it("sends the head alone at the end of the turn", function()
      origin:answer(ok(""))
      world:finish(world:get(URL))
      local fetch = post()
      world:advance(1)
      assert.matches("POST / HTTP/1.1.*\r\n\r\n$", origin.conns[1].received)
      fetch:write("a")
      world:advance(1)
      fetch:write("", false)
      fetch:write("bc")
      world:advance(1)
      fetch:write(nil, true)
      world:finish(fetch)
      assert.equal("abc", origin.requests[2].body)
      assert.matches("\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n$", origin.conns[1].received)
    end)

    it("announces its length", function()
      origin:answer(ok(""))
      local fetch = post({ length = 5 })
      fetch:write("ab")
      world:advance(1)
      fetch:write("cde", true)
      world:finish(fetch)
      assert.equal("5", origin.requests[1].fields["content-length"])
      assert.equal("abcde", origin.requests[1].body)
      assert.equal(1, world:idle())
    end)

    it("fails when it has not its announced length", function()
      origin:answer(ok(""))
      for _, body in ipairs({ "abc", "abcdef" }) do
        local fetch = post({ length = 5 })
        fetch:write(body, true)
        world:finish(fetch)
        assert.equal("closed", fetch.failure)
        assert.matches("announced length", fetch.text)
      end
      assert.equal(0, #origin.requests)
    end)

    it("makes the writer wait, and calls it", function()
      world:fault("10.0.0.1", 80, { window = 4096, delay = 1000000LL })
      origin:answer(ok("done"))
      local fetch = post()
      local left, waits = 2000000, 0
      local function go_on()
        while left > 0 do
          left = left - 10000
          if not fetch:write(("x"):rep(10000), left == 0) then
            waits = waits + 1
            return
          end
        end
      end
      fetch.on_writable = go_on
      go_on()
      world:finish(fetch)
      assert.equal("done", fetch.body)
      assert.equal(2000000, #origin.requests[1].body)
      assert.is_true(waits > 5)
      assert.is_true(fetch.writable >= waits - 1)
    end)

    it("goes on while a response under way is no refusal", function()
      origin.on_open = function(conn) conn:write(CHUNKED) end
      origin.on_bytes = function(conn, bytes) conn:write(("%x\r\n%s\r\n"):format(#bytes, bytes)) end
      origin:answer(function(conn) conn:write("0\r\n\r\n") end)
      local fetch = world:fetch(URL, { method = "POST", stream = true })
      world:run(function() return fetch.status end)
      fetch:write("ping")
      world:run(function() return fetch.body:match("ping") end)
      fetch:write("pong", true)
      world:finish(fetch)
      assert.matches("pong", fetch.body)
      assert.equal("pingpong", origin.requests[1].body)
    end)

    it("ends with a refusal that comes early; its connection goes", function()
      origin.on_open = function(conn) conn:write("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno") end
      local fetch = post()
      fetch:write("first")
      world:finish(fetch)
      assert.equal(403, fetch.status)
      assert.equal("no", fetch.body)
      assert.equal(0, world:idle())
      assert.is_true(fetch:write("more", true)) -- it is over: nothing happens
    end)

    it("reads the answer of a backend that stopped reading", function()
      origin.on_bytes = function(conn)
        origin.on_bytes = nil
        conn:write("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
        conn:close_after()
      end
      local fetch = post()
      fetch:write(("x"):rep(10))
      world:run(function() return fetch.over end)
      assert.equal(413, fetch.status)
    end)
  end)

  describe("that expects 100 (Continue)", function()
    local function post()
      return world:get(URL, {
        method = "POST", body = "content", expects_continue = true, fields = { { "Expect", "100-continue" } },
      })
    end

    it("does not wait unless there is a time for it", function()
      origin:answer(ok("done"))
      assert.equal("done", world:finish(post()).body)
      assert.equal(1, origin.conns[1].reads)
    end)

    it("holds its content until it is asked for", function()
      start({ expect_continue_timeout = 5 })
      origin:answer(ok("done"))
      local fetch = post()
      world:advance(1)
      assert.matches("Expect: 100%-continue\r\n.*\r\n\r\n$", origin.conns[1].received)
      origin.conns[1]:write("HTTP/1.1 100 Continue\r\n\r\n")
      world:finish(fetch)
      assert.equal("content", origin.requests[1].body)
      assert.equal("done", fetch.body)
      assert.is_true(world:now() - tonumber(fetch.fetch.started) / 1e9 < 4)
      assert.equal(1, world:idle())
    end)

    it("waits for the response as long as for any, once it was asked", function()
      start({ expect_continue_timeout = 1, response_header_timeout = 5 })
      origin:answer(function() end)
      local fetch = post()
      world:advance(0.1)
      origin.conns[1]:write("HTTP/1.1 100 Continue\r\n\r\n")
      world:advance(4)
      assert.is_nil(fetch.over)
      origin.conns[1]:write(ok("done"))
      assert.equal("done", world:finish(fetch).body)
    end)

    it("takes the response that comes in one piece with what asks", function()
      start({ expect_continue_timeout = 5 })
      local fetch = post()
      world:advance(0.1)
      origin.conns[1]:write("HTTP/1.1 100 Continue\r\n\r\n" .. ok("done"))
      assert.equal("done", world:finish(fetch).body)
      world:advance(1)
      assert.equal(1, world:idle())
    end)

    it("sends it when nobody asks in time", function()
      start({ expect_continue_timeout = 5, response_header_timeout = 1 })
      origin:answer(ok("done"))
      local fetch = post()
      world:advance(4.9)
      assert.equal(0, #origin.requests)
      world:finish(fetch)
      assert.equal("done", fetch.body)
      assert.equal("content", origin.requests[1].body)
    end)

    it("never sends it when the final answer comes first", function()
      start({ expect_continue_timeout = 5 })
      origin.on_bytes = function(conn) conn:write("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n") end
      local fetch = world:finish(post())
      assert.equal(417, fetch.status)
      world:advance(10)
      assert.not_matches("content$", origin.conns[1].received)
      assert.equal(0, world:idle())
    end)

    it("never sends it when any final answer comes first", function()
      start({ expect_continue_timeout = 5 })
      origin.on_bytes = function(conn) conn:write(ok("done")) end
      assert.equal("done", world:finish(post()).body)
      world:advance(10)
      assert.not_matches("content$", origin.conns[1].received)
      assert.equal(0, world:idle())
    end)

    it("has nothing to wait for without content", function()
      start({ expect_continue_timeout = 5 })
      origin:answer(ok("done"))
      world:finish(world:get(URL, { method = "POST", expects_continue = true }))
      assert.equal(1, world:idle())
    end)

    it("holds a streamed content too", function()
      start({ expect_continue_timeout = 5 })
      origin:answer(ok("done"))
      local fetch = world:get(URL, {
        method = "POST", stream = true, expects_continue = true, fields = { { "Expect", "100-continue" } },
      })
      fetch:write("one ")
      world:advance(1)
      assert.matches("\r\n\r\n$", origin.conns[1].received)
      fetch:write("two", true)
      world:advance(1)
      assert.matches("\r\n\r\n$", origin.conns[1].received)
      origin.conns[1]:write("HTTP/1.1 100 Continue\r\n\r\n")
      world:finish(fetch)
      assert.equal("one two", origin.requests[1].body)
    end)

    local function goes_on(what, invite)
      it("calls a writer that waits " .. what, function()
        start({ expect_continue_timeout = 5 })
        origin:answer(ok("done"))
        local fetch = world:get(URL, {
          method = "POST", stream = true, expects_continue = true, fields = { { "Expect", "100-continue" } },
        })
        fetch.on_writable = function() fetch:write("the rest", true) end
        repeat until not fetch:write(("x"):rep(10000))
        world:advance(1)
        assert.is_nil(fetch.writable)
        invite(origin.conns[1])
        world:run(function() return fetch.over end, 60)
        assert.equal("done", fetch.body)
        assert.equal(1, fetch.writable)
        assert.matches("xthe rest$", origin.requests[1].body)
      end)
    end

    goes_on("when it is asked for", function(conn) conn:write("HTTP/1.1 100 Continue\r\n\r\n") end)
    goes_on("when nobody has asked in time", function() world:advance(5) end)
  end)
end)
