--- Scripted upstreams: which route answers, and what is on the wire.
local gzip = require("kit.gzip")
local kit = require("kit")

describe("an upstream", function()
  local origin, gateway

  --- Requests pass through as they are, and so do answers.
  before_each(function()
    origin = kit.upstream()
    local endpoints = {}
    for path, methods in pairs({ ["/{any}"] = { "GET", "GET", "POST", "POST" }, ["/head"] = { "GET", "HEAD" } }) do
      for i = 1, #methods, 2 do
        endpoints[#endpoints + 1] = {
          endpoint = path, method = methods[i], output_encoding = "no-op", input_headers = { "*" },
          input_query_strings = { "*" },
          backend = { { url_pattern = path, method = methods[i + 1], encoding = "no-op" } },
        }
      end
    end
    gateway = kit.gateway({ host = origin.url, timeout = "2s", endpoints = endpoints })
  end)

  describe("answers by the closest route:", function()
    before_each(function()
      for _, route in ipairs({ "GET *", "* *", "GET /a*", "* /a*", "GET /ab*", "GET /abc", "* /abc" }) do
        local method, path = route:match("^(%S+) (%S+)$")
        origin:on(method, path):reply(200, route)
      end
    end)

    for request, route in pairs({
      ["GET /abc"] = "GET /abc", ["POST /abc"] = "* /abc", ["GET /abx"] = "GET /ab*", ["POST /abx"] = "* /a*",
      ["GET /ax"] = "GET /a*", ["GET /x"] = "GET *", ["POST /x"] = "* *",
    }) do
      it(request .. " by " .. route, function()
        local method, path = request:match("^(%S+) (%S+)$")
        assert.equal(route, gateway:request({ method = method, path = path }).body)
      end)
    end
  end)

  it("answers by the route that was added last, of equals", function()
    origin:on("GET", "/a"):reply(200, "first")
    origin:on("GET", "/a"):reply(200, "second")
    assert.equal("second", gateway:get("/a").body)
  end)

  it("answers 404 where no route leads, an empty 200 on a route without an answer", function()
    assert.equal(404, gateway:get("/nowhere").status)
    origin:on("GET", "/a")
    local response = gateway:get("/a")
    assert.same({ 200, "" }, { response.status, response.body })
  end)

  it("matches the path alone, and remembers the query", function()
    origin:on("GET", "/a"):reply(200, "x")
    assert.equal(200, gateway:get("/a?b=1&c=2").status)
    local seen = origin.requests[1]
    assert.same({ "GET", "/a?b=1&c=2", "/a", "b=1&c=2" }, { seen.method, seen.target, seen.path, seen.query })
  end)

  it("remembers fields and bodies", function()
    origin:on("POST", "/a"):reply(201)
    assert.equal(201, gateway:post("/a", { body = { n = 1 }, fields = { ["X-B"] = { "1", "2" } } }).status)
    local seen = origin.requests[1]
    assert.equal('{"n":1}', seen.body)
    assert.same({ "1", "2" }, seen.fields:all("x-b"))
    assert.same({ "1", { n = 1 } }, { seen:field("X-b"), seen:json() })
    assert.is_nil(seen:field("x-c"))
  end)

  it("refuses connections while it is stopped, and answers again at the same address", function()
    origin:on("GET", "/a"):reply(200, "well")
    local statuses = {}
    for i, change in ipairs({ function() end, origin.stop, origin.start }) do
      change(origin)
      statuses[i] = gateway:get("/a").status
    end
    assert.same({ 200, 500, 200 }, statuses)
  end)

  it("gives several answers in turn; the last one stays", function()
    local route = origin:on("GET", "/a"):reply(500):then_reply(503):then_reply(200, "well")
    local statuses = {}
    for i = 1, 4 do statuses[i] = gateway:get("/a").status end
    assert.same({ 500, 503, 200, 200 }, statuses)
    assert.equal(4, route:hits())
  end)

  it("makes a table JSON, with its type", function()
    origin:on("GET", "/a"):reply(200, { list = kit.array(), none = kit.null })
    local response = gateway:get("/a")
    assert.equal('{"list":[],"none":null}', response.body)
    assert.equal("application/json", response:field("content-type"))
  end)

  it("sends the fields it was given, repeated ones too", function()
    origin:on("GET", "/a"):reply(200, "x", { { "X-A", "1" }, { "X-A", "2" }, { "Content-Type", "text/x" } })
    local response = gateway:get("/a")
    assert.same({ "1", "2" }, response.fields:all("x-a"))
    assert.same({ { "text/x" } }, { response.fields:map()["content-type"] })
  end)

  it("sends chunks of a size", function()
    origin:on("GET", "/a"):reply(200, ("abcde"):rep(20)):chunked(7)
    assert.equal(("abcde"):rep(20), gateway:get("/a").body)
  end)

  it("packs its content", function()
    origin:on("GET", "/a"):reply(200, ("abcde"):rep(20)):gzip()
    local response = gateway:get("/a", { fields = { ["Accept-Encoding"] = "gzip" } })
    assert.equal("gzip", response:field("content-encoding"))
    assert.equal(("abcde"):rep(20), gzip.unpack(response.body))
  end)

  it("sends no content to HEAD, nor with 204", function()
    origin:on("HEAD", "/head"):reply(200, "12345", { ["X-Head"] = "yes" })
    local response = gateway:get("/head")
    assert.same({ 200, "", "yes" }, { response.status, response.body, response:field("x-head") })
    origin:on("GET", "/b"):reply(204, "not sent")
    response = gateway:get("/b")
    assert.same({ 204, "" }, { response.status, response.body })
  end)

  it("sends nothing behind a head that has no content", function()
    origin:on("*", "/a"):reply(200, "12345"):then_reply(304, "not sent")
    local connection = require("kit.client").new(kit.world(), origin.ip, origin.port)
    assert.equal(200, connection:request({ method = "HEAD", path = "/a" }):receive("HEAD").status)
    assert.equal(304, connection:request({ path = "/a" }):receive().status)
    kit.advance("1s")
    assert.equal("", connection.pending)
  end)

  it("answers by a function of the request, under what else was said of the answer", function()
    origin:on("POST", "/a"):call(function(request)
      return 202, request.body:upper(), { ["X-Path"] = request.path }
    end):chunked(2):after("30ms")
    local start = kit.now()
    local response = gateway:post("/a", { body = "loud" })
    assert.same({ 202, "LOUD", "/a" }, { response.status, response.body, response:field("x-path") })
    assert.near(0.030, kit.now() - start, 1e-3)
  end)

  it("raises in the spec what such a function raises", function()
    origin:on("GET", "/a"):call(function() error("in a route", 0) end)
    assert.has_error(function() gateway:get("/a") end, "in a route")
  end)

  it("sends bytes as they are, and closes", function()
    origin:on("GET", "/a"):raw("HTTP/1.1 200 OK\r\nX-Odd: yes\r\n\r\nto the end")
    local response = gateway:get("/a")
    assert.same({ "yes", "to the end" }, { response:field("x-odd"), response.body })
  end)

  it("closes after an answer if it shall, and keeps the connection if not", function()
    origin:on("GET", "/kept"):reply(200, "x")
    origin:on("GET", "/closed"):reply(200, "x"):close()
    for _ = 1, 3 do gateway:get("/kept") end
    assert.equal(1, origin.connections)
    for _ = 1, 3 do gateway:get("/closed") end
    assert.equal(3, origin.connections)
  end)

  it("hangs up, or says nothing", function()
    origin:on("GET", "/a"):hang_up()
    assert.equal(500, gateway:get("/a").status)
    origin:on("GET", "/b"):silence()
    local start = kit.now()
    assert.equal(500, gateway:get("/b").status)
    assert.near(2, kit.now() - start, 1e-2)
  end)

  it("says 100 before a body that waits for it", function()
    origin:on("POST", "/a"):reply(200, "x")
    local response = gateway:post("/a", { body = "held", fields = { Expect = "100-continue" } })
    assert.equal(200, response.status)
    assert.equal("held", origin.requests[1].body)
  end)

  it("says 100 once, in however many pieces the body comes", function()
    origin:on("POST", "/a"):reply(200, "x")
    local connection = require("kit.client").new(kit.world(), origin.ip, origin.port)
    connection:send("POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    for piece in ("xyz"):gmatch(".") do
      kit.advance("1s")
      connection:send(piece)
    end
    assert.equal(200, connection:receive("POST").status)
    assert.equal(1, connection.interim)
  end)

  it("keeps what was no request", function()
    local connection = require("kit.client").new(kit.world(), origin.ip, origin.port)
    connection:send("nonsense\r\n\r\n")
    assert.is_true(connection:wait_closed())
    assert.equal(1, #origin.broken)
    assert.equal(0, #origin.requests)
  end)

  it("takes nothing any more when it stopped", function()
    origin:on("GET", "/a"):reply(200, "x")
    assert.equal(200, gateway:get("/a").status)
    origin:stop()
    assert.equal(500, gateway:get("/a").status)
  end)

  it("has an address of its own, or the one it is given", function()
    local other, given = kit.upstream(), kit.upstream({ ip = "198.51.100.7", port = 8081 })
    assert.not_equal(origin.ip, other.ip)
    assert.equal("http://198.51.100.7:8081", given.url)
    assert.has_error(function() kit.upstream({ ip = "198.51.100.7", port = 8081 }) end)
  end)
end)
