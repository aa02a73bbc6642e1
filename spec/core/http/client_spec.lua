local fetching = require("spec.support.fetching")
local ok = fetching.ok

local URL = "http://10.0.0.1/"
local CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

describe("client", function()
  local world, origin

  local function start(options) world, origin = fetching.restart(world, options) end

  before_each(function() start() end)

  after_each(function()
    world:close()
    world = nil
  end)

  local function get(answer, options)
    origin:answer(answer)
    return world:finish(world:get(URL, options))
  end

  it("fetches a document in one event", function()
    origin:answer(ok("hello", "X-A: 1\r\n"))
    local fetch = world:finish(world:get("http://10.0.0.1/a?b=c"))
    assert.equal(200, fetch.status)
    assert.equal("hello", fetch.body)
    assert.equal("1", fetch.fields["x-a"])
    assert.equal("http://10.0.0.1/a?b=c", fetch.final_url)
    assert.same({ { head = true, bytes = 5, ends = true, spans = 1 } }, fetch.events)
    assert.equal("GET /a?b=c HTTP/1.1\r\nHost: 10.0.0.1\r\nAccept-Encoding: gzip\r\n",
      origin.requests[1].head)
  end)

  it("sends head and content in one write", function()
    origin:answer(ok(""))
    world:finish(world:get(URL, { method = "POST", body = { "one ", "", "two" } }))
    assert.equal("one two", origin.requests[1].body)
    assert.equal("7", origin.requests[1].fields["content-length"])
    assert.equal(1, origin.conns[1].reads)
  end)

  it("sends content in one chunk when asked to", function()
    origin:answer(ok(""))
    world:finish(world:get(URL, { method = "POST", body = { "one ", "two" }, chunked = true }))
    assert.matches("\r\n\r\n7\r\none two\r\n0\r\n\r\n$", origin.conns[1].received)
    world:finish(world:get(URL, { method = "POST", body = "", chunked = true }))
    assert.matches("\r\nTransfer%-Encoding: chunked\r\n.*\r\n\r\n0\r\n\r\n$", origin.conns[1].received)
  end)

  it("announces no content, or an empty one", function()
    origin:answer(ok(""))
    world:finish(world:get(URL, { method = "DELETE" }))
    world:finish(world:get(URL, { method = "POST", empty_length = true }))
    world:finish(world:get(URL, { method = "POST", body = "" }))
    assert.is_nil(origin.requests[1].fields["content-length"])
    assert.equal("0", origin.requests[2].fields["content-length"])
    assert.equal("0", origin.requests[3].fields["content-length"])
  end)

  it("sends many pieces of content", function()
    local pieces = {}
    for i = 1, 1000 do pieces[i] = ("%03d;"):format(i % 1000) end
    origin:answer(ok(""))
    world:finish(world:get(URL, { method = "PUT", body = pieces }))
    assert.equal(table.concat(pieces), origin.requests[1].body)
  end)

  it("sends a large content through a small window", function()
    local body = ("0123456789abcdef"):rep(40000)
    world:fault("10.0.0.1", 80, { window = 1000 })
    origin:answer(ok("done"))
    local fetch = world:finish(world:get(URL, { method = "PUT", body = body, chunked = true }))
    assert.equal("done", fetch.body)
    assert.is_true(body == origin.requests[1].body)
  end)

  describe("reads", function()
    local function reads(what, response, body, options)
      it(what, function()
        origin:answer(function(conn)
          conn:write(response)
          if options and options.close then conn:close_after() end
        end)
        local fetch = world:finish(world:get(URL, options and options.fetch))
        assert.is_nil(fetch.text)
        assert.equal(body, fetch.body)
        world:finish(world:fetch(URL, options and options.fetch))
        assert.equal(body, world.fetches[2].body)
      end)
    end

    local close = { close = true }
    reads("a content that ends with the connection", "HTTP/1.1 200 OK\r\n\r\nabc", "abc", close)
    reads("an empty content that ends with the connection", "HTTP/1.1 200 OK\r\n\r\n", "", close)
    reads("HTTP/1.0", "HTTP/1.0 200 OK\r\nX: 1\r\n\r\nabc", "abc", close)
    reads("HTTP/1.0 with a length", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", close)
    reads("no reason", "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", "abc")
    reads("an empty reason", "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc", "abc")
    reads("chunks with extensions and trailers",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
      .. "2;x=y\r\nab\r\n01\r\nc\r\n0\r\nX-T: 1\r\n\r\n", "abc")
    reads("no chunks", CHUNKED .. "0\r\n\r\n", "")
    reads("an early hint first",
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" .. ok("abc"), "abc")
    reads("100 (Continue) that nobody asked for",
      ("HTTP/1.1 100 Continue\r\n\r\n"):rep(2) .. ok("abc"), "abc")
    reads("204 without content", "HTTP/1.1 204 No Content\r\n\r\n", "")
    reads("304 with the length of what it does not send",
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "")
    reads("the answer to HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "",
      { fetch = { method = "HEAD" } })
  end)

  it("keeps Content-Length of an answer to HEAD", function()
    local fetch = get("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", { method = "HEAD" })
    assert.equal("9", fetch.fields["content-length"])
    assert.is_nil(origin.requests[1].fields["accept-encoding"])
  end)

  describe("refuses", function()
    local function refuses(what, response)
      it(what, function()
        local fetch = get(response)
        assert.equal("malformed", fetch.failure)
        world:run(function() return origin.conns[1].ended end)
        assert.is_truthy(origin.conns[1].ended)
        assert.equal(1, #origin.requests)
      end)
    end

    refuses("what is not HTTP", "hello\r\n\r\n")
    refuses("a status that is no number", "HTTP/1.1 OK\r\n\r\n")
    refuses("a status of two digits", "HTTP/1.1 20 OK\r\n\r\n")
    refuses("a status below 100", "HTTP/1.1 099 OK\r\n\r\n")
    refuses("HTTP/2 in the clear", "HTTP/2.0 200 OK\r\n\r\n")
    refuses("101, which we never ask for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
    refuses("Content-Length and Transfer-Encoding",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    refuses("differing lengths", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\n{\"a\":1}")
    refuses("a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")
    refuses("a length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc")
    refuses("a length beyond 64 bits", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n")
    refuses("a coding other than chunked",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
    refuses("chunked that is not last",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n")
    refuses("a bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n")
    refuses("a bare CR", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n")
    refuses("a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n")
    refuses("a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n")
    refuses("NUL in a value", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n")
    refuses("a name that is no token", "HTTP/1.1 200 OK\r\nX(a): b\r\nContent-Length: 0\r\n\r\n")
    refuses("a chunk size that is no number", CHUNKED .. "zz\r\n{}\r\n0\r\n\r\n")
    refuses("a chunk longer than its size", CHUNKED .. "2\r\nabc\r\n0\r\n\r\n")
    refuses("a chunk size beyond 64 bits",
      CHUNKED .. "10000000000000000\r\na\r\n0\r\n\r\n")
  end)

  it("says what was malformed", function()
    local fetch = get("hello\r\n\r\n")
    assert.matches('^Get "http://10.0.0.1/": malformed HTTP response', fetch.text)
    origin:now(CHUNKED .. "zz\r\n")
    fetch = world:finish(world:get(URL))
    assert.equal("malformed chunked encoding", fetch.text)
  end)

  it("refuses a head beyond its limit, and reads one below", function()
    start({ max_head = 200000 })
    local fetch = get("HTTP/1.1 200 OK\r\nX: " .. ("y"):rep(150000) .. "\r\nContent-Length: 2\r\n\r\nok")
    assert.equal("ok", fetch.body)
    assert.equal(150000, #fetch.fields.x)
    origin:now("HTTP/1.1 200 OK\r\nX: " .. ("y"):rep(250000) .. "\r\nContent-Length: 2\r\n\r\nok")
    fetch = world:finish(world:get(URL))
    assert.equal("malformed", fetch.failure)
    assert.equal('Get "http://10.0.0.1/": malformed HTTP response: too large', fetch.text)
  end)

  it("tells of informational responses as they come, but for 100 (Continue)", function()
    local fetch = get("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      .. "HTTP/1.1 199 X\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert.same({
      { status = 103, fields = { link = "</a>" } }, { status = 199, fields = { ["content-length"] = "5" } },
    }, fetch.interims)
    assert.same({ 200, "ok" }, { fetch.status, fetch.body })
  end)

  it("may be cancelled by whoever is told of an informational response, though the final one is there", function()
    origin:answer("HTTP/1.1 103 Early Hints\r\n\r\n" .. ok("abc"))
    local fetch = world:get(URL)
    fetch.on_interim = function()
      fetch:cancel()
      fetch:free()
    end
    world:run(function() return origin.conns[1] and origin.conns[1].ended end)
    assert.equal(1, #fetch.interims)
    assert.same({}, fetch.events)
    assert.equal(0, world:idle())
  end)

  it("needs no more memory for many informational responses than for one", function()
    local fetch = get(("HTTP/1.1 103 Early Hints\r\nA: b\r\nB: c\r\n\r\n"):rep(3000)
      .. "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert.equal(200, fetch.status)
    assert.equal(3000, #fetch.positions)
    for i = 2, 3000 do assert.equal(fetch.positions[1], fetch.positions[i]) end
  end)

  it("refuses early hints without an end", function()
    start({ max_head = 10000 })
    local fetch = get(("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"):rep(500))
    assert.equal("malformed", fetch.failure)
  end)

  describe("collects", function()
    it("a content of known length larger than any buffer", function()
      local body = ("0123456789"):rep(50000)
      local fetch = get(ok(body))
      assert.is_true(body == fetch.body)
      assert.equal(1, #fetch.events)
      assert.equal(1, fetch.events[1].spans)
    end)

    it("chunks larger than any buffer", function()
      local chunks, body = {}, {}
      for i = 1, 3000 do
        local chunk = ("%d,"):format(i):rep(i % 40 + 1)
        body[i] = chunk
        chunks[i] = ("%x\r\n%s\r\n"):format(#chunk, chunk)
      end
      local fetch = get(CHUNKED .. table.concat(chunks) .. "0\r\n\r\n")
      assert.is_true(table.concat(body) == fetch.body)
      assert.equal(1, fetch.events[1].spans)
    end)

    it("up to its limit", function()
      assert.equal("12345", get(ok("12345"), { collect = 5 }).body)
      local fetch = world:finish(world:get(URL, { collect = 4 }))
      assert.equal("too_large", fetch.failure)
      assert.equal("content is larger than 4 bytes", fetch.text)
      origin:now(CHUNKED .. "3\r\n123\r\n2\r\n45\r\n0\r\n\r\n")
      assert.equal("12345", world:finish(world:get(URL, { collect = 5 })).body)
      assert.equal("too_large", world:finish(world:get(URL, { collect = 4 })).failure)
      origin:now(function(conn)
        conn:write("HTTP/1.1 200 OK\r\n\r\n12345")
        conn:close_after()
      end)
      assert.equal("12345", world:finish(world:get(URL, { collect = 5 })).body)
      assert.equal("too_large", world:finish(world:get(URL, { collect = 4 })).failure)
    end)
  end)

  describe("that hangs up", function()
    local function hangs_up(what, bytes, failure, text)
      it(what, function()
        origin:answer(function(conn)
          if #bytes > 0 then conn:write(bytes) end
          conn:close_after()
        end)
        local fetch = world:finish(world:get("http://10.0.0.1/p", { method = "GET" }))
        assert.equal(failure, fetch.failure)
        assert.equal(text, fetch.text)
        assert.equal(1, #origin.requests)
      end)
    end

    hangs_up("before its answer", "", "closed", 'Get "http://10.0.0.1/p": EOF')
    hangs_up("in the head", "HTTP/1.1 200 OK\r\nX:", "closed", 'Get "http://10.0.0.1/p": unexpected EOF')
    hangs_up("in a content of known length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":",
      "closed", "unexpected EOF")
    hangs_up("between chunks", CHUNKED .. "5\r\n{\"a\":\r\n", "closed",
      "unexpected EOF")
    hangs_up("in the trailer section", CHUNKED .. "0\r\nX: 1", "closed",
      "unexpected EOF")
  end)

  it("tells a reset", function()
    origin:answer(function(conn) conn:reset() end)
    local fetch = world:finish(world:get(URL, { method = "PATCH", body = "x" }))
    assert.equal("closed", fetch.failure)
    assert.equal('Patch "http://10.0.0.1/": read tcp 10.0.0.1:80: read: connection reset by peer', fetch.text)
  end)

  it("asks for gzip unless the request does, or wants a range or a head only", function()
    origin:answer(ok(""))
    local function asked(fields, method)
      world:finish(world:get(URL, { fields = fields, method = method }))
      local request = origin.requests[#origin.requests]
      local _, count = request.head:gsub("\r\nAccept%-Encoding:", "")
      return request.fields["accept-encoding"], count
    end
    assert.same({ "gzip", 1 }, { asked({}) })
    assert.same({ "gzip", 2 }, { asked({ { "Accept-Encoding", "" } }) }) -- behind the empty one
    assert.same({ "br", 1 }, { asked({ { "Accept-Encoding", "br" } }) })
    assert.same({ nil, 0 }, { asked({ { "Range", "bytes=0-1" } }) })
    assert.same({ nil, 0 }, { asked({}, "HEAD") })
    start({ disable_compression = true })
    origin:answer(ok(""))
    assert.same({ nil, 0 }, { asked({}) })
  end)

  it("sends user and password of the URL, unless the request brings its own", function()
    origin:answer(ok(""))
    local function authorization(url, fields)
      world:finish(world:get(url, { fields = fields }))
      return origin.requests[#origin.requests].fields.authorization
    end
    assert.equal("Basic dXNlcjpwYXNzd29yZA==", authorization("http://user:password@10.0.0.1/"))
    assert.equal("Basic dXNlcjo=", authorization("http://user@10.0.0.1/"))
    assert.equal("Basic YTpiOmM=", authorization("http://a:b:c@10.0.0.1/"))
    assert.equal("Basic w6Q6Lw==", authorization("http://%C3%A4:%2F@10.0.0.1/"))
    local own = { { "authorization", "Bearer t" } }
    assert.equal("Bearer t", authorization("http://user:password@10.0.0.1/", own))
    assert.is_nil(authorization(URL))
    assert.equal("10.0.0.1", origin.requests[1].fields.host)
  end)

  it("says that TLS is not there yet", function()
    local fetch = world:finish(world:get("https://10.0.0.1/"))
    assert.equal("connect", fetch.failure)
    assert.equal('Get "https://10.0.0.1/": TLS to backends is not supported yet', fetch.text)
  end)

  it("gives up when the head is late", function()
    start({ response_header_timeout = 2 })
    origin:answer(function() end)
    local fetch = world:finish(world:get(URL))
    assert.equal("timeout", fetch.failure)
    assert.equal('Get "http://10.0.0.1/": net/http: timeout awaiting response headers', fetch.text)
    assert.near(2, world:now() - tonumber(fetch.fetch.started) / 1e9, 0.01)
  end)

  it("waits for the head from when the request is sent, and for the content without a limit", function()
    start({ response_header_timeout = 2 })
    origin:answer(function(conn) conn:write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n") end)
    local fetch = world:get(URL, { method = "POST", stream = true, length = 2 })
    world:advance(10)
    assert.is_nil(fetch.over)
    fetch:write("xx", true)
    world:advance(10)
    assert.is_nil(fetch.over)
    origin.conns[1]:write("ok")
    assert.equal("ok", world:finish(fetch).body)
  end)

  it("is freed with fetches under way", function()
    origin:answer(function() end)
    world:get(URL)
    world:advance(1)
    world:get(URL)
    assert.equal(1, #origin.requests)
  end)
end)
