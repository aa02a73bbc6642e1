--- One request from routed to logged: what is refused, collected, drained.
local kit = require("kit")
local script = require("spec.support.script")

local function gateway_of(endpoints, router)
  return kit.gateway({ extra_config = router and { router = router }, endpoints = endpoints })
end

describe("a path parameter", function()
  local function start()
    local back = kit.upstream()
    back:on("*", "*"):reply(200, { ok = true })
    return gateway_of({ { endpoint = "/u/{id}", backend = { { host = back.url, url_pattern = "/p/{id}" } } } }), back
  end

  it("may be any text of dots, which goes on as it is", function()
    local gateway, back = start()
    for i, text in ipairs({ "..", ".", "...", ".a", "a..b" }) do
      assert.equal(200, gateway:get("/u/" .. text:gsub("%.", "%%2e")).status, text)
      assert.equal("/p/" .. text, back.requests[i].path)
    end
  end)

  it("that stays encoded is refused with a reason", function()
    local gateway = start()
    assert.equal('error: invalid URL escape "%"', gateway:get("/u/100%25").body)
    assert.equal('error: invalid URL escape "%zz"', gateway:get("/u/%25zz").body)
    assert.equal("error: encoded url params", gateway:get("/u/a%2520b").body)
    assert.equal("error: encoded url params", gateway:get("/u/a%3Fb").body)
  end)
end)

describe("a path without a route", function()
  local function start(router)
    local back = kit.upstream()
    local backend = { { host = back.url, url_pattern = "/" } }
    return gateway_of({ { endpoint = "/u/{id}", backend = backend }, { endpoint = "/u/ab/{x}/y", backend = backend },
      { endpoint = "/u/{id}", method = "PUT", backend = backend },
      { endpoint = "/w", method = "POST", backend = backend } }, router)
  end

  local cases = {
    { "GET", "/u/a%2541/more", "error: encoded url params" },
    { "GET", "/u/100%25/more", 'error: invalid URL escape "%"' },
    { "PUT", "/u/a%23/more", "error: encoded url params" },
    { "GET", "/u/ab/a%3F/z" }, -- the search went back to "ab" for {id}
    { "GET", "/u/ok/a%2541" }, { "POST", "/u/a%2541/more" }, { "GET", "/w/a%2541" },
  }
  for _, case in ipairs(cases) do
    it("is refused for what the search took for a parameter: " .. case[1] .. " " .. case[2], function()
      local response = start():request({ method = case[1], path = case[2] })
      assert.same(case[3] and { 400, case[3], "text/plain; charset=utf-8" }
        or { 404, "404 page not found", "text/plain" },
        { response.status, response.body, response:field("Content-Type") })
      assert.equal(case[3] == nil, response:field("X-Krakend") ~= nil)
    end)
  end

  it("of other methods keeps Allow", function()
    local backend = { { host = "h", url_pattern = "/" } }
    local response = gateway_of({ { endpoint = "/{a}", method = "PUT", backend = backend },
      { endpoint = "/{a}/{b}", backend = backend } }):get("/%3F")
    assert.same({ 400, "PUT" }, { response.status, response:field("Allow") })
  end)

  it("is not found with disable_path_decoding", function()
    assert.equal(404, start({ disable_path_decoding = true }):get("/u/a%2541/more").status)
  end)
end)

