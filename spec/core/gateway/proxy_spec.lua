--- The calls of an endpoint: shares of its time, who ends whom, what is merged in which order.
local kit = require("kit")

--- That long since the world began.
local function within(from, to)
  local took = kit.now() - 3600
  assert.is_true(took > from - 1e-6 and took <= to, ("took %.3f s"):format(took))
end

local function gateway_of(endpoint)
  endpoint.endpoint = endpoint.endpoint or "/a"
  return kit.gateway({ extra_config = { router = { return_error_msg = true } }, endpoints = { endpoint } })
end

describe("the time of an endpoint", function()
  --- An upstream, and a function that makes a backend of a path on it.
  local function origin()
    local back = kit.upstream()
    back:on("GET", "/fast"):reply(200, { fast = 1 })
    back:on("GET", "/slow"):reply(200, { slow = 1 }):after("5s")
    back:on("GET", "/860"):reply(200, { late = 1 }):after("860ms")
    return back, function(path) return { host = back.url, url_pattern = path } end
  end

  it("is all there for one backend", function()
    local _, backend = origin()
    local gateway = gateway_of({ timeout = "1s", backend = { backend("/slow") } })
    local response = gateway:get("/a")
    within(1, 1.01)
    assert.equal(500, response.status)
    assert.equal("context deadline exceeded", response.body)
    assert.is_truthy(gateway:logged("%[ENDPOINT: /a%] context deadline exceeded"))
  end)

  it("is 85 % for several, and what came by then is the answer", function()
    local _, backend = origin()
    local gateway = gateway_of({ timeout = "1s", backend = { backend("/fast"), backend("/860") } })
    local response = gateway:get("/a")
    within(0.85, 0.86)
    assert.same({ fast = 1 }, response:json())
    assert.equal("false", response:field("x-krakend-completed"))
    assert.is_truthy(gateway:logged("%[ENDPOINT: /a%] Error #0: context deadline exceeded"))
  end)

  it("is 85 % for a whole sequence", function()
    local back, backend = origin()
    local gateway = gateway_of({ timeout = "1s", extra_config = { proxy = { sequential = true } },
      backend = { backend("/fast"), backend("/slow"), backend("/fast") } })
    local response = gateway:get("/a")
    within(0.85, 0.86)
    assert.same({ fast = 1 }, response:json())
    assert.equal(2, #back.requests)
  end)

  it("is 75 % for calls that race", function()
    local back, backend = origin()
    local gateway = gateway_of({ timeout = "1s", concurrent_calls = 3, backend = { backend("/slow") } })
    local response = gateway:get("/a")
    within(0.75, 0.76)
    assert.equal("context deadline exceeded", response.body)
    assert.equal(3, #back.requests)
  end)

  it("is over at once when it is negative", function()
    local back, backend = origin()
    local gateway = gateway_of({ timeout = "-1s", backend = { backend("/fast") } })
    assert.equal("context deadline exceeded", gateway:get("/a").body)
    assert.equal(0, #back.requests)
  end)

  it("covers content of the client that several calls wait for", function()
    local back, backend = origin()
    local gateway = gateway_of({ method = "POST", timeout = "1s", backend = { backend("/fast"), backend("/fast") } })
    local client = gateway:connect():send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    local response = client:receive("POST", "3s")
    within(0.85, 0.86)
    assert.equal(500, response.status)
    assert.equal(0, #back.requests)
  end)
end)

describe("a client that goes away", function()
  it("ends its calls, and is logged", function()
    local back = kit.upstream()
    back:on("GET", "/slow"):reply(200, {}):after("5s")
    local gateway = gateway_of({ timeout = "10s", backend = {
      { host = back.url, url_pattern = "/slow" }, { host = back.url, url_pattern = "/slow" } } })
    local client = gateway:connect():request({ path = "/a" })
    assert.is_true(kit.wait(function() return #back.requests == 2 end))
    client:close()
    assert.is_true(kit.wait(function() return gateway:logged("context canceled") ~= nil end, "1s"))
    kit.advance("100ms")
    for _, sock in ipairs(back.socks) do assert.is_false(sock:is_open()) end
    assert.is_truthy(gateway:logged('^%[GIN%] .* | 500 |.*"/a"'))
  end)

  it("ends the steps to come of a sequence", function()
    local back = kit.upstream()
    back:on("GET", "/slow"):reply(200, {}):after("1s")
    back:on("GET", "/next"):reply(200, {})
    local gateway = gateway_of({ timeout = "10s", extra_config = { proxy = { sequential = true } }, backend = {
      { host = back.url, url_pattern = "/slow" }, { host = back.url, url_pattern = "/next" } } })
    local client = gateway:connect():request({ path = "/a" })
    assert.is_true(kit.wait(function() return #back.requests == 1 end))
    client:close()
    kit.advance("3s")
    assert.equal(1, #back.requests)
  end)
end)

describe("several backends", function()
  it("are merged in the configured order, whoever answers first", function()
    for seed = 1, 4 do
      kit.seed(seed)
      local back = kit.upstream()
      back:on("GET", "/1"):reply(200, { id = 1, one = true }):after(seed % 2 == 0 and "50ms" or "10ms")
      back:on("GET", "/2"):reply(200, { id = 2, two = true }):after("20ms")
      local gateway = gateway_of({ backend = {
        { host = back.url, url_pattern = "/1" }, { host = back.url, url_pattern = "/2" } } })
      assert.same({ id = 2, one = true, two = true }, gateway:get("/a"):json())
    end
  end)

  it("fail with one line each, in the configured order", function()
    local back = kit.upstream()
    back:on("GET", "/1"):reply(404, "x"):after("50ms")
    back:on("GET", "/2"):reply(503, "y")
    local gateway = gateway_of({ backend = {
      { host = back.url, url_pattern = "/1" }, { host = back.url, url_pattern = "/2" } } })
    local response = gateway:get("/a")
    assert.equal(500, response.status)
    assert.equal("invalid status code 404 [GET /1]: " .. back.url .. "/1\n"
      .. "invalid status code 503 [GET /2]: " .. back.url .. "/2", response.body)
    assert.is_truthy(gateway:logged("Error #0: invalid status code 404"))
    assert.is_truthy(gateway:logged("Error #1: invalid status code 503"))
  end)
end)

describe("calls without time", function()
  it("fail, each for itself, and nothing is sent", function()
    local back = kit.upstream()
    back:on("*", "*"):reply(200, { ok = true })
    local backend = { { host = back.url, url_pattern = "/1" }, { host = back.url, url_pattern = "/2" } }
    for _, timeout in ipairs({ "-1s", 3, "10us" }) do -- 3 ns
      local response = gateway_of({ timeout = timeout, backend = backend }):get("/a")
      assert.equal(500, response.status)
      assert.equal("context deadline exceeded\ncontext deadline exceeded", response.body)
      response = gateway_of({ timeout = timeout, backend = { backend[1] }, concurrent_calls = 2 }):get("/a")
      assert.equal("context deadline exceeded", response.body)
      response = gateway_of({ timeout = timeout, backend = { backend[1] }, output_encoding = "no-op" }):get("/a")
      assert.equal("context deadline exceeded", response.body)
    end
    assert.equal(0, #back.requests)
  end)

  it("do not keep a shadow with a time of its own from being called", function()
    local back = kit.upstream()
    back:on("*", "*"):reply(200, {})
    local shadow = { host = back.url, url_pattern = "/shadow",
      extra_config = { proxy = { shadow = true, shadow_timeout = "1s" } } }
    assert.equal(500, gateway_of({ timeout = "-1s", backend = { { host = back.url, url_pattern = "/real" }, shadow } })
      :get("/a").status)
    assert.is_true(kit.wait(function() return #back.requests == 1 end, "1s"))
    assert.equal("/shadow", back.requests[1].path)
  end)
end)

describe("calls that race", function()
  it("end when one is whole", function()
    local back = kit.upstream()
    back:on("GET", "/a"):reply(200, { n = 1 }):after("3s"):then_reply(500):then_reply(200, { n = 3 }):after("100ms")
    local gateway = gateway_of({ timeout = "10s", concurrent_calls = 3,
      backend = { { host = back.url, url_pattern = "/a" } } })
    assert.same({ n = 3 }, gateway:get("/a"):json())
    within(0.1, 0.11)
    kit.advance("10ms")
    local open = 0
    for _, sock in ipairs(back.socks) do open = open + (sock:is_open() and 1 or 0) end
    assert.equal(2, open) -- the slow one is closed, the others are kept
  end)
end)

describe("shadow backends", function()
  it("are called when the client has gone", function()
    local back = kit.upstream()
    back:on("GET", "/real"):reply(200, {}):after("1s")
    back:on("GET", "/shadow"):reply(302, "", { Location = "/moved" }):after("2s")
    back:on("GET", "/moved"):reply(200, {})
    local gateway = gateway_of({ timeout = "5s", backend = {
      { host = back.url, url_pattern = "/real" },
      { host = back.url, url_pattern = "/shadow", extra_config = { proxy = { shadow = true } } } } })
    local client = gateway:connect():request({ path = "/a" })
    assert.is_true(kit.wait(function() return #back.requests == 2 end))
    client:close()
    assert.is_true(kit.wait(function() return #back.requests == 3 end, "3s"))
    assert.equal("/moved", back.requests[3].path)
  end)

  it("that have no time are not called", function()
    local back = kit.upstream()
    back:on("GET", "/real"):reply(200, {})
    back:on("GET", "/shadow"):reply(200, {})
    local backends = { { host = back.url, url_pattern = "/real" } }
    for _, timeout in ipairs({ "0s", "-1s" }) do
      backends[#backends + 1] = { host = back.url, url_pattern = "/shadow",
        extra_config = { proxy = { shadow = true, shadow_timeout = timeout } } }
      assert.equal(200, gateway_of({ backend = backends }):get("/a").status)
      kit.advance("1s")
    end
    for _, request in ipairs(back.requests) do assert.equal("/real", request.path) end
    assert.equal(2, #back.requests)
  end)

  it("do not keep a gateway from being stopped", function()
    local back = kit.upstream()
    back:on("GET", "/real"):reply(200, { ok = true })
    back:on("GET", "/shadow"):silence()
    local gateway = gateway_of({ backend = {
      { host = back.url, url_pattern = "/real" },
      { host = back.url, url_pattern = "/shadow", extra_config = { proxy = { shadow = true } } } } })
    assert.equal(200, gateway:get("/a").status)
    gateway:stop()
    assert.is_true(kit.wait(function() return not back.socks[1]:is_open() end, "1s"))
  end)
end)
