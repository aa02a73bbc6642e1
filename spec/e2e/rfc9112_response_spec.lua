--- The upstream side, section by section of RFC 9112: a broken answer is a 5xx or a clean abort and its connection is
-- not used again; a good one arrives as it was meant, whatever its framing and however it is cut into pieces.
local kit = require("kit")
local raw = require("spec.support.raw")

local good = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

--- {section, what, bytes}. What ends too early ends inside its JSON: else that does for /j (gateway/decode_spec.lua).
local broken = {
  { "2.2", "a bare LF after the status-line", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\n{}" },
  { "2.2", "a bare LF after a field", "HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\n{}" },
  { "2.2", "a bare CR in a field", "HTTP/1.1 200 OK\r\nX-A: b\rc\r\nContent-Length: 2\r\n\r\n{}" },
  { "2.2", "white space before the first field", "HTTP/1.1 200 OK\r\n X-A: b\r\nContent-Length: 2\r\n\r\n{}" },
  { "2.2", "bytes that are no HTTP", "SSH-2.0-OpenSSH_9.2\r\n" },
  { "2.3", "another version", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}" },
  { "2.3", "a version in small letters", "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" },
  { "2.3", "no version", "200 OK\r\nContent-Length: 2\r\n\r\n{}" },
  { "4", "a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\n{}" },
  { "4", "a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}" },
  { "4", "a status that is a word", "HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\n{}" },
  { "4", "a status with a sign", "HTTP/1.1 +20 OK\r\nContent-Length: 2\r\n\r\n{}" },
  { "4", "a status below 100", "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\n{}" },
  { "4", "two spaces before the status", "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\n{}" },
  { "4", "a control in the reason", "HTTP/1.1 200 O\1K\r\nContent-Length: 2\r\n\r\n{}" },
  { "5.1", "a space before a colon", good .. "X-A : b\r\nContent-Length: 2\r\n\r\n{}" },
  { "5.1", "a space before the colon of Content-Length", good .. "Content-Length : 2\r\n\r\n{}" },
  { "5.1", "a line without colon", good .. "X-A\r\nContent-Length: 2\r\n\r\n{}" },
  { "5.1", "an empty name", good .. ": b\r\nContent-Length: 2\r\n\r\n{}" },
  { "5.1", "a name with NUL", good .. "X\0: b\r\nContent-Length: 2\r\n\r\n{}" },
  { "5.1", "a name with a separator", good .. "X(A): b\r\nContent-Length: 2\r\n\r\n{}" },
  { "5.2", "a folded line", good .. "X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}" },
  { "5.5", "NUL in a value", good .. "X-A: b\0c\r\nContent-Length: 2\r\n\r\n{}" },
  { "5.5", "a control in a value", good .. "X-A: b\1c\r\nContent-Length: 2\r\n\r\n{}" },
  { "6.1", "both Transfer-Encoding and Content-Length",
    good .. "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n" },
  { "6.1", "chunked twice", good .. "Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" },
  { "6.1", "chunked that is not last", good .. "Transfer-Encoding: chunked, gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n" },
  { "6.1", "an unknown transfer coding", good .. "Transfer-Encoding: foo\r\n\r\n{}" },
  { "6.1", "Transfer-Encoding in HTTP/1.0",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" },
  { "6.2", "differing lengths", good .. "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} " },
  { "6.2", "a negative length", good .. "Content-Length: -2\r\n\r\n{}" },
  { "6.2", "a length with a sign", good .. "Content-Length: +2\r\n\r\n{}" },
  { "6.2", "a length that is a word", good .. "Content-Length: two\r\n\r\n{}" },
  { "6.2", "an empty length", good .. "Content-Length:\r\n\r\n{}" },
  { "6.2", "a length beyond 64 bits", good .. "Content-Length: 18446744073709551618\r\n\r\n{}" },
  { "7.1", "a chunk size that is a word", good .. "Transfer-Encoding: chunked\r\n\r\nxy\r\n{}\r\n0\r\n\r\n" },
  { "7.1", "a chunk size beyond 64 bits",
    good .. "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n" },
  { "7.1", "a bare LF after a chunk size", good .. "Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n" },
  { "7.1", "no CRLF after a chunk", good .. "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n" },
  { "7.1", "a broken trailer", good .. "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX A: b\r\n\r\n" },
  { "8", "an end inside the status-line", "HTTP/1.1 20" },
  { "8", "an end inside the fields", good .. "Content-Le" },
  { "8", "an end inside a content of known length", good .. "Content-Length: 10\r\n\r\n[1," },
  { "8", "an end inside a chunk", good .. "Transfer-Encoding: chunked\r\n\r\n5\r\n[1," },
  { "8", "an end before the last chunk", good .. "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n" },
  { "8", "an end inside the trailer section", good .. "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n0\r\nX-A" },
  { "8", "no answer at all", "" },
  { "15.2 of RFC 9110", "101, which nobody asked for",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" },
}

--- {section, what, bytes, status, content, may the connection be kept}
local whole = {
  { "4", "an empty reason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}", 200, "{}", true },
  { "4", "no space before an empty reason", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", true },
  { "4", "a reason beyond ASCII", "HTTP/1.1 200 \195\169\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", true },
  { "4", "an unknown status", "HTTP/1.1 299 X\r\nContent-Length: 2\r\n\r\n{}", 299, "{}", true },
  { "4", "a status beyond the classes", "HTTP/1.1 999 X\r\nContent-Length: 2\r\n\r\n{}", 999, "{}", true },
  { "6.2", "a length", good .. "Content-Length: 2\r\n\r\n{}", 200, "{}", true },
  { "6.2", "a length of 0", good .. "Content-Length: 0\r\n\r\n", 200, "", true },
  { "6.3", "204 without length", "HTTP/1.1 204 X\r\n\r\n", 204, "", true },
  { "6.3", "304 with the length of what it does not carry",
    "HTTP/1.1 304 X\r\nContent-Length: 99\r\n\r\n", 304, "", true },
  { "6.3", "neither length nor coding: until the end", good .. "\r\n{\"a\":1}", 200, '{"a":1}', false },
  { "7.1", "chunks", good .. "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, "{}", true },
  { "7.1", "extensions and trailers",
    good .. "Transfer-Encoding: chunked\r\n\r\n2;a=\"b\"\r\n{}\r\n0;c\r\nX-A: b\r\n\r\n", 200, "{}", true },
  { "9.3", "HTTP/1.0 closes", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", false },
  { "9.3", "HTTP/1.0 that stays", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", 200, "{}",
    true },
  { "9.6", "close", good .. "Connection: close\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", false },
  { "15.2 of RFC 9110", "interim responses before it",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" .. good
      .. "Content-Length: 2\r\n\r\n{}", 200, "{}", true },
}

local function scripted(bytes, keep_open)
  local gateway, origin = raw.gateway()
  origin.routes = {}
  for _, path in ipairs({ "/a", "/j" }) do
    origin:on("*", path):raw(bytes, keep_open):then_reply(200, '{"second":true}', {
      ["Content-Type"] = "application/json" })
  end
  return gateway, origin
end

local function assert_broken(path, bytes, split)
  local gateway, origin = scripted(bytes)
  if split then origin:fault(nil, { split = split }) end
  local response = gateway:get(path)
  assert(response.error == "closed" or response.status >= 500,
    "status " .. tostring(response.status) .. " " .. tostring(response.body))
  if path == "/j" then assert.equal(500, response.status) end
  assert.equal(0, select(3, gateway:counts()))
  response = gateway:get(path)
  assert.equal('{"second":true}', response.body)
end

describe("a response on the wire", function()
  for _, case in ipairs(broken) do
    for _, path in ipairs({ "/a", "/j" }) do
      it(("is an error at %s with %s (RFC 9112 section %s)"):format(path, case[2], case[1]), function()
        assert_broken(path, case[3])
      end)
    end
    it(("is an error byte by byte with %s (RFC 9112 section %s)"):format(case[2], case[1]), function()
      assert_broken("/j", case[3], 1)
    end)
  end

  for _, case in ipairs(whole) do
    for _, split in ipairs({ 0, 1, 5 }) do
      it(("arrives in pieces of %d with %s (RFC 9112 section %s)"):format(split, case[2], case[1]), function()
        local gateway, origin = scripted(case[3], case[6])
        origin:fault(nil, { split = split })
        local response = gateway:get("/a")
        assert.equal(case[4], response.status)
        assert.equal(case[5], response.body)
        kit.advance("10ms")
        assert.equal(case[6] and 1 or 0, (select(3, gateway:counts())))
      end)
    end
  end

  it("is never two: bytes behind it close its connection (RFC 9112 section 9.2)", function()
    local two = good .. "Content-Length: 2\r\n\r\n{}" .. good .. "Content-Length: 3\r\n\r\nbad"
    local gateway, origin = scripted(two, true)
    assert.equal("{}", gateway:get("/a").body)
    kit.advance("10ms")
    assert.equal(0, (select(3, gateway:counts())))
    assert.equal('{"second":true}', gateway:get("/a").body)
    assert.equal(2, origin.connections)
  end)

  it("of HEAD has no content whatever it announces (RFC 9110 section 9.3.2)", function()
    local origin = kit.upstream()
    origin:on("HEAD", "/a"):raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", true)
    local gateway = kit.gateway({ endpoints = { { endpoint = "/a", output_encoding = "no-op",
      backend = { { host = origin.url, url_pattern = "/a", method = "HEAD" } } } } })
    local connection = gateway:connect():request({ path = "/a" })
    local response = connection:receive("HEAD")
    assert.equal(200, response.status)
  end)
end)

describe("forwarding (RFC 9110 section 7.6.1)", function()
  it("removes the fields of one connection from a request", function()
    local gateway, origin = raw.gateway()
    gateway:get("/a", { fields = {
      { "Connection", "keep-alive, X-Hop, close" }, { "X-Hop", "1" }, { "Keep-Alive", "timeout=5" },
      { "TE", "trailers" },
      { "Proxy-Connection", "keep-alive" }, { "Upgrade", "h2c" }, { "Trailer", "X-T" }, { "X-End", "2" },
    } })
    local fields = origin.requests[1].fields
    for _, name in ipairs({ "x-hop", "keep-alive", "te", "proxy-connection", "upgrade", "trailer" }) do
      assert.is_nil(fields:get(name), name)
    end
    assert.equal("2", fields:get("x-end"))
  end)

  it("removes the fields of one connection from a response", function()
    local gateway, origin = raw.gateway()
    origin:on("GET", "/a"):reply(200, "x", {
      { "Connection", "X-Hop" }, { "X-Hop", "1" }, { "Keep-Alive", "timeout=5" }, { "Upgrade", "h2c" },
      { "X-End", "2" },
    })
    local response = gateway:get("/a")
    for _, name in ipairs({ "x-hop", "keep-alive", "upgrade" }) do assert.is_nil(response:field(name), name) end
    assert.equal("2", response:field("x-end"))
  end)

  it("sends the backend's authority as Host, whatever the client's was", function()
    local gateway, origin = raw.gateway()
    gateway:get("/a", { host = "evil.test" })
    assert.equal(origin.ip .. ":80", origin.requests[1].host)
    assert.same({ "evil.test" }, origin.requests[1].fields:all("x-forwarded-host"))
  end)

  it("keeps repeated fields in their order", function()
    local gateway, origin = raw.gateway()
    gateway:get("/a", { fields = { { "X-A", "1" }, { "X-B", "2" }, { "X-A", "3" } } })
    assert.same({ "1", "3" }, origin.requests[1].fields:all("x-a"))
  end)
end)
