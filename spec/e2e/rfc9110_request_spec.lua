--- What of a request reaches the upstream, section by section of RFC 9110: fields, targets, methods, preconditions,
-- ranges; and that nothing a client writes becomes syntax of another message.
local kit = require("kit")
local raw = require("spec.support.raw")

local function ask(head, options)
  local gateway, origin = raw.gateway(options and options.config)
  local result = raw.send(gateway, head, options)
  return result, origin.requests, gateway
end

local function get(lines)
  return "GET /a HTTP/1.1\r\nHost: g\r\n" .. (lines or "") .. "\r\n"
end

--- {section, lines sent, name, values upstream}
local passed = {
  { "5.1", "x-lower: 1\r\nX-lower: 2\r\n", "X-Lower", { "1", "2" } },
  { "5.3", "Cache-Control: a\r\nX-B: 0\r\ncache-control: b\r\n", "Cache-Control", { "a", "b" } },
  { "5.5", "X-A: \t  v w \t \r\n", "X-A", { "v w" } },
  { "5.5", "X-A:\r\n", "X-A", { "" } },
  { "5.5", "X-A: \t \r\n", "X-A", { "" } },
  { "5.5", "X-A: a:b, \"c;d\\\" e\" (f)\r\n", "X-A", { "a:b, \"c;d\\\" e\" (f)" } },
  { "5.5", "X-A: \128\195\169\255\r\n", "X-A", { "\128\195\169\255" } },
  { "5.6", "X-!#$%&'*+.^_`|~: v\r\n", "X-!#$%&'*+.^_`|~", { "v" } },
  { "5.6.1", "Accept: , a,, b ,\r\n", "Accept", { ", a,, b ," } },
  { "7.6.3", "Via: 1.0 a, 1.1 b\r\n", "Via", { "1.0 a, 1.1 b" } },
  { "8", "Content-Language: nl\r\n", "Content-Language", { "nl" } },
  { "10.1.3", "Referer: http://a.test/?x=1\r\n", "Referer", { "http://a.test/?x=1" } },
  { "11.6.2", "Authorization: Digest a=\"b, c\", d=e\r\n", "Authorization", { "Digest a=\"b, c\", d=e" } },
  { "11.7.2", "Proxy-Authorization: Basic eA==\r\n", "Proxy-Authorization", { "Basic eA==" } },
  { "12.5.1", "Accept: text/*;q=0.5, */*\r\n", "Accept", { "text/*;q=0.5, */*" } },
  { "12.5.3", "Accept-Encoding: br;q=1, *;q=0\r\n", "Accept-Encoding", { "br;q=1, *;q=0" } },
  { "12.5.4", "Accept-Language: nl, en;q=0.1\r\n", "Accept-Language", { "nl, en;q=0.1" } },
  { "13.1.1", "If-Match: \"a\", W/\"b\"\r\n", "If-Match", { "\"a\", W/\"b\"" } },
  { "13.1.2", "If-None-Match: *\r\n", "If-None-Match", { "*" } },
  { "13.1.3", "If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT\r\n", "If-Modified-Since",
    { "Sat, 29 Oct 1994 19:43:31 GMT" } },
  { "13.1.5", "If-Range: \"a\"\r\nRange: bytes=0-1\r\n", "If-Range", { "\"a\"" } },
  { "14.2", "Range: bytes=0-1, -5\r\n", "Range", { "bytes=0-1, -5" } },
  { "14.2", "Range: bytes=0-1\r\n", "Accept-Encoding", {} }, -- ours would make ranges of another representation
}

