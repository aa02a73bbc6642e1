--- What of an upstream's response reaches the client through a no-op endpoint, section by section of RFC 9110: status,
-- fields and content as they were meant, no byte more, and connections that stay in step on both sides.
local kit = require("kit")
local raw = require("spec.support.raw")

local get = "GET /a HTTP/1.1\r\nHost: g\r\n\r\n"

--- A gateway whose upstream answers /a with these bytes, then with "second".
local function scripted(bytes, keep_open)
  local gateway, origin = raw.gateway()
  origin.routes = {}
  origin:on("*", "/a"):raw(bytes, keep_open ~= false):then_reply(200, "second")
  return gateway, origin
end

--- {section, status-line and fields, content sent, status, fields that arrive ({name, values}), content}
local passed = {
  { "15.3.1", "200 OK\r\nContent-Length: 2\r\n", "ok", 200, {}, "ok" },
  { "15.3.2", "201 Created\r\nLocation: /new\r\nContent-Length: 0\r\n", "", 201, { { "Location", { "/new" } } }, "" },
  { "15.3.4", "203 X\r\nContent-Length: 2\r\n", "ok", 203, {}, "ok" },
  { "15.3.5", "204 X\r\nETag: \"a\"\r\n", "", 204, { { "ETag", { "\"a\"" } }, { "Content-Length", {} } }, "" },
  { "15.3.5", "204 X\r\nContent-Length: 0\r\n", "", 204, { { "Content-Length", {} } }, "" },
  { "15.3.5", "204 X\r\nTransfer-Encoding: chunked\r\n", "", 204, { { "Transfer-Encoding", {} } }, "" },
  { "15.3.6", "205 X\r\nContent-Length: 0\r\n", "", 205, { { "Content-Length", { "0" } } }, "" },
  { "15.3.6", "205 X\r\nContent-Length: 2\r\n", "ok", 205, { { "Content-Length", { "0" } } }, "" },
  { "15.3.7", "206 X\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n", "ok", 206,
    { { "Content-Range", { "bytes 0-1/9" } } }, "ok" },
  { "14.6", "206 X\r\nContent-Type: multipart/byteranges; boundary=b\r\nContent-Length: 5\r\n", "--b--", 206,
    { { "Content-Type", { "multipart/byteranges; boundary=b" } } }, "--b--" },
  { "15.4.1", "300 X\r\nLocation: /b\r\nContent-Length: 2\r\n", "ok", 300, { { "Location", { "/b" } } }, "ok" },
  { "15.4.5", "304 X\r\nETag: \"a\"\r\nContent-Length: 9\r\n", "", 304, { { "ETag", { "\"a\"" } } }, "" },
  { "15.4.5", "304 X\r\nTransfer-Encoding: chunked\r\n", "", 304, { { "Transfer-Encoding", {} } }, "" },
  { "15.4.5", "304 X\r\nContent-Type: a/b\r\n", "", 304, { { "Content-Type", {} } }, "" },
  { "15.4", "302 X\r\nContent-Length: 2\r\n", "ok", 302, {}, "ok" },
  { "15.4", "399 X\r\nLocation: /b\r\nContent-Length: 0\r\n", "", 399, {}, "" },
  { "11.6.1", "401 X\r\nWWW-Authenticate: Basic realm=\"a, b\"\r\nWWW-Authenticate: Digest a=b\r\n"
    .. "Content-Length: 0\r\n", "", 401, { { "WWW-Authenticate", { "Basic realm=\"a, b\"", "Digest a=b" } } }, "" },
  { "11.7.1", "407 X\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n", "", 407,
    { { "Proxy-Authenticate", { "Basic" } } }, "" },
  { "15.5.6", "405 X\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\n", "", 405, { { "Allow", { "GET, HEAD" } } }, "" },
  { "15.5.17", "416 X\r\nContent-Range: bytes */9\r\nContent-Length: 0\r\n", "", 416,
    { { "Content-Range", { "bytes */9" } } }, "" },
  { "10.2.3", "503 X\r\nRetry-After: 5\r\nContent-Length: 2\r\n", "no", 503, { { "Retry-After", { "5" } } }, "no" },
  { "15", "299 X\r\nContent-Length: 2\r\n", "ok", 299, {}, "ok" },
  { "15", "599 X\r\nContent-Length: 2\r\n", "ok", 599, {}, "ok" },
  { "15", "600 X\r\nContent-Length: 2\r\n", "ok", 600, {}, "ok" },
  { "15", "999 X\r\nContent-Length: 2\r\n", "ok", 999, {}, "ok" },
  { "5.3", "200 X\r\nSet-Cookie: a=1; Path=/, x\r\nX-A: 1\r\nset-cookie: b=2\r\nContent-Length: 0\r\n", "", 200,
    { { "Set-Cookie", { "a=1; Path=/, x", "b=2" } } }, "" },
  { "5.5", "200 X\r\nX-A: \t b\tc \r\nX-B:\r\nX-C: \195\169\255\r\nContent-Length: 0\r\n", "", 200,
    { { "X-A", { "b\tc" } }, { "X-B", { "" } }, { "X-C", { "\195\169\255" } } }, "" },
  { "6.6.1", "200 X\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n", "", 200,
    { { "Date", { "Sun, 06 Nov 1994 08:49:37 GMT" } } }, "" },
  { "7.7", "200 X\r\nContent-Encoding: br\r\nContent-Length: 2\r\n", "ok", 200,
    { { "Content-Encoding", { "br" } }, { "Content-Type", {} } }, "ok" },
  { "8.3", "200 X\r\nContent-Type: text/x; charset=\"a;b\"\r\nContent-Length: 2\r\n", "ok", 200,
    { { "Content-Type", { "text/x; charset=\"a;b\"" } } }, "ok" },
  { "8.8", "200 X\r\nETag: W/\"a\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n", "", 200,
    { { "ETag", { "W/\"a\"" } }, { "Last-Modified", { "Sun, 06 Nov 1994 08:49:37 GMT" } } }, "" },
  { "12.5.5", "200 X\r\nVary: Accept, *\r\nContent-Length: 0\r\n", "", 200, { { "Vary", { "Accept, *" } } }, "" },
  { "14.3", "200 X\r\nAccept-Ranges: bytes\r\nContent-Length: 0\r\n", "", 200,
    { { "Accept-Ranges", { "bytes" } } }, "" },
  { "7.6.1", "200 X\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nContent-Length: 2\r\n", "ok", 200,
    { { "X-Hop", {} }, { "Connection", {} } }, "ok" },
  { "7.6.1", "200 X\r\nKeep-Alive: timeout=1\r\nProxy-Connection: close\r\nTE: x\r\nContent-Length: 2\r\n", "ok", 200,
    { { "Keep-Alive", {} }, { "Proxy-Connection", {} }, { "TE", {} } }, "ok" },
  { "7.6.1", "200 X\r\nConnection: Content-Length\r\nContent-Length: 2\r\n", "ok", 200, {}, "ok" },
  { "7.8", "426 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n", "", 426,
    { { "Upgrade", { "h2c" } }, { "Connection", { "Upgrade" } } }, "" },
  { "15.5.22", "426 X\r\nUpgrade: HTTP/3.0\r\nUpgrade: h2c\r\nKeep-Alive: x\r\nContent-Length: 2\r\n", "no", 426,
    { { "Upgrade", { "HTTP/3.0", "h2c" } }, { "Connection", { "Upgrade" } }, { "Keep-Alive", {} } }, "no" },
  { "7.8", "200 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n", "", 200,
    { { "Upgrade", {} }, { "Connection", {} } }, "" },
  { "6.5", "200 X\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\nX-T: 1\r\n\r\n", 200,
    { { "Trailer", {} }, { "X-T", {} } }, "ok" },
  { "15.2", "100 X\r\n\r\nHTTP/1.1 102 X\r\nX-A: b\r\n\r\nHTTP/1.1 103 X\r\nLink: </a>\r\n\r\nHTTP/1.1 199 X\r\n\r\n"
    .. "HTTP/1.1 200 X\r\nContent-Length: 2\r\n", "ok", 200, { { "Link", {} }, { "X-A", {} } }, "ok" },
  { "15.2", "103 X\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 X\r\nContent-Length: 2\r\n", "ok", 200, {}, "ok" },
}

