local fetching = require("spec.support.fetching")
local ok = fetching.ok

describe("redirect", function()
  local world, origin

  before_each(function()
    world = fetching.world()
    origin = world:origin("10.0.0.1", 80)
    world:name("a.test", { "10.0.0.1" })
    world:name("sub.a.test", { "10.0.0.1" })
    world:name("ba.test", { "10.0.0.1" })
    world:name("other.test", { "10.0.0.1" })
  end)

  after_each(function() world:close() end)

  local function to(status, location, body)
    body = body or ""
    local head = "HTTP/1.1 %d X\r\nLocation: %s\r\nContent-Length: %d\r\n\r\n"
    return head:format(status, location, #body) .. body
  end

  local function get(options, url)
    return world:finish(world:get(url or "http://a.test/from", options))
  end

  it("is followed, on the same connection, and the last response told", function()
    origin:answer(to(302, "/to?x=1", "moved"), ok("there"))
    local fetch = get()
    assert.equal("there", fetch.body)
    assert.equal("http://a.test/to?x=1", fetch.final_url)
    assert.same({ "GET /from", "GET /to?x=1" }, origin:targets())
    assert.equal("http://a.test/from", origin.requests[2].fields.referer)
    assert.equal(1, #origin.conns)
  end)

  local function becomes(status, method, options, line, body)
    options.method = method
    it(("%d turns %s into %s"):format(status, method, line), function()
      origin:answer(to(status, "/to"), ok("there"))
      assert.equal(200, get(options).status)
      assert.equal(line .. " /to HTTP/1.1", origin.requests[2].line)
      assert.equal(body or "", origin.requests[2].body)
    end)
  end

  for _, status in ipairs({ 301, 302, 303 }) do
    becomes(status, "GET", {}, "GET")
    becomes(status, "HEAD", {}, "HEAD")
    becomes(status, "POST", { body = "x" }, "GET")
    becomes(status, "PUT", { body = "x", body_on_redirect = true }, "GET")
    becomes(status, "DELETE", {}, "GET")
  end
  for _, status in ipairs({ 307, 308 }) do
    becomes(status, "GET", {}, "GET")
    becomes(status, "HEAD", {}, "HEAD")
    becomes(status, "DELETE", {}, "DELETE")
    becomes(status, "POST", { empty_length = true }, "POST")
    becomes(status, "POST", { body = { "once ", "more" }, body_on_redirect = true }, "POST", "once more")
  end

  local function is_final(what, answer, options)
    it("is not followed: " .. what, function()
      origin:answer(answer, ok("there"))
      local fetch = get(options)
      assert.equal(1, #origin.requests)
      assert.equal(tonumber(answer:match(" (%d+)")), fetch.status)
    end)
  end

  is_final("307 with content", to(307, "/to"), { method = "POST", body = "x" })
  is_final("308 with content", to(308, "/to", "moved"), { method = "PUT", body = "x" })
  is_final("307 of a request told to be taken for one with content", to(307, "/to"), { final_307 = true })
  is_final("300", to(300, "/to"))
  is_final("304", "HTTP/1.1 304 Not Modified\r\nLocation: /to\r\n\r\n")
  is_final("305", to(305, "/to"))
  is_final("201", to(201, "/to"))
  is_final("no Location", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")
  is_final("an empty Location", to(302, ""))

  it("is not followed: 307 with a streamed content; 302 is, without it", function()
    local function post(answer)
      origin.requests = {}
      origin:now(answer, ok("there"))
      local fetch = world:get("http://a.test/", { method = "POST", stream = true, body_on_redirect = true })
      fetch:write("x", true)
      return world:finish(fetch)
    end
    assert.equal(307, post(to(307, "/to")).status)
    assert.equal(200, post(to(302, "/to")).status)
    assert.same({ "POST /", "GET /to" }, origin:targets())
    assert.is_nil(origin.requests[2].fields["transfer-encoding"])
  end)

  it("is not followed: 307 after a redirect that dropped the content, unless that could be sent again", function()
    local function post(again)
      origin.requests = {}
      origin:now(to(303, "/made"), to(307, "/made/"), ok("there"))
      local fetch = get({ method = "POST", body = "x", body_on_redirect = again })
      return fetch.status, #origin.requests, origin.requests[#origin.requests].body
    end
    assert.same({ 307, 2, "" }, { post(false) })
    assert.same({ 200, 3, "" }, { post(true) })
  end)

  it("is followed: 302 of a request told to be taken for one with content, but no 307 after it", function()
    origin:now(to(302, "/made"), to(307, "/made/"), ok("there"))
    assert.equal(307, get({ final_307 = true }).status)
    assert.same({ "GET /from", "GET /made" }, origin:targets())
  end)

  it("announces an empty content again after 307, and none after 302", function()
    origin:answer(to(307, "/a"), to(302, "/b"), ok(""))
    get({ method = "POST", empty_length = true })
    assert.equal("0", origin.requests[2].fields["content-length"])
    assert.is_nil(origin.requests[3].fields["content-length"])
  end)

  it("ends after ten requests", function()
    origin:answer(to(301, "/loop"))
    local fetch = get()
    assert.equal("redirects", fetch.failure)
    assert.equal('Get "/loop": stopped after 10 redirects', fetch.text)
    assert.equal(10, #origin.requests)
  end)

  it("may take ten requests", function()
    for i = 1, 9 do origin:answer(to(302, "/" .. i)) end
    origin:answer(ok("there"))
    assert.equal("there", get().body)
    assert.equal(10, #origin.requests)
  end)

  it("understands relative and absolute references", function()
    world:origin("10.0.0.1", 8080):answer(ok("port"))
    origin:answer(to(302, "b/c"), to(302, "../d?q"), to(302, "//other.test/e"), to(302, "?r"),
      to(302, "http://a.test:8080/f#g"))
    assert.equal("port", get(nil, "http://a.test/x/y").body)
    assert.same({ "GET /x/y", "GET /x/b/c", "GET /x/d?q", "GET /e", "GET /e?r" }, origin:targets())
  end)

  it("fails on a Location that leads nowhere", function()
    local nowhere = { "http://a.test:port/", "ftp://a.test/", "mailto:x", "http:///x", "http://[::1/" }
    for _, location in ipairs(nowhere) do
      origin:now(to(302, location))
      local fetch = get()
      assert.equal("malformed", fetch.failure, location)
      assert.matches('^Get "http://a.test/from": failed to parse Location header "', fetch.text)
    end
  end)

  it("tells the URL that failed, and the method of the beginning", function()
    origin:answer(to(302, "http://10.0.0.9/x"))
    local fetch = get({ method = "POST", body = "x" })
    assert.equal('Post "http://10.0.0.9/x": dial tcp 10.0.0.9:80: connect: connection refused', fetch.text)
  end)

  it("drops for good the fields about a content that may be gone", function()
    local fields = {
      { "Content-Type", "text/plain" }, { "content-encoding", "identity" }, { "Content-Language", "nl" },
      { "Content-Location", "/x" }, { "Content-Disposition", "inline" }, { "X-A", "1" },
    }
    origin:answer(to(303, "/1"), to(307, "/2"), ok(""))
    get({ fields = fields })
    for i = 2, 3 do
      for _, name in ipairs({ "content-type", "content-encoding", "content-language", "content-location" }) do
        assert.is_nil(origin.requests[i].fields[name])
      end
      assert.equal("inline", origin.requests[i].fields["content-disposition"])
      assert.equal("1", origin.requests[i].fields["x-a"])
    end
    origin.requests = {}
    origin:now(to(307, "/1"), ok(""))
    get({ fields = fields })
    assert.equal("text/plain", origin.requests[2].fields["content-type"])
  end)

  local secrets = {
    { "Authorization", "Bearer t" }, { "Cookie", "a=1" }, { "Cookie2", "b" }, { "WWW-Authenticate", "c" },
    { "Proxy-Authorization", "d" }, { "Proxy-Authenticate", "e" }, { "X-Kept", "f" },
  }

  local function secrets_after(...)
    origin.answers = {}
    origin.requests = {}
    for _, location in ipairs({ ... }) do origin:answer(to(307, location)) end
    origin:answer(ok(""))
    get({ fields = secrets })
    local count = 0
    local last = origin.requests[#origin.requests].fields
    for _, field in ipairs(secrets) do count = count + (last[field[1]:lower()] and 1 or 0) end
    assert.equal("f", last["x-kept"])
    return count
  end

  it("keeps secrets on the host and its sub-domains", function()
    assert.equal(7, secrets_after("/to"))
    assert.equal(7, secrets_after("http://A.TEST/to"))
    assert.equal(7, secrets_after("http://sub.a.test/to"))
    assert.equal(7, secrets_after("http://sub.a.test/to", "http://a.test/"))
  end)

  it("drops secrets elsewhere, and for the rest of the chain", function()
    assert.equal(1, secrets_after("http://other.test/to"))
    assert.equal(1, secrets_after("http://ba.test/to"))
    assert.equal(1, secrets_after("http://10.0.0.1/to"))
    assert.equal(1, secrets_after("http://other.test/to", "http://a.test/back"))
  end)

  it("keeps a Referer of the request's own", function()
    origin:answer(to(302, "/1"), ok(""))
    get({ fields = { { "Referer", "http://mine.test/" } } })
    assert.equal("http://mine.test/", origin.requests[2].fields.referer)
  end)

  it("shows no user and password in Referer", function()
    origin:answer(to(302, "/1"), ok(""))
    get(nil, "http://user:secret@a.test/from")
    assert.equal("http://a.test/from", origin.requests[2].fields.referer)
  end)

  it("waits for no 100 (Continue) without content", function()
    origin:answer(to(303, "/1"), ok(""))
    get({ method = "POST", body = "x", expects_continue = true, fields = { { "Expect", "100-continue" } } })
    assert.equal("100-continue", origin.requests[1].fields.expect)
    assert.is_nil(origin.requests[2].fields.expect)
  end)

  it("gives the connection back when its short content has come", function()
    origin:answer(function(conn)
      conn:write("HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 10\r\n\r\n12345")
    end, ok("there"))
    assert.equal("there", get().body)
    assert.equal(2, #origin.conns)
    assert.equal(1, world:idle())
    origin.conns[1]:write("67890")
    world:advance(0.1)
    assert.equal(2, world:idle())
  end)

  local function closes(what, response)
    it("closes the connection of a content that " .. what, function()
      origin:answer(response, ok("there"))
      assert.equal("there", get().body)
      world:advance(2)
      assert.equal(1, world:idle())
      assert.is_truthy(origin.conns[1].ended)
      assert.is_nil(origin.conns[2].ended)
    end)
  end

  local head = "HTTP/1.1 302 Found\r\nLocation: /to\r\n"
  closes("is long", head .. "Content-Length: 100000\r\n\r\n" .. ("x"):rep(100000))
  closes("is long, in chunks", head .. "Transfer-Encoding: chunked\r\n\r\n" .. ("4000\r\n" .. ("x"):rep(16384)
    .. "\r\n"):rep(8) .. "0\r\n\r\n")
  closes("does not come", head .. "Content-Length: 10\r\n\r\n")
  closes("ends with it", head .. "\r\n")
  closes("is broken", head .. "Transfer-Encoding: chunked\r\n\r\nzz")
  closes("is followed by more", head .. "Content-Length: 1\r\n\r\nxy")
end)