--- {section, what, lines sent, names that must not arrive}
local removed = {
  { "7.6.1", "what Connection names", "Connection: X-Hop\r\nX-Hop: 1\r\n", { "X-Hop", "Connection" } },
  { "7.6.1", "what one of several Connection lines names",
    "Connection: keep-alive\r\nX-Hop: 1\r\nConnection: , x-hop ,\r\nX-Hop: 2\r\n", { "X-Hop" } },
  { "7.6.1", "what Connection names before close", "Connection: X-Hop, close\r\nX-Hop: 1\r\n", { "X-Hop" } },
  { "7.6.1", "Keep-Alive", "Keep-Alive: timeout=5\r\n", { "Keep-Alive" } },
  { "7.6.1", "Proxy-Connection", "Proxy-Connection: keep-alive\r\n", { "Proxy-Connection" } },
  { "7.6.1", "TE that nothing names", "TE: trailers\r\n", { "TE" } },
  { "7.6.1", "what ends at a proxy, from a client that closes",
    "Connection: close\r\nTE: trailers\r\nUpgrade: x\r\nProxy-Connection: close\r\n",
    { "TE", "Upgrade", "Proxy-Connection" } },
  { "7.6.1", "what ends at a proxy, from a client that stays",
    "TE: trailers\r\nUpgrade: x\r\nProxy-Connection: close\r\nConnection: keep-alive\r\n",
    { "TE", "Upgrade", "Proxy-Connection" } },
  { "10.1.4", "TE", "Connection: TE\r\nTE: trailers, gzip\r\n", { "TE" } },
  { "6.6.2", "Trailer", "Trailer: X-T\r\n", { "Trailer" } },
  { "7.8", "Upgrade that nothing names", "Upgrade: h2c\r\n", { "Upgrade" } },
  { "7.8", "Upgrade of a WebSocket", "Connection: Upgrade\r\nUpgrade: websocket\r\n", { "Upgrade", "Connection" } },
  { "7.8", "the settings of h2c", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    { "Upgrade", "HTTP2-Settings" } },
  { "10.1.1", "Expect without content", "Expect: 100-continue\r\n", { "Expect" } },
}

describe("a request's fields", function()
  for _, case in ipairs(passed) do
    it(("arrive as sent: %s (RFC 9110 section %s)"):format(case[2]:gsub("%c", " "), case[1]), function()
      local result, requests = ask(get(case[2]))
      assert.same({ 200 }, raw.statuses(result))
      assert.same(case[4], requests[1].fields:all(case[3]))
    end)
  end

  for _, case in ipairs(removed) do
    it(("end here: %s (RFC 9110 section %s)"):format(case[2], case[1]), function()
      local result, requests = ask(get(case[3]))
      assert.same({ 200 }, raw.statuses(result))
      for _, name in ipairs(case[4]) do assert.same({}, requests[1].fields:all(name), name) end
    end)
  end

  it("keep their order within a name, whatever lies between", function()
    local lines = {}
    for i = 1, 60 do lines[i] = ("X-A: %d\r\nX-B%d: b\r\n"):format(i, i) end
    local _, requests = ask(get(table.concat(lines)))
    local values = requests[1].fields:all("X-A")
    for i = 1, 60 do assert.equal(tostring(i), values[i]) end
  end)

  it("do not decide about the framing upstream", function()
    local _, requests = ask("POST /a HTTP/1.1\r\nHost: g\r\nConnection: Content-Length\r\nContent-Length: 3\r\n"
      .. "Content_Length: 9\r\nTransfer_Encoding: chunked\r\nX-Content-Length: 7\r\n\r\nabc")
    assert.equal("abc", requests[1].body)
  end)

  it("name the host of an absolute target, not that of Host (RFC 9112 section 3.2.2)", function()
    local _, requests = ask("GET http://target.test:81/a HTTP/1.1\r\nHost: field.test\r\n\r\n")
    assert.same({ "target.test:81" }, requests[1].fields:all("X-Forwarded-Host"))
  end)
end)

--- {section, target, status, target upstream}
local targets = {
  { "4.2.3", "/a?", 200, "/a" },
  { "4.2.3", "/%61", 200, "/a" },
  { "4.2.3", "HTTP://G/a", 200, "/a" },
  { "4.2.3", "http://g:/a", 200, "/a" },
  { "4.2.5", "/a?x=1#y", 200, "/a?x=1%23y" },
  { "4.2.5", "/a#y", 400 },
  { "4.2.4", "http://u@g/a", 400 },
  { "4.2.1", "ftp://g/a", 400 },
  { "4.2.1", "http:/a", 400 },
  { "4.2.1", "http:a", 400 },
  { "4.1", "/p/a%20b", 200, "/p/a%20b" },
  { "4.1", "/p/\195\169", 200, "/p/%C3%A9" },
  { "4.1", "/a?x=\195\169", 200, "/a?x=%C3%A9" },
  { "4.1", "/a?x=%0d%0aX-Evil:%201", 200, "/a?x=%0D%0AX-Evil%3A+1" },
  { "4.1", "/a?x=1%00", 200, "/a?x=1%00" },
  { "4.1", "/a?x=%", 200, "/a" }, -- KrakenD drops such pairs
  { "4.1", "/p/%2e%2e", 200, "/p/.." },
  { "4.1", "/../a", 301 },
  { "4.1", "/p/%", 400 },
  { "4.1", "/p/%0d%0aX-Evil:%201", 500 },
}

