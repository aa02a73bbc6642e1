local http = require("spec.support.http")

describe("h1_parser", function()
  --- Each input also byte by byte, and in threes.
  local function each_way(bytes, options, check)
    for _, step in ipairs({ #bytes, 1, 3 }) do
      local o = { step = math.max(1, step) }
      for k, v in pairs(options or {}) do o[k] = v end
      check(o)
    end
  end

  describe("reading requests", function()
    it("takes a head apart", function()
      local bytes = "GET /a?b HTTP/1.1\r\nHost: h\r\nA:\r\nb: \t c d\t \r\nA:e\195\169\tf\r\n\r\n"
      each_way(bytes, nil, function(o)
        local r = http.request(bytes .. (o.step == #bytes and "rest" or ""), { step = o.step == #bytes
          and 1e6 or o.step })
        assert.equal("GET", r.method)
        assert.equal("/a?b", r.target)
        assert.equal(1, r.minor)
        assert.same({ { "Host", "h" }, { "A", "" }, { "b", "c d" }, { "A", "e\195\169\tf" } }, r.fields)
        assert.equal(#bytes, r.head_len)
      end)
    end)

    it("takes what the grammar allows", function()
      for _, bytes in ipairs({
        "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "M-SEARCH!#$%&'*+.^_`|~1 / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.7\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX: a:b::\r\n\r\n",
        "GET /\195\169 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX:" .. (" "):rep(50) .. "\r\n\r\n",
      }) do
        each_way(bytes, nil, function(o) assert.is_table(http.request(bytes, o), bytes) end)
      end
    end)

    it("refuses everything else as soon as it is there", function()
      for _, bytes in ipairs({
        "\n", "\r\n\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nHost: h\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\n", "GET / HTTP/1.1\rX", "\rG",
        "GET / HTTP/1.1\r\nA: b\rc", "GET / HTTP/1.1\r\n\rX", "GET / HTTP/1.1\r\r\n", "GET /\0",
        "GET / HTTP/1.1\r\nA\0", "GET / HTTP/1.1\r\nA: \127",
        "GET / HTTP/1.1\r\nA: \1", "GET / HTTP/1.1\r\nA: \11", "\r\n\r\n", "GET  / HTTP/1.1\r\n",
        "GET /  HTTP/1.1\r\n", " GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1 \r\n", "GET\t/ HTTP/1.1\r\n", "GET /\tHTTP/1.1\r\n", "GET / a HTTP/1.1\r\n",
        "GET /\r\n", "GET\r\n", "GET \r\n",
        "GET / HTTP/11\r\n", "GET / HTTP/1.10\r\n", "GET / http/1.1\r\n", "GET / HTTP/1.x\r\n",
        "GET / HTTP/a.1\r\n", "GET / HTTP/\r\n",
        "GET / HTTP/01.1\r\n", "GET / ICE/1.0\r\n", "GET  HTTP/1.1\r\n", "G(T / HTTP/1.1\r\n",
        "G\195\169T / HTTP/1.1\r\n", ": / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\n A: b\r\n", "GET / HTTP/1.1\r\n\tA: b\r\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n",
        "GET / HTTP/1.1\r\nA : b\r\n",
        "GET / HTTP/1.1\r\nA\t: b\r\n", "GET / HTTP/1.1\r\n: b\r\n", "GET / HTTP/1.1\r\nA\r\n",
        "GET / HTTP/1.1\r\nA b: c\r\n",
        "GET / HTTP/1.1\r\nA(: c\r\n", "GET / HTTP/1.1\r\n\195\169: c\r\n", "GET / HTTP/1.1\r\n\"A\": c\r\n",
      }) do
        each_way(bytes, nil, function(o)
          local result, parser = http.parse(bytes, o)
          assert.equal("bad", result, bytes)
          assert.equal(400, parser.fault.status)
        end)
      end
    end)

    it("answers other versions by 505", function()
      for _, version in ipairs({ "HTTP/2.0", "HTTP/0.9", "HTTP/9.9" }) do
        local _, status, text = http.request(("GET / %s\r\nHost: h\r\n\r\n"):format(version))
        assert.same({ 505, "unsupported protocol version" }, { status, text })
      end
    end)

    it("waits for the rest, whatever is missing", function()
      local bytes = "\r\nGET /a HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"
      for len = 0, #bytes - 1 do assert.equal("more", (http.parse(bytes:sub(1, len)))) end
    end)

    it("finds a control character anywhere in a line", function()
      for len = 0, 70 do
        for _, bad in ipairs({ "\0", "\8", "\31", "\127" }) do
          local value = ("x"):rep(len) .. bad .. ("y"):rep(40)
          assert.equal("bad", (http.parse(("GET / HTTP/1.1\r\nA: %s\r\n\r\n"):format(value))))
        end
        local value = ("x"):rep(len) .. "\t\128\255\32" .. ("y"):rep(40)
        assert.equal("done", (http.parse(("GET / HTTP/1.1\r\nA: %s\r\n\r\n"):format(value))))
      end
    end)

    it("keeps to its limits", function()
      local line = "GET /" .. ("x"):rep(99) .. " HTTP/1.1\r\n"
      local function fault(bytes, options)
        local result, parser = http.parse(bytes, options)
        return result == "bad" and parser.fault.status or result
      end
      assert.equal("done", fault(line .. "\r\n", { max_target = 100 }))
      assert.equal(414, fault(line .. "\r\n", { max_target = 99 }))
      assert.equal(414, fault("GET /" .. ("x"):rep(300), { max_target = 99 }))
      assert.equal("done", fault(line .. "A: b\r\n\r\n", { max_head = #line + 8 }))
      assert.equal(431, fault(line .. "A: b\r\n\r\n", { max_head = #line + 7 }))
      assert.equal(431, fault(line .. "A: b", { max_head = #line + 3 }))
      assert.equal(431, fault(line .. ("A: b\r\n"):rep(1001)))
      assert.equal("more", fault(line .. ("A: b\r\n"):rep(1000)))
    end)
  end)

  describe("reading responses", function()
    it("takes a head apart", function()
      local bytes = "HTTP/1.1 404 Not \195\169 Found \r\nA: b\r\n\r\n"
      each_way(bytes, nil, function(o)
        local r = http.response(bytes, o)
        assert.same({ 404, "Not \195\169 Found ", 1 }, { r.status, r.reason, r.minor })
        assert.same({ { "A", "b" } }, r.fields)
      end)
      assert.same({ 200, "", 0 }, { http.response("HTTP/1.0 200\r\n\r\n").status,
        http.response("HTTP/1.1 200 \r\n\r\n").reason,
        http.response("HTTP/1.0 200\r\n\r\n").minor })
      assert.equal(999, http.response("HTTP/1.1 999\r\n\r\n").status)
    end)

    it("refuses everything else", function()
      for _, bytes in ipairs({
        "\r\nHTTP/1.1 200 OK\r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 2000\r\n", "HTTP/1.1 099 X\r\n",
        "HTTP/1.1 OK\r\n", "HTTP/1.1  200 OK\r\n", "HTTP/1.1\t200\r\n",
        "HTTP/1.1 +20 X\r\n", "HTTP/2.0 200 OK\r\n", "http/1.1 200 OK\r\n", "HTTP/1.1 200OK\r\n",
        "HTTP/1.1 200 O\0K\r\n", "HTTP/1.1 200 OK\n", "ICY 200 OK\r\n",
        "hello\r\n", "\r\n", "HTTP/1.1 200 OK\r\n A: b\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n", "HTTP/11 200 OK\r\n",
      }) do
        each_way(bytes, { response = true }, function(o) assert.equal("bad", (http.parse(bytes, o)),
          bytes) end)
      end
    end)
  end)
end)
