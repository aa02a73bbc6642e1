local ffi = require("ffi")
local http = require("spec.support.http")
local core = http.core

describe("h1_writer", function()
  local a
  local date = "Sun, 06 Nov 1994 08:49:37 GMT"

  local function str(text) return http.str(a, text) end

  local function fields(list)
    local f = ffi.new("struct fields")
    core.fields_init(f, a)
    for _, field in ipairs(list) do core.field_add(f, str(field[1]), str(field[2])) end
    return f
  end

  local function response(status, list, options)
    local f, o = fields(list or {}), options or {}
    local size = tonumber(core.h1_response_size(f))
    local dst = ffi.new("char[?]", size)
    local len = tonumber(core.h1_write_response(dst, status, f, date, o.length or -1, o.chunked or false,
      o.close or false,
      o.keep_alive or false))
    assert.is_true(len <= size)
    return ffi.string(dst, len)
  end

  local function request(list, options)
    local f, o = fields(list or {}), options or {}
    local method, target, host = str(o.method or "GET"), str(o.target or "/"), str("h:1")
    local size = tonumber(core.h1_request_size(method, target, host, f))
    local dst = ffi.new("char[?]", size)
    local len = tonumber(core.h1_write_request(dst, method, target, host, f, o.length or -1, o.chunked
      or false, o.gzip or false,
      o.close or false))
    assert.is_true(len <= size)
    return ffi.string(dst, len)
  end

  before_each(function() a = http.arena() end)

  it("writes response heads", function()
    assert.equal("HTTP/1.1 204 No Content\r\nDate: " .. date .. "\r\n\r\n", response(204))
    assert.equal("HTTP/1.1 200 OK\r\nA: b\r\nC: \r\nDate: " .. date .. "\r\nContent-Length: 0\r\n" ..
      "Connection: close\r\n\r\n",
      response(200, { { "A", "b" }, { "C", "" } }, { length = 0, close = true, keep_alive = true }))
    assert.equal("HTTP/1.1 200 OK\r\nDATE: x\r\nContent-Length: 9223372036854775807\r\n" ..
      "Connection: keep-alive\r\n\r\n",
      response(200, { { "DATE", "x" } }, { length = 0x7fffffffffffffffLL, keep_alive = true }))
    assert.equal("HTTP/1.1 999 status code 999\r\nDate: " .. date .. "\r\nTransfer-Encoding: chunked\r\n\r\n",
      response(999, { { "Content-Length", "1" }, { "transfer-encoding", "x" }, { "Connection", "y" },
        { "Trailer", "z" } }, { chunked = true }))
  end)

  it("names Upgrade in the Connection of a response that has it (RFC 9110 section 7.8)", function()
    local head = "HTTP/1.1 426 Upgrade Required\r\nUpgrade: h2c\r\nDate: " .. date .. "\r\nConnection: %s\r\n\r\n"
    local upgrade = { { "Upgrade", "h2c" } }
    assert.equal(head:format("Upgrade"), response(426, upgrade))
    assert.equal(head:format("close, Upgrade"), response(426, upgrade, { close = true }))
    assert.equal(head:format("keep-alive, Upgrade"), response(426, upgrade, { keep_alive = true }))
  end)

  it("writes request heads", function()
    assert.equal("GET / HTTP/1.1\r\nHost: h:1\r\n\r\n", request())
    assert.equal("POST /a?b HTTP/1.1\r\nHost: h:1\r\nUser-Agent: u\r\nContent-Length: 12\r\n" ..
      "Accept-Encoding: gzip\r\nConnection: close\r\n\r\n",
      request({ { "Host", "no" }, { "User-Agent", "u" }, { "content-length", "7" } },
        { method = "POST", target = "/a?b", length = 12, gzip = true, close = true }))
    assert.equal("PUT / HTTP/1.1\r\nHost: h:1\r\nTransfer-Encoding: chunked\r\n\r\n", request({},
      { method = "PUT", chunked = true }))
  end)

  it("writes chunk heads", function()
    local dst = ffi.new("char[20]")
    for len, text in pairs({ [0] = "0", [1] = "1", [15] = "f", [16] = "10", [255] = "ff", [65536] = "10000",
      [2 ^ 52] = "10000000000000" }) do
      assert.equal(text .. "\r\n", ffi.string(dst, core.h1_write_chunk_head(dst, len)))
    end
    assert.equal("ffffffffffffffff\r\n", ffi.string(dst, core.h1_write_chunk_head(dst,
      0xffffffffffffffffULL)))
  end)
end)