describe("a target", function()
  for _, case in ipairs(targets) do
    it(("%s is %d%s (RFC 9110 section %s)"):format(case[2], case[3], case[4] and " and " .. case[4] or "", case[1]),
      function()
        local result, requests = ask(("GET %s HTTP/1.1\r\nHost: g\r\n\r\n"):format(case[2]))
        assert.same({ case[3] }, raw.statuses(result))
        if case[4] then assert.equal(case[4], requests[1].target) else assert.equal(0, #requests) end
      end)
  end

  it("of a redirect is encoded again (RFC 9110 section 10.2.2)", function()
    local result = ask("GET /p/x%0d%0aSet-Cookie:%20a=b/ HTTP/1.1\r\nHost: g\r\n\r\n")
    assert.same({ 301 }, raw.statuses(result))
    assert.equal("/p/x%0D%0ASet-Cookie:%20a=b", result.responses[1]:field("location"))
    assert.is_nil(result.responses[1]:field("set-cookie"))
  end)

  it("of a redirect stays on this host", function()
    for _, target in ipairs({ "//evil.test/", "//evil.test//a", "/\\evil.test/a/", "///a" }) do
      local result = ask(("GET %s HTTP/1.1\r\nHost: g\r\n\r\n"):format(target))
      local location = result.responses[1]:field("location") or "/"
      assert.equal("/", location:sub(1, 1))
      assert.is_nil(location:match("^/[/\\]"), location)
    end
  end)
end)

--- {section, what, request-line and content, status, Allow}
local methods = {
  { "9.1", "an unknown method", "FOO /a", 405 },
  { "9.1", "a method in small letters", "get /a", 405 },
  { "9.3.2", "HEAD", "HEAD /a", 405 },
  { "9.3.6", "CONNECT", "CONNECT g:80", 404 },
  { "9.3.6", "CONNECT without a port", "CONNECT g", 400 },
  { "9.3.7", "OPTIONS for the server", "OPTIONS *", 200 },
  { "9.3.7", "OPTIONS for the server, absolute", "OPTIONS http://g", 200 },
  { "9.3.7", "OPTIONS", "OPTIONS /a", 405 },
  { "9.3.8", "TRACE", "TRACE /a", 405 },
  { "9.3.8", "TRACE that may go no further", "TRACE /a", 405, "Max-Forwards: 0\r\n" },
}

describe("the method", function()
  for _, case in ipairs(methods) do
    it(("%s is %d (RFC 9110 section %s)"):format(case[2], case[4], case[1]), function()
      local method = case[3]:match("^%a+")
      local result, requests = ask(("%s HTTP/1.1\r\nHost: g\r\n%s\r\n"):format(case[3], case[5] or ""),
        { methods = { method } })
      assert.same({ case[4] }, raw.statuses(result))
      assert.equal(0, #requests)
      if case[4] == 405 then assert.equal("GET, POST, PUT, DELETE", result.responses[1]:field("allow")) end
    end)
  end

  it("HEAD gets no content, so that the next response is read where it begins (RFC 9110 section 9.3.2)", function()
    for _, target in ipairs({ "/a", "/none", "/p/x/" }) do
      local result = ask(("HEAD %s HTTP/1.1\r\nHost: g\r\n\r\n"):format(target) .. get(),
        { methods = { "HEAD", "GET" } })
      assert.equal(2, #result.responses)
      assert.equal(200, result.responses[2].status)
    end
    local gateway = raw.gateway()
    local connection = gateway:connect():send("HEAD /a HTTP/1.1\r\n\r\n")
    kit.advance("1s")
    assert.is_truthy(connection.pending:find("\r\n\r\n$"))
  end)
end)

describe("Expect (RFC 9110 section 10.1.1)", function()
  it("goes on with content only", function()
    local _, requests = ask("POST /a HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab")
    assert.same({ "100-continue" }, requests[1].fields:all("Expect"))
    _, requests = ask("POST /a HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")
    assert.same({}, requests[1].fields:all("Expect"))
  end)

  it("is read in any letter case", function()
    local gateway, origin = raw.gateway()
    local connection = gateway:connect():send(
      "POST /a HTTP/1.1\r\nHost: g\r\nExpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n")
    kit.advance("10ms")
    assert.equal("HTTP/1.1 100 Continue\r\n\r\n", connection.pending)
    connection:send("2\r\nab\r\n0\r\n\r\n")
    assert.equal(200, connection:receive().status)
    assert.equal("ab", origin.requests[1].body)
  end)
end)
