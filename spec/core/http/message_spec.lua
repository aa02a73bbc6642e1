--- What start-line and fields together mean: framing and persistence (RFC 9112 sections 3.2, 6 and 9).
local http = require("spec.support.http")
local framing = http.framing

describe("message", function()
  it("tells where Pragma alone says no-cache", function()
    local function alone(fields)
      local request = http.request("GET / HTTP/1.1\r\nHost: h\r\n" .. fields .. "\r\n")
      local response = http.response("HTTP/1.1 200 OK\r\n" .. fields .. "\r\n")
      assert.equal(request.r.pragma_no_cache, response.r.pragma_no_cache)
      return response.r.pragma_no_cache
    end
    assert.is_true(alone("Pragma: no-cache\r\n"))
    assert.is_true(alone("pragma: no-cache\r\nPragma: x\r\n"))
    assert.is_false(alone("Pragma: no-cache\r\nCache-Control: max-age=0\r\n"))
    assert.is_false(alone("Cache-Control:\r\nPragma: no-cache\r\n"))
    assert.is_false(alone("Pragma: x\r\nPragma: no-cache\r\n"))
    for _, other in ipairs({ "No-Cache", "no-cache, x", "" }) do
      assert.is_false(alone(("Pragma: %s\r\n"):format(other)))
    end
  end)

  describe("request", function()
    local function request(fields, line)
      return http.request(("%s\r\n%s\r\n"):format(line or "POST / HTTP/1.1\r\nHost: h", fields))
    end

    it("is framed by one Content-Length", function()
      for value, length in pairs({ ["5"] = 5, ["003"] = 3, ["\t42 \t"] = 42,
        ["9223372036854775807"] = 2 ^ 63 }) do
        local r = request(("Content-Length: %s\r\n"):format(value))
        assert.same({ framing.length, length }, { r.framing, r.length })
      end
      assert.same({ framing.none, 0 }, { request("Content-Length: 0\r\n").framing,
        request("Content-Length: 0\r\n").length })
      assert.equal(framing.none, request("").framing)
    end)

    it("is refused with any other Content-Length", function()
      for _, value in ipairs({ "", "+5", "-5", "5 5", "5,5", "5, 5", "0x5", "5.0", "five",
        "9223372036854775808", "18446744073709551616",
        "1000000000000000000000", "\"5\"", "5;", "1e1" }) do
        local _, status = request(("Content-Length: %s\r\n"):format(value))
        assert.equal(400, status, value)
      end
      for _, second in ipairs({ "6", "05", "", "5,5" }) do
        local _, status = request(("Content-Length: 5\r\nContent-Length: %s\r\n"):format(second))
        assert.equal(400, status)
        _, status = request(("Content-Length: %s\r\n"):format(second) .. ("Content-Length: 5\r\n"):rep(2))
        assert.equal(400, status)
      end
      local r = request("Content-Length: 5\r\nContent-Length:  5 \r\n")
      assert.same({ framing.length, 5 }, { r.framing, r.length })
    end)

    it("is framed by a final chunked, alone", function()
      for _, value in ipairs({ "chunked", "Chunked", " ,chunked, " }) do
        assert.equal(framing.chunked, request(("Transfer-Encoding: %s\r\n"):format(value)).framing)
      end
      for value, want in pairs({
        ["chunked, chunked"] = 400, ["chunked, gzip"] = 400, [""] = 400, [","] = 400, ["chunked;q=1"] = 400,
        ["chunked x"] = 400, ["=a"] = 400,
        ["gzip, chunked"] = 501, ["gzip"] = 501, ["identity"] = 501, ["xchunked"] = 501, ["chunkedx"] = 501,
        ["snappy"] = 501,
      }) do
        local _, status, text = request(("Transfer-Encoding: %s\r\n"):format(value))
        assert.equal(want, status, value)
        assert.equal(want == 501 and "Unsupported transfer encoding" or "", text)
      end
      local _, status = request("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")
      assert.equal(400, status)
    end)

    it("is refused when two things frame it, and in HTTP/1.0", function()
      for _, fields in ipairs({ "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: identity\r\n" }) do
        local _, status = request(fields)
        assert.equal(400, status)
      end
      local _, status = request("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0")
      assert.equal(400, status)
    end)

    it("needs one legal Host", function()
      local function fault(head)
        local _, status, text = http.request(head .. "\r\n\r\n")
        return { status, text }
      end
      assert.same({ 400, "missing required Host header" }, fault("GET / HTTP/1.1"))
      assert.same({ 400, "missing required Host header" }, fault("GET http://h/ HTTP/1.1"))
      assert.same({ 400, "malformed Host header" }, fault("GET / HTTP/1.1\r\nHost: a b"))
      assert.same({ 400, "malformed Host header" }, fault("GET / HTTP/1.0\r\nHost: a/b"))
      assert.same({ 400, "" }, fault("GET / HTTP/1.1\r\nHost: a\r\nhost: a"))
      assert.same({ 400, "" }, fault("GET / HTTP/1.0\r\nHost: a\r\nhost: a"))
      assert.equal("", http.request("GET / HTTP/1.0\r\n\r\n").host)
      assert.equal("", http.request("GET / HTTP/1.1\r\nHost:\r\n\r\n").host)
      assert.equal("h:1", http.request("GET / HTTP/1.1\r\nHost: h:1\r\n\r\n").host)
      assert.equal("t:2", http.request("GET http://t:2/ HTTP/1.1\r\nHost: h:1\r\n\r\n").host)
      assert.equal("t:2", http.request("CONNECT t:2 HTTP/1.1\r\nHost: h\r\n\r\n").host)
    end)

    it("may expect 100 (Continue), and nothing else", function()
      local function expects(fields, line)
        local r, status = request(fields, line)
        return r and r.expects_continue or status
      end
      assert.is_true(expects("Content-Length: 1\r\nExpect: 100-Continue\r\n"))
      assert.is_true(expects("Transfer-Encoding: chunked\r\nExpect: 100-continue, 100-continue\r\n"))
      assert.is_false(expects("Expect: 100-continue\r\n") == true)
      assert.is_false(request("Content-Length: 1\r\nExpect: 100-continue\r\n",
        "POST / HTTP/1.0").expects_continue)
      assert.equal(417, expects("Expect: 100-continue, x\r\n"))
      assert.equal(417, expects("Expect: 200-ok\r\n"))
    end)

    it("says whether the connection may be kept", function()
      for fields, keep in pairs({ [""] = { true, false }, ["Connection: close\r\n"] = { false, false },
        ["Connection: keep-alive\r\n"] = { true, true },
        ["Connection: a,  CLOSE\r\n"] = { false, false },
        ["Connection: Keep-Alive\r\nConnection: x\r\n"] = { true, true },
        ["Connection: keep-alive, close\r\n"] = { false, false }, ["Connection: closed\r\n"] = { true,
        false },
        ["Connection: \"close\"\r\n"] = { true, false } }) do
        assert.equal(keep[1], request(fields).keep_alive)
        assert.equal(keep[2], request(fields, "GET / HTTP/1.0").keep_alive)
      end
    end)

    it("is refused with more connection options than anyone needs", function()
      local _, status = request("Connection: " .. ("a,"):rep(101) .. "\r\n")
      assert.equal(400, status)
    end)
  end)

  describe("response", function()
    local function response(fields, options)
      options = options or {}
      return http.response(("HTTP/1.%d %d X\r\n%s\r\n"):format(options.minor or 1, options.status or 200,
        fields), { method = options.method })
    end

    it("has no content in answer to HEAD and with 1xx, 204, 304", function()
      for _, options in ipairs({ { method = "HEAD" }, { status = 100 }, { status = 103 }, { status = 204 },
        { status = 304 },
        { method = "CONNECT" } }) do
        for _, fields in ipairs({ "", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n" }) do
          local r = response(fields, options)
          assert.same({ framing.none, 0, true }, { r.framing, r.length, r.keep_alive })
        end
      end
    end)

    it("is framed by Transfer-Encoding, Content-Length, or the end of the connection", function()
      assert.equal(framing.chunked, response("Transfer-Encoding: chunked\r\n").framing)
      assert.same({ framing.length, 5 }, { response("Content-Length: 5\r\n").framing,
        response("Content-Length: 5\r\n").length })
      assert.equal(framing.none, response("Content-Length: 0\r\n").framing)
      assert.same({ framing.close, false }, { response("").framing, response("").keep_alive })
    end)

    it("is refused when its framing is not clear", function()
      for _, fields in ipairs({ "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: -1\r\n",
        "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked, gzip\r\n",
        "Content-Length: 5, 5\r\n" }) do
        for _, method in ipairs({ "GET", "HEAD" }) do assert.is_nil((response(fields, { method = method })),
          fields) end
      end
      assert.is_nil((response("Transfer-Encoding: chunked\r\n", { minor = 0 })))
      assert.is_nil((response("", { status = 101 })))
    end)

    it("says whether the connection may be kept", function()
      assert.is_true(response("Content-Length: 1\r\n").keep_alive)
      assert.is_false(response("Content-Length: 1\r\nConnection: close\r\n").keep_alive)
      assert.is_false(response("Content-Length: 1\r\n", { minor = 0 }).keep_alive)
      assert.is_true(response("Content-Length: 1\r\nConnection: keep-alive\r\n", { minor = 0 }).keep_alive)
    end)
  end)

  it("knows the phrase of a status, and has one for any other", function()
    for status, phrase in pairs({ [200] = "OK", [404] = "Not Found", [103] = "Early Hints",
      [511] = "Network Authentication Required",
      [100] = "Continue", [299] = "status code 299", [600] = "status code 600", [999] = "status code 999",
      [110] = "status code 110",
      [99] = "", [1000] = "", [0] = "", [-1] = "" }) do
      assert.equal(phrase, http.text(http.core.status_reason(status)))
    end
    for status = 100, 999 do assert.is_true(http.core.status_reason(status).len > 0) end
  end)
end)