describe("a response", function()
  for _, case in ipairs(passed) do
    it(("arrives as sent: %s (RFC 9110 section %s)"):format(case[2]:gsub("%s+", " "), case[1]), function()
      local gateway = scripted("HTTP/1.1 " .. case[2] .. "\r\n" .. case[3])
      local result = raw.send(gateway, get .. get)
      assert.same({ case[4], 200 }, raw.statuses(result))
      local first = result.responses[1]
      assert.equal(case[6], first.body)
      for _, field in ipairs(case[5]) do assert.same(field[2], first.fields:all(field[1]), field[1]) end
      assert.equal(1, #first.fields:all("date"))
      assert.equal("second", result.responses[2].body)
      assert.is_false(result.closed)
    end)
  end

  it("has a Date of its own where the upstream gave none (RFC 9110 section 6.6.1)", function()
    for _, head in ipairs({ get, "GET /none HTTP/1.1\r\nHost: g\r\n\r\n", "GET /a HTTP/1.1\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: g\r\n\r\n", "GET /p/a/ HTTP/1.1\r\nHost: g\r\n\r\n" }) do
      local dates = raw.send(raw.gateway(), head).responses[1].fields:all("date")
      assert.equal(1, #dates)
      assert.is_truthy(dates[1]:match("^%u%l%l, %d%d %u%l%l %d%d%d%d %d%d:%d%d:%d%d GMT$"))
    end
  end)

  it("of HTTP/1.1 is said to be so to whomever (RFC 9110 section 2.5)", function()
    local gateway = scripted("HTTP/1.0 200 OK\r\n\r\nold", false)
    local connection = gateway:connect():send("GET /a HTTP/1.0\r\n\r\n")
    kit.advance("1s")
    assert.is_truthy(connection.pending:match("^HTTP/1%.1 200 OK\r\n"))
    assert.is_truthy(connection.pending:match("\r\n\r\nold$"))
  end)

  it("comes after the informational ones, which are the client's too (RFC 9110 section 15.2)", function()
    local gateway = scripted("HTTP/1.1 100 X\r\n\r\nHTTP/1.1 103 X\r\nLink: </a>\r\nLink: </b>\r\nConnection: X-Hop\r\n"
      .. "X-Hop: 1\r\nKeep-Alive: x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 102 X\r\n\r\n"
      .. "HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok")
    local result = raw.send(gateway, get .. get)
    assert.same({ 200, 200 }, raw.statuses(result))
    assert.equal(2, result.interim)
    local hints = result.interims[1]
    assert.same({ 103, { "</a>", "</b>" } }, { hints.status, hints.fields:all("link") })
    for _, name in ipairs({ "Connection", "X-Hop", "Keep-Alive", "Content-Length" }) do
      assert.same({}, hints.fields:all(name))
    end
    assert.equal(102, result.interims[2].status)
  end)

  it("is waited for by a client that has the informational one already", function()
    local gateway, origin = raw.gateway()
    origin.serve = function(_, sock)
      sock:on(function(_, event)
        if event == "data" then sock:write("HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n") end
      end)
    end
    local connection = gateway:connect():send(get)
    kit.advance("10ms")
    assert.equal("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", connection.pending)
    assert.equal(500, connection:receive().status) -- the endpoint's time is over
    assert.equal(1, connection.interim)
  end)

  it("that the gateway makes itself has no informational ones before it", function()
    local hints = "HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\n{}"
    local origin = kit.upstream()
    origin:on("*", "*"):raw(hints, true)
    local function backend(encoding) return { host = origin.url, url_pattern = "/x", encoding = encoding } end
    local gateway = kit.gateway({ endpoints = {
      { endpoint = "/json", backend = { backend() } },
      { endpoint = "/race", output_encoding = "no-op", concurrent_calls = 2, backend = { backend("no-op") } },
    } })
    for _, path in ipairs({ "/json", "/race" }) do
      local result = raw.send(gateway, ("GET %s HTTP/1.1\r\nHost: g\r\n\r\n"):format(path))
      assert.same({ 200 }, raw.statuses(result))
      assert.equal(0, result.interim, path)
    end
  end)

  it("has no interim response for HTTP/1.0 (RFC 9110 section 15.2)", function()
    local gateway = scripted("HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    local connection = gateway:connect():send("POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    kit.advance("10ms")
    assert.equal("", connection.pending)
    connection:send("x")
    kit.advance("1s")
    assert.is_truthy(connection.pending:match("^HTTP/1%.1 200 OK\r\n"))
  end)

  it("without content leaves no byte of it behind, on either side", function()
    for _, status in ipairs({ 204, 205, 304 }) do
      local evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
      local gateway, origin = scripted(("HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s"):format(status, #evil, evil))
      local result = raw.send(gateway, get .. get)
      assert.same({ status, 200 }, raw.statuses(result))
      assert.equal("second", result.responses[2].body)
      assert.equal(status == 205 and 1 or 2, origin.connections)
    end
  end)

  it("of a HEAD backend announces no content to a GET that would wait for it (RFC 9110 section 8.6)", function()
    local origin = kit.upstream()
    origin:on("HEAD", "/b"):raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\nX-A: b\r\n\r\n", true)
    local gateway = kit.gateway({ endpoints = { { endpoint = "/a", output_encoding = "no-op", backend = {
      { host = origin.url, url_pattern = "/b", method = "HEAD" } } } } })
    local result = raw.send(gateway, get .. get)
    assert.same({ 200, 200 }, raw.statuses(result))
    assert.equal("0", result.responses[1]:field("content-length"))
    assert.equal("b", result.responses[2]:field("x-a"))
  end)

  it("never grows by what the upstream sends later on its idle connection (RFC 9112 section 9.2)", function()
    local gateway, origin = scripted("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert.equal("ok", gateway:get("/a").body)
    origin.socks[1]:write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    kit.advance("10ms")
    assert.equal("second", gateway:get("/a").body)
    assert.equal(2, origin.connections)
  end)
end)

describe("a backend that is broken", function()
  it("by interim responses without end is given up (RFC 9110 section 15.2)", function()
    local gateway = scripted(("HTTP/1.1 102 X\r\nX-A: %s\r\n\r\n"):format(("a"):rep(65536)):rep(200))
    assert.equal(500, gateway:get("/a").status)
    assert.equal("second", gateway:get("/a").body)
  end)

  it("by a trailer section without end is given up", function()
    local gateway = scripted("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
      .. ("X-A: b\r\n"):rep(20000))
    local response = gateway:get("/a")
    assert(response.error == "closed" or response.status == 500)
    assert.equal("second", gateway:get("/a").body)
  end)

  it("by chunk extensions without end is given up", function()
    local gateway = scripted("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" .. ("x"):rep(10000))
    local response = gateway:get("/a")
    assert(response.error == "closed" or response.status == 500)
  end)

  it("answers before it has the content: that goes to the client, the connection is not used again", function()
    local gateway, origin = raw.gateway()
    local serve = origin.serve
    origin.serve = function(_, sock)
      sock:on(function(_, event)
        if event == "data" then sock:write("HTTP/1.1 413 X\r\nContent-Length: 3\r\n\r\nbig") end
      end)
    end
    local connection = gateway:connect():send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 100000\r\n\r\n"
      .. ("x"):rep(1000))
    local response = connection:receive("POST")
    assert.same({ 413, "big" }, { response.status, response.body })
    origin.serve = serve
    assert.equal(200, gateway:get("/a").status)
    assert.equal(2, origin.connections)
  end)

  it("says nothing: 500 when the endpoint's time is over", function()
    local gateway, origin = raw.gateway({ timeout = "1s" })
    origin:on("GET", "/a"):silence()
    assert.equal(500, gateway:get("/a").status)
  end)
end)

describe("retries (RFC 9110 section 9.2.2)", function()
  --- The upstream drops its connection once the second request has come.
  local function dropping()
    local gateway, origin = raw.gateway()
    origin:on("*", "/a"):reply(200, "first"):hang_up():then_reply(200, "third")
    assert.equal("first", gateway:get("/a").body)
    return gateway, origin
  end

  it("are made for a GET whose kept connection ended without a byte", function()
    local gateway, origin = dropping()
    assert.equal(200, gateway:get("/a").status)
    assert.equal(3, #origin.requests)
  end)

  it("are not made for a POST", function()
    local gateway, origin = dropping()
    assert.equal(500, gateway:post("/a", { body = "x" }).status)
    assert.equal(2, #origin.requests)
  end)

  it("are not made on a fresh connection", function()
    local gateway, origin = raw.gateway()
    origin:on("GET", "/a"):hang_up()
    assert.equal(500, gateway:get("/a").status)
    assert.equal(1, #origin.requests)
  end)
end)
