local serving = require("spec.support.serving")

describe("server", function()
  local world
  local get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

  local function start(options)
    if world then world:close() end
    world = serving.world(options)
  end

  --- The one response to the bytes, answered by handler.
  local function answer(bytes, handler)
    world.handler = handler or world.handler
    local client = world:connect(bytes)
    local method = bytes:match("^%u+")
    return client:responses({ method })[1], client
  end

  before_each(function() start() end)

  after_each(function()
    world:close()
    world = nil
  end)

  describe("handing out a request", function()
    it("gives method, target, host and fields", function()
      world:connect("PUT /a/b?c=d HTTP/1.1\r\nHost: h:81\r\nx-a:  1 \r\nX-A: 2\r\n\r\n")
      local stream = world.streams[1]
      assert.equal("PUT", stream.method)
      assert.equal("/a/b?c=d", stream.target)
      assert.equal("/a/b", stream.path)
      assert.equal("h:81", stream.host)
      assert.same({ { "Host", "h:81" }, { "x-a", "1" }, { "X-A", "2" } }, stream.fields)
    end)

    it("gives the address of the peer", function()
      local peer
      world.handler = function(s)
        peer = s:peer()
        s:respond(204)
      end
      world:connect(get)
      assert.equal("127.0.0.1", peer)
    end)

    it("keeps the head in place until the stream is done", function()
      local stream
      world.handler = function(s) stream = s end
      local client = world:connect(get)
      client:send(("GET /next HTTP/1.1\r\nHost: h\r\nX: %s\r\n\r\n"):format(("x"):rep(70000)))
      stream:respond(200, "1")
      world:advance(0.001)
      assert.equal("/a", world.streams[1].seen_again)
      assert.equal("/next", world.streams[2].target)
    end)

    it("accepts it in any pieces", function()
      local bytes = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" ..
        "3;x=\"y\"\r\nabc\r\n0\r\nT: u\r\n\r\n"
      for size = 1, 20 do
        world.handler = function(s)
          s.on_body = function(_, _, ends)
            if ends then s:respond(200, s.body) end
          end
          s:read(true)
        end
        local client = world:connect()
        for at = 1, #bytes, size do client:send(bytes:sub(at, at + size - 1)) end
        assert.equal("abc", client:responses()[1].body)
      end
    end)

    it("takes a head of several buffers", function()
      local value = ("v"):rep(200000)
      world:connect(("GET / HTTP/1.1\r\nHost: h\r\nX-Long: %s\r\n\r\n"):format(value))
      world:advance(1)
      assert.equal(value, world.streams[1].fields[2][2])
    end)

    it("takes one empty line before a request, as some clients send after content", function()
      local client = world:connect("\r\n" .. get .. "\r\n" .. get)
      assert.equal(2, #client:responses())
    end)

    it("answers pipelined requests one after the other", function()
      local waiting = {}
      world.handler = function(s) waiting[#waiting + 1] = s end
      local client = world:connect(get:gsub("/a", "/1") .. get:gsub("/a", "/2") .. get:gsub("/a", "/3"))
      for i = 1, 3 do
        assert.equal(i, #waiting)
        waiting[i]:respond(200, waiting[i].target)
        world:advance(0.001)
      end
      local bodies = {}
      for i, response in ipairs(client:responses()) do bodies[i] = response.body end
      assert.same({ "/1", "/2", "/3" }, bodies)
    end)
  end)

  describe("framing a response", function()
    it("sends head and content in one write, with Date and Content-Length", function()
      local response, client = answer(get, function(s)
        s:respond(200, { "a", "", "bc" }, { fields = { { "X-A", "1" }, { "x-b", "2" } } })
      end)
      assert.equal("HTTP/1.1 200 OK", response.line)
      assert.same({ "X-A", "x-b", "Date", "Content-Length" }, response.names)
      assert.equal("3", response.fields["content-length"])
      assert.truthy(response.fields.date:match("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$"))
      assert.equal("abc", response.body)
      assert.equal(1, client.writes)
      assert.equal(3, world.streams[1].sent)
    end)

    it("keeps a Date that is given", function()
      local date = "Sun, 06 Nov 1994 08:49:37 GMT"
      local response = answer(get, function(s) s:respond(200, "", { fields = { { "date", date } } }) end)
      assert.equal(date, response.fields.date)
      assert.same({ "date", "Content-Length" }, response.names)
    end)

    it("lets nobody else frame", function()
      local response = answer(get, function(s)
        s:respond(200, "abc", { fields = {
          { "content-length", "7" }, { "Transfer-Encoding", "chunked" }, { "Connection", "close" },
          { "Keep-Alive", "1" },
        } })
      end)
      assert.same({ "Date", "Content-Length" }, response.names)
      assert.equal("abc", response.body)
    end)

    it("sends content of unknown length in chunks", function()
      local response, client = answer(get, function(s)
        s:respond(200, "abc", { more = true })
        s:write({ "de", "f" })
        s:write({})
        s:write({ "" })
        s:write("g", true)
      end)
      assert.equal("chunked", response.fields["transfer-encoding"])
      assert.is_nil(response.fields["content-length"])
      assert.equal("abcdefg", response.body)
      assert.equal("3\r\nabc\r\n3\r\ndef\r\n1\r\ng\r\n0\r\n\r\n", client.received:match("\r\n\r\n(.*)$"))
    end)

    it("ends chunks without further content", function()
      local response = answer(get, function(s)
        s:respond(200, nil, { more = true })
        s:write(nil, true)
      end)
      assert.equal("", response.body)
    end)

    it("sends many spans", function()
      local pieces = {}
      for i = 1, 3000 do pieces[i] = i % 7 == 0 and "" or tostring(i) end
      local response = answer(get, function(s) s:respond(200, pieces) end)
      assert.equal(table.concat(pieces), response.body)
      response = answer(get, function(s)
        s:respond(200, nil, { more = true })
        s:write(pieces, true)
      end)
      assert.equal(table.concat(pieces), response.body)
    end)

    it("sends content of an announced length as it comes", function()
      local response = answer(get, function(s)
        s:respond(200, "ab", { more = true, length = 5 })
        s:write("cde", true)
      end)
      assert.equal("5", response.fields["content-length"])
      assert.equal("abcde", response.body)
    end)

    it("never sends more than it announced", function()
      local response, client = answer(get, function(s)
        s:respond(200, "ab", { more = true, length = 3 })
        s:write("cdef", true)
      end)
      assert.equal("abc", response.body)
      world:advance(1)
      assert.truthy(client.received:match("abc$"))
      assert.equal("eof", client.ended)
    end)

    it("closes after less than it announced", function()
      local _, client = answer(get, function(s)
        s:respond(200, "ab", { more = true, length = 5 })
        s:write("c", true)
      end)
      assert.truthy(client.received:match("abc$"))
      assert.equal("eof", client.ended)
    end)

    it("sends no content in answer to HEAD, but its length", function()
      local head = "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n"
      local response, client = answer(head, function(s) s:respond(200, "abc") end)
      assert.equal("3", response.fields["content-length"])
      assert.truthy(client.received:match("\r\n\r\n$"))
      response = answer(head, function(s) s:respond(200, nil, { length = 77 }) end)
      assert.equal("77", response.fields["content-length"])
      response, client = answer(head, function(s)
        s:respond(200, "x", { more = true })
        s:write("abc", true)
      end)
      assert.is_nil(response.fields["content-length"])
      assert.is_nil(response.fields["transfer-encoding"])
      client:send(get)
      assert.equal(2, #client:responses({ "HEAD", "GET" }))
      assert.is_nil(client.ended)
    end)

    it("sends neither content nor length with 204 and 304", function()
      for _, status in ipairs({ 204, 304 }) do
        local response, client = answer(get, function(s) s:respond(status, "abc") end)
        assert.same({ "Date" }, response.names)
        assert.truthy(client.received:match("\r\n\r\n$"))
        client:send(get)
        assert.equal(2, #client:responses())
      end
    end)

    it("sends an empty 205", function()
      local response = answer(get, function(s) s:respond(205, "abc") end)
      assert.equal("0", response.fields["content-length"])
    end)

    it("writes the phrase of any status", function()
      assert.equal("HTTP/1.1 418 I'm a teapot", answer(get, function(s) s:respond(418) end).line)
      assert.equal("HTTP/1.1 999 status code 999", answer(get, function(s) s:respond(999) end).line)
    end)

    it("ends content of unknown length for HTTP/1.0 by closing", function()
      local response, client = answer("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", function(s)
        s:respond(200, "abc", { more = true })
        s:write("def", true)
      end)
      assert.same({ "Date", "Connection" }, response.names)
      assert.equal("close", response.fields.connection)
      assert.equal("abcdef", response.body)
      world:advance(1)
      assert.equal("eof", client.ended)
    end)
  end)

  describe("sending informational responses (RFC 9110 section 15.2)", function()
    local link = {
      { "Link", "</a>" }, { "Content-Length", "3" }, { "Transfer-Encoding", "chunked" }, { "Connection", "x" },
    }

    local function inform_twice(s)
      s:inform(103, link)
      s:inform(199)
      s:respond(200, "ok")
      s:inform(103, link)
    end

    it("writes them before the final one, without Date and what frames content", function()
      world.handler = inform_twice
      local client = world:connect(get)
      client:send(get)
      local begins = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 199 status code 199\r\n\r\n"
        .. "HTTP/1.1 200 OK\r\n"
      assert.equal(begins, client.received:sub(1, #begins))
      local statuses = {}
      for i, response in ipairs(client:responses()) do statuses[i] = response.status end
      assert.same({ 103, 199, 200, 103, 199, 200 }, statuses)
      assert.equal("ok", client:responses()[6].body)
    end)

    it("sends them as they come", function()
      world.handler = function(s) s:inform(102) end
      local client = world:connect(get)
      assert.equal("HTTP/1.1 102 Processing\r\n\r\n", client.received)
      world.streams[1]:respond(200, "ok")
      world:advance(0.001)
      assert.equal(200, client:responses()[2].status)
    end)

    it("sends none to HTTP/1.0", function()
      local response = answer("GET / HTTP/1.0\r\n\r\n", inform_twice)
      assert.equal(200, response.status)
    end)

    it("keeps their order with what a slow client has not taken yet, and drops more", function()
      start({ fault = { split = 100 } })
      local long = { { "X", ("x"):rep(1000) } }
      local client = world:connect()
      client:pause(true)
      world.handler = function(s)
        for _ = 1, 2000 do s:inform(103, long) end
        s:respond(200, "ok")
      end
      client:send(get)
      client:pause(false)
      world:advance(10)
      local list = client:responses()
      for i = 1, #list - 1 do assert.equal(103, list[i].status) end
      assert.equal("ok", list[#list].body)
      assert.is_true(#list > 60 and #list < 1000, #list)
    end)
  end)

  describe("keeping connections", function()
    local function persistence(bytes, options)
      local response, client = answer(bytes, function(s) s:respond(200, "ok", options) end)
      world:advance(1)
      return response.fields.connection, client.ended
    end

    it("keeps those of HTTP/1.1 unless the client or the owner closes", function()
      assert.same({ nil, nil }, { persistence(get) })
      assert.same({ "close", "eof" },
        { persistence("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n") })
      assert.same({ "close", "eof" }, { persistence(get, { close = true }) })
    end)

    it("keeps those of HTTP/1.0 only if the client asks", function()
      assert.same({ "close", "eof" }, { persistence("GET / HTTP/1.0\r\n\r\n") })
      assert.same({ "keep-alive", nil }, { persistence("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n") })
      assert.same({ "close", "eof" },
        { persistence("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n") })
    end)

    it("does not look at what follows a request that closes", function()
      local client = world:connect("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" .. get)
      world:advance(1)
      assert.equal(1, #client:responses())
      assert.equal(1, #world.streams)
      assert.equal("eof", client.ended)
    end)

    it("reads on for a while, unless the client wants it closed and has sent no more", function()
      local close = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
      local function counted(bytes) -- with a client that does not close
        local client = world:connect()
        client:pause(true)
        client:send(bytes)
        return world:count()
      end
      assert.equal(0, counted(close))
      assert.equal(1, counted(close .. get))
      world.handler = function(s) s:respond(200, "ok", { close = true }) end
      assert.equal(2, counted(get))
      world:advance(1)
      assert.equal(0, world:count())
    end)

    it("closes idle ones when it drains, and the others after their response, which says so", function()
      local waiting
      world.handler = function(s) waiting = s end
      local idle, busy = world:connect(), world:connect(get)
      world:drain()
      assert.equal("eof", idle.ended)
      assert.equal(1, world:count())
      waiting:respond(200, "ok")
      world:advance(0.001)
      assert.equal("close", busy:responses()[1].fields.connection)
      world:advance(1)
      assert.equal("eof", busy.ended)
      assert.equal(0, world:count())
    end)

    it("answers what had arrived when it drains", function()
      local waiting
      world.handler = function(s)
        if waiting then return s:respond(200, "second") end
        waiting = s
      end
      local client = world:connect(get)
      client:send(get)
      world:drain()
      waiting:respond(200, "first")
      world:advance(1)
      assert.equal("second", client:responses()[2].body)
      assert.equal("close", client:responses()[2].fields.connection)
      assert.equal("eof", client.ended)
    end)

    it("waits for the rest of a head when it drains, but no longer than 5 s", function()
      world.handler = function(s) s:respond(200, "ok") end
      local late, never = world:connect("GET / HT"), world:connect(get .. "GET / HT")
      world:drain()
      world:advance(4.9)
      assert.equal(2, world:count())
      late:send("TP/1.1\r\nHost: h\r\n\r\n")
      world:advance(0.2)
      assert.equal("close", late:responses()[1].fields.connection)
      assert.equal("eof", never.ended)
      world:advance(1)
      assert.equal(0, world:count())
    end)

    it("does not wait for content that nobody wants when it drains", function()
      local post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n"
      world.handler = function(s) s:respond(200, "ok") end
      local client = world:connect(post)
      assert.is_nil(client.ended)
      world:drain()
      world:advance(5.1)
      assert.equal("eof", client.ended)
      assert.equal(0, world:count())
    end)

    it("does not wait for it behind a response that had begun before it drains either", function()
      local stream
      world.handler = function(s) stream = s end
      local client = world:connect("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n")
      stream:respond(200, "a", { more = true })
      world:drain()
      stream:write("b", true)
      world:advance(1)
      assert.equal("ab", client:responses()[1].body)
      assert.equal("eof", client.ended)
    end)

    it("answers what arrives on an idle one in the turn in which it drains", function()
      local drained
      world.handler = function(s)
        if not drained then serving.core.server_drain(world.server) end
        drained = true
        s:respond(200, "ok")
      end
      local clients = { world:connect(), world:connect() }
      for _, client in ipairs(clients) do
        client.queue = get
        client:flush()
      end
      world:advance(1)
      for _, client in ipairs(clients) do assert.equal("ok", client:responses()[1].body) end
      assert.equal(0, world:count())
    end)

    it("waits no longer than 5 s for the rest of a head behind a response", function()
      local stream
      world.handler = function(s) stream = s end
      local client = world:connect(get .. "GET / HT")
      world:drain()
      stream:respond(200, "ok")
      world:advance(4.9)
      assert.is_nil(client.ended)
      world:advance(0.2)
      assert.equal("eof", client.ended)
    end)

    it("answers OPTIONS * by itself", function()
      for _, target in ipairs({ "*", "http://h", "HTTP://h:80" }) do
        local response = answer(("OPTIONS %s HTTP/1.1\r\nHost: h\r\n\r\n"):format(target))
        assert.equal(200, response.status)
        assert.same({ "Date", "Content-Length" }, response.names)
      end
      assert.equal(0, #world.streams)
    end)

    it("drops the content of OPTIONS *", function()
      local client = world:connect("OPTIONS * HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" .. get)
      assert.equal(2, #client:responses())
    end)
  end)

  describe("refusing", function()
    local function refused(bytes, options)
      start(options)
      local response, client = answer(bytes)
      assert.equal(0, #world.streams)
      return response, client
    end

    it("says why, as Go's server does, and closes", function()
      for line, head in pairs({
        ["400 Bad Request"] = "GET a HTTP/1.1\r\nHost: h\r\n\r\n",
        ["400 Bad Request: missing required Host header"] = "GET / HTTP/1.1\r\n\r\n",
        ["400 Bad Request: malformed Host header"] = "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        ["400 Bad Request: invalid header name"] = "GET / HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\n\r\n",
        ["505 HTTP Version Not Supported: unsupported protocol version"] =
          "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
      }) do
        local response, client = refused(head)
        assert.equal("HTTP/1.1 " .. line, response.line)
        assert.equal(line, response.body)
        assert.equal("text/plain; charset=utf-8", response.fields["content-type"])
        assert.equal("close", response.fields.connection)
        world:advance(1)
        assert.equal("eof", client.ended)
        assert.equal(0, world:count())
      end
    end)

    it("has words for spaces in names, and for no other fault of a field", function()
      for _, line in ipairs({ "Bad Name: 1", "Name : 1", "a  b c  : 1" }) do
        assert.equal("400 Bad Request: invalid header name",
          refused("GET / HTTP/1.1\r\nHost: a\r\n" .. line .. "\r\n\r\n").body, line)
      end
      for _, line in ipairs({ "Name", "Bad Name", ": 1", " : 1", " X: 1", "X\tY: 1", "X@: 1", "X Y@: 1", "X\233: 1",
        "X: \1", "X: a\rb", "X Y: \127", "X\0: 1" }) do
        assert.equal("400 Bad Request", refused("GET / HTTP/1.1\r\nHost: a\r\n" .. line .. "\r\n\r\n").body, line)
      end
    end)

    it("answers 501 to codings it does not know, with its text as content", function()
      local response = refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: snappy\r\n\r\n")
      assert.equal("HTTP/1.1 501 Not Implemented", response.line)
      assert.equal("Unsupported transfer encoding", response.body)
    end)

    it("answers 417 to other expectations, without content", function()
      local response = refused("POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 2\r\n\r\nab")
      assert.equal("HTTP/1.1 417 Expectation Failed", response.line)
      assert.same({ "Date", "Content-Length", "Connection" }, response.names)
    end)

    it("answers 431 to a head beyond the limit, whole or not", function()
      local long = ("X: %s\r\n"):format(("x"):rep(6000))
      for _, ending in ipairs({ "\r\n", "" }) do
        local response, client = refused("GET / HTTP/1.1\r\nHost: h\r\n" .. long .. ending,
          { max_head = 5096 })
        assert.equal("431 Request Header Fields Too Large", response.body)
        world:advance(1)
        assert.equal("eof", client.ended)
      end
      start({ max_head = 5096 })
      assert.equal(200, answer("GET / HTTP/1.1\r\nHost: h\r\nX: " .. ("x"):rep(4000) .. "\r\n\r\n").status)
    end)

    it("answers 431 to more than a thousand lines", function()
      assert.equal(200, answer("GET / HTTP/1.1\r\nHost: h\r\n" .. ("a:b\r\n"):rep(999) .. "\r\n").status)
      assert.equal(431, refused("GET / HTTP/1.1\r\nHost: h\r\n" .. ("a:b\r\n"):rep(1000) .. "\r\n").status)
    end)

    it("answers 414 to a target beyond the limit, whole or not", function()
      local long = "GET /" .. ("x"):rep(2000)
      assert.equal(414, refused(long .. " HTTP/1.1\r\nHost: h\r\n\r\n", { max_target = 1000 }).status)
      assert.equal(414, refused(long, { max_target = 1000 }).status)
      assert.equal(431, refused(long, { max_head = 1000 }).status) -- KrakenD's, whichever part is too long
    end)

    it("sends no content in answer to a broken HEAD", function()
      local response, client = refused("HEAD / HTTP/1.1\r\n\r\n")
      assert.equal(400, response.status)
      assert.truthy(client.received:match("\r\n\r\n$"))
    end)

    it("sends none either where its fields are broken", function()
      local _, client = refused("HEAD / HTTP/1.1\r\nHost: h\r\nno field\r\n\r\n")
      assert.truthy(client.received:match("^HTTP/1.1 400 .*\r\n\r\n$"))
    end)

    it("answers in order behind a good request", function()
      local client = world:connect(get .. "BAD\r\n\r\n" .. get)
      assert.equal(200, client:responses()[1].status)
      assert.equal(400, client:responses()[2].status)
      assert.equal(2, #client:responses())
    end)

    it("reads on for a while, so that the client sees the answer", function()
      local _, client = refused("BAD\r\n\r\n" .. ("x"):rep(100000))
      for _ = 1, 10 do client:send(("y"):rep(1000)) end
      assert.equal(400, client:responses()[1].status)
      assert.equal("eof", client.ended)
      world:advance(0.6)
      assert.equal(0, world:count())
    end)
  end)
end)