describe("content that is collected", function()
  local function post(length)
    local back = kit.upstream()
    back:on("*", "*"):reply(200, { ok = true })
    local endpoint = { endpoint = "/a", method = "POST", timeout = "30s", backend = {
      { host = back.url, url_pattern = "/1", group = "a" }, { host = back.url, url_pattern = "/2", group = "b" } } }
    local gateway = gateway_of({ endpoint })
    local client = gateway:connect()
    client:send("POST /a HTTP/1.1\r\nHost: a\r\n" .. length .. "\r\n\r\n")
    return client, back
  end

  it("is refused when it says that it is too much", function()
    local client, back = post("Content-Length: 67108865")
    assert.equal(413, client:receive().status)
    assert.equal(0, #back.requests)
  end)

  it("is refused when it turns out to be too much", function()
    local client, back = post("Transfer-Encoding: chunked")
    local piece = ("%x\r\n%s\r\n"):format(1024 * 1024, ("x"):rep(1024 * 1024))
    for _ = 1, 66 do client:send(piece) end
    assert.equal(413, client:receive().status)
    assert.equal(0, #back.requests)
  end)

  it("goes to each backend whole, in any framing", function()
    for _, framing in ipairs({ "Content-Length: 5", "Transfer-Encoding: chunked" }) do
      local client, back = post(framing)
      client:send(framing:find("chunked") and "5\r\nwords\r\n0\r\n\r\n" or "words")
      assert.equal(200, client:receive().status)
      assert.equal("words", back.requests[1].body)
      assert.equal("words", back.requests[2].body)
      kit.seed(1)
    end
  end)
end)

describe("a POST without content", function()
  it("to several backends is chunked, and of a known length where redirects may want it", function()
    local back = kit.upstream()
    back:on("*", "*"):reply(200, { ok = true })
    local gateway = gateway_of({ { endpoint = "/a", method = "POST", backend = {
      { host = back.url, url_pattern = "/1" },
      { host = back.url, url_pattern = "/2",
        extra_config = { ["backend/http/client"] = { send_body_on_redirect = true } } },
    } } })
    gateway:request({ method = "POST", path = "/a" })
    for _, request in ipairs(back.requests) do
      local length, coding = request.fields:get("Content-Length"), request.fields:get("Transfer-Encoding")
      assert.same(request.path == "/2" and { "0" } or { nil, "chunked" }, { length, coding })
    end
    assert.equal(2, #back.requests)
  end)
end)

describe("the access log", function()
  it("tells of every request but redirects", function()
    local back = kit.upstream()
    back:on("*", "*"):reply(200, { ok = true })
    local gateway = gateway_of({ { endpoint = "/a", backend = { { host = back.url, url_pattern = "/a" } } } })
    gateway:get("/a?x=1")
    gateway:get("/a/")
    gateway:get("/none")
    gateway:get("/__health")
    local lines = {}
    for _, line in ipairs(gateway:log()) do
      local status, target = line:match('^%[GIN%] .- | (%d%d%d) |.*(".*")$')
      if status then lines[#lines + 1] = status .. target end
    end
    assert.same({ '200"/a?x=1"', '404"/none"', '200"/__health"' }, lines)
  end)
end)

describe("what failed", function()
  it("stands under the line of the access log, each on a line of its own", function()
    local back = kit.upstream()
    back:on("*", "/1"):reply(404)
    back:on("*", "/2"):reply(503)
    local function backend(path) return { host = back.url, url_pattern = path } end
    local gateway = gateway_of({ { endpoint = "/a", backend = { backend("/1"), backend("/2") } },
      { endpoint = "/b", backend = { backend("/1") } } })
    gateway:get("/a")
    gateway:get("/b")
    assert.is_truthy(gateway:logged('"/a"\nError #01: invalid status code 404 .*/1\nError #02: .* 503 .*/2$'))
    assert.is_truthy(gateway:logged('"/b"\nError #01: invalid status code 404 .*/1$'))
  end)
end)

describe("a failure of the transport", function()
  local function told(answer)
    local back = kit.upstream()
    answer(back:on("DELETE", "/u"))
    local gateway = gateway_of({ { endpoint = "/a", backend = {
      { host = back.url, url_pattern = "/u", method = "delete" } } } }, { return_error_msg = true })
    return (gateway:get("/a").body:gsub("http://[%d.:]+", "HOST"))
  end

  it("names method and URL once, when no answer came", function()
    assert.equal('Delete "HOST/u": EOF', told(function(route) route:hang_up() end))
  end)

  it("is told alone, when a content was cut", function()
    assert.equal("unexpected EOF", told(function(route)
      route:raw('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a":')
    end))
  end)
end)

describe("a method that is no token", function()
  it("fails its calls, and is never written", function()
    local back = kit.upstream()
    back:on("*", "*"):reply(200, { ok = true })
    local bad = { host = back.url, url_pattern = "/a", method = "get /b HTTP/1.1\r\nX-A: 1\r\n\r\n" }
    local gateway = gateway_of({ { endpoint = "/one", backend = { bad } },
      { endpoint = "/both", backend = { bad, { host = back.url, url_pattern = "/c" } } } }, { return_error_msg = true })
    local response = gateway:get("/one")
    assert.same({ 500, [[net/http: invalid method "GET /B HTTP/1.1\r\nX-A: 1\r\n\r\n"]] },
      { response.status, response.body })
    response = gateway:get("/both")
    assert.same({ 200, "false" }, { response.status, response:field("X-Krakend-Completed") })
    assert.equal(1, #back.requests)
    assert.equal("/c", back.requests[1].path)
  end)
end)

describe("a content that is no UTF-8", function()
  local function get(bytes, output, after)
    local back = kit.upstream()
    back:on("*", "/text"):reply(200, bytes)
    back:on("*", "*"):reply(200, { ok = true })
    local backend = { { host = back.url, url_pattern = "/text", encoding = "string" } }
    if after then backend[2] = { host = back.url, url_pattern = after } end
    return gateway_of({ { endpoint = "/a", output_encoding = output, backend = backend,
      extra_config = { proxy = { sequential = true } } } }):get("/a").body, back
  end

  it("goes through as text, byte for byte", function()
    assert.equal("caf\233 \255\0\195", (get("caf\233 \255\0\195", "string")))
  end)

  it("goes into the URL of a later step", function()
    local _, back = get("caf\233/\255", "json", "/of/{resp0_content}")
    assert.equal("/of/caf%E9/%FF", back.requests[2].path)
  end)

  it("is mended in JSON", function()
    assert.equal('{"content":"caf\239\191\189\\u0000"}', (get("caf\233\0", "json")))
  end)
end)

describe("static data", function()
  after_each(script.clean)

  it("answers for an endpoint that has no time at all", function()
    local back = kit.upstream()
    local function get(strategy)
      return gateway_of({ { endpoint = "/a", timeout = "-1s", backend = { { host = back.url, url_pattern = "/a" } },
        extra_config = { proxy = { static = { strategy = strategy, data = { kept = 1 } } } } } }):get("/a")
    end
    for _, strategy in ipairs({ "always", "errored", "incomplete" }) do
      assert.equal('{"kept":1}', get(strategy).body)
      assert.equal("false", get(strategy):field("X-Krakend-Completed"))
    end
    assert.equal(500, get("success").status)
    assert.equal(500, get("complete").status)
    assert.equal(0, #back.requests)
  end)

  it("comes with the fields of a no-op backend, if its reply is the only one", function()
    local back = kit.upstream()
    back:on("GET", "/raw"):reply(404, "no", { ["X-B"] = "1", ["Content-Type"] = "text/x", ["Content-Encoding"] = "br",
      Connection = "X-Hop", ["X-Hop"] = "1" })
    back:on("GET", "/fails"):reply(500)
    back:on("GET", "/empty"):reply(200, {})
    local raw = { host = back.url, url_pattern = "/raw", encoding = "no-op" }
    local function get(second, proxy)
      local backend = { raw, second and { host = back.url, url_pattern = second } or nil }
      return gateway_of({ { endpoint = "/a", backend = backend, extra_config = { proxy = proxy } } }):get("/a")
    end
    local function fields(response)
      return { response:field("X-B"), response:field("Content-Type"), response:field("Content-Encoding"),
        response:field("X-Hop") }
    end
    local static = { data = { kept = "more than the two bytes of the backend" } }
    for _, second in ipairs({ false, "/fails" }) do
      for _, sequential in ipairs({ false, true }) do
        local response = get(second, { static = static, sequential = sequential })
        assert.equal(200, response.status)
        assert.same(static.data, response:json())
        assert.same({ "1", "text/x" }, fields(response))
      end
    end
    local own = { nil, "application/json; charset=utf-8" }
    assert.same(own, fields(get("/empty", { static = static })))
    assert.same(own, fields(get(false, { static = { data = {} } })))
  end)

  it("is laid once: what a plugin outside of it makes of it stays", function()
    local back = kit.upstream()
    back:on("*", "*"):reply(200, { id = 1 })
    local gateway = kit.gateway({
      plugin = { folder = script.folder({ ["a.lua"] = script.source([[
        function plugin:merged(exchange) exchange:response():data().added = nil end
      ]], { namespace = "validation/cel" }) }) },
      endpoints = { { endpoint = "/a", backend = { { host = back.url, url_pattern = "/a" } },
        extra_config = { ["validation/cel"] = {}, proxy = { static = { data = { added = 1, kept = 2 } } } } } },
    })
    assert.same({ id = 1, kept = 2 }, gateway:get("/a"):json())
  end)

  it("is shared by requests and not changed by them", function()
    local back = kit.upstream()
    back:on("*", "*"):reply(200, { id = 1 })
    local gateway = gateway_of({ { endpoint = "/a", backend = { { host = back.url, url_pattern = "/a" } },
      extra_config = { proxy = { static = { data = { kept = { 1, 2 } } } } } } })
    for _ = 1, 3 do assert.same({ id = 1, kept = { 1, 2 } }, gateway:get("/a"):json()) end
  end)
end)

describe("a gateway that drains", function()
  it("finishes what is in flight, closes what is idle, then says so", function()
    local back = kit.upstream()
    back:on("*", "*"):reply(200, { ok = true }):after("1s")
    local gateway = gateway_of({ { endpoint = "/a", timeout = "5s",
      backend = { { host = back.url, url_pattern = "/a" } } } })
    local idle, busy = gateway:connect(), gateway:connect()
    busy:request({ path = "/a" })
    kit.advance("100ms")
    gateway:drain()
    assert.is_true(idle:wait_closed("1s"))
    assert.is_false(gateway:is_drained())
    assert.equal(200, busy:receive().status)
    assert.is_true(busy:wait_closed("1s"))
    assert.is_true(kit.wait(function() return gateway:is_drained() end, "1s"))
  end)
end)

describe("OPTIONS *", function()
  it("is answered for the whole server", function()
    local gateway = gateway_of({})
    local response = gateway:connect():send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"):receive()
    assert.equal(200, response.status)
    assert.equal("", response.body)
  end)
end)

describe("/__health", function()
  it("tells the time as Go writes it", function()
    local gateway = gateway_of({})
    kit.advance("1500ms")
    local now = gateway:get("/__health"):json().now
    assert.matches("^%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d[.%d]* [+-]%d%d%d%d %S+ m=%+1%.5%d%d%d%d%d%d%d%d$", now)
  end)
end)
