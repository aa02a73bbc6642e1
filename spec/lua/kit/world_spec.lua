--- The simulated world: time, chance, names and faults.
local kit = require("kit")
local process = require("spec.support.process")

local function echo_gateway(origin, more)
  local config = {
    host = origin.url,
    endpoints = { {
      endpoint = "/a", output_encoding = "no-op", input_query_strings = { "*" },
      backend = { { url_pattern = "/a", encoding = "no-op" } },
    } },
  }
  for key, value in pairs(more or {}) do config[key] = value end
  return kit.gateway(config)
end

describe("time", function()
  it("stands still unless something waits", function()
    local before = kit.now()
    assert.equal(before, kit.now())
  end)

  it("passes as an answer's delay says, and costs no real time", function()
    local origin = kit.upstream()
    origin:on("GET", "/a"):reply(200, "x"):after("40ms")
    local start = kit.now()
    assert.equal(200, echo_gateway(origin):get("/a").status)
    assert.near(0.040, kit.now() - start, 1e-6)
    origin:on("GET", "/a"):reply(200, "x"):after("1h")
    start = kit.now()
    local real = process.now()
    assert.equal(200, echo_gateway(origin, { timeout = "2h" }):get("/a", { patience = "2h" }).status)
    assert.near(3600, kit.now() - start, 1e-3)
    assert(process.now() - real < 5)
  end)

  it("can be advanced by a day at once, with a gateway in it", function()
    local origin = kit.upstream()
    origin:on("GET", "/a"):reply(200, "x")
    local gateway, start = echo_gateway(origin), kit.now()
    gateway:get("/a")
    local real = process.now()
    kit.advance("24h")
    assert.near(86400, kit.now() - start, 1e-3)
    assert(process.now() - real < 5)
    assert.equal(200, gateway:get("/a").status)
  end)

  it("takes spans as texts, also compound, and as seconds", function()
    for span, seconds in pairs({ ["1h30m"] = 5400, ["1.5s"] = 1.5, ["250ms"] = 0.25, ["2us"] = 2e-6, [3] = 3 }) do
      local start = kit.now()
      kit.advance(span)
      assert.near(seconds, kit.now() - start, 1e-9)
    end
    for _, wrong in ipairs({ "1", "ms", "-1s", "1 s", "" }) do
      assert.has_error(function() kit.advance(wrong) end, "not a span of time: " .. wrong)
    end
  end)

  it("passes in wait until the condition holds, or the span is over", function()
    local rang, start = false, kit.now()
    kit.world():after(5, function() rang = true end)
    assert.is_false(kit.wait(function() return rang end, "2s"))
    assert.is_true(kit.wait(function() return rang end))
    assert.near(5, kit.now() - start, 1e-6)
  end)

  it("calls timers in the order of their times, and none that was cancelled", function()
    local seen = {}
    for _, at in ipairs({ 3, 1, 2 }) do kit.world():after(at, function() seen[#seen + 1] = at end) end
    kit.world():after(1.5, function() seen[#seen + 1] = "cancelled" end):cancel()
    kit.advance("10s")
    assert.same({ 1, 2, 3 }, seen)
  end)

  it("raises what a callback raises, where time was let pass", function()
    kit.world():after(1, function() error("in a timer", 0) end)
    assert.has_error(function() kit.advance("2s") end, "in a timer")
    kit.advance("2s")
  end)
end)

describe("the world of a spec", function()
  local origin
  before_each(function()
    origin = kit.upstream()
    origin:on("GET", "/a"):reply(200, "before")
  end)

  it("has what before_each made in it", function()
    assert.equal("before", echo_gateway(origin):get("/a").body)
  end)

  it("begins anew", function()
    assert.equal(0, #origin.requests)
    assert.equal("192.0.2.2", origin.ip)
  end)

  it("is closed when another begins, with all that is in it", function()
    local old, gateway, start = kit.world(), echo_gateway(origin), kit.now()
    kit.advance("5s")
    kit.seed(2)
    assert.equal(start, kit.now())
    assert.has_error(function() old:now() end)
    assert.has_error(function() gateway:counts() end)
  end)
end)

describe("chance", function()
  local function play(seed)
    kit.seed(seed)
    local origin = kit.upstream()
    origin:on("*", "*"):reply(200, { ok = true }):after("3ms")
    local gateway = kit.gateway({
      host = origin.url,
      endpoints = { { endpoint = "/a/{n}", backend = { { url_pattern = "/a/{n}" }, { url_pattern = "/b/{n}" } } } },
    })
    local requests = {}
    for i = 1, 8 do requests[i] = { path = "/a/" .. i } end
    for _, response in ipairs(gateway:parallel(requests)) do assert.equal(200, response.status) end
    local order = {}
    for i, request in ipairs(origin.requests) do order[i] = request.path end
    return kit.world():trace(), table.concat(order, " "), table.concat(gateway:log(), "\n")
  end

  it("is the seed's: the same seed and steps give the same run, to the last event", function()
    for _, seed in ipairs({ 1, 7, 4711 }) do
      assert.same({ play(seed) }, { play(seed) })
    end
  end)

  it("differs with the seed: what is ready at once runs in another order", function()
    local orders, count = {}, 0
    for seed = 1, 10 do
      local _, order = play(seed)
      if not orders[order] then count = count + 1 end
      orders[order] = true
    end
    assert(count > 1, "ten seeds gave one order")
  end)
end)

describe("a name", function()
  local function gateway_to(host)
    return kit.gateway({ endpoints = { { endpoint = "/a", backend = { { host = host, url_pattern = "/a" } } } } })
  end

  it("leads to the addresses it was given", function()
    local origin = kit.upstream()
    origin:on("GET", "/a"):reply(200, { a = 1 })
    kit.name("users.test", { origin.ip })
    assert.equal(1, gateway_to("http://users.test"):get("/a"):json().a)
    assert.equal("users.test", origin.requests[1].fields:get("host"))
  end)

  it("comes with an upstream that has one", function()
    local origin = kit.upstream({ name = "users.test" })
    origin:on("GET", "/a"):reply(200, { a = 1 })
    assert.equal("http://users.test:80", origin.url)
    assert.equal(200, gateway_to(origin.url):get("/a").status)
  end)

  it("takes as long to find as it was said", function()
    local origin = kit.upstream()
    origin:on("GET", "/a"):reply(200, { a = 1 })
    kit.name("slow.test", { origin.ip }, "300ms")
    local gateway, start = gateway_to("http://slow.test"), kit.now()
    assert.equal(200, gateway:get("/a").status)
    assert.near(0.3, kit.now() - start, 1e-3)
  end)

  it("is no host without addresses, or without an entry", function()
    kit.name("empty.test", {})
    for _, host in ipairs({ "http://empty.test", "http://unknown.test" }) do
      local gateway = gateway_to(host)
      assert.equal(500, gateway:get("/a").status)
      assert.truthy(gateway:logged("no such host"))
    end
  end)
end)

describe("a fault", function()
  local origin, gateway
  before_each(function()
    origin = kit.upstream()
    origin:on("GET", "/a"):reply(200, ("x"):rep(100))
    gateway = echo_gateway(origin, { timeout = "2s" })
  end)

  local function took(path)
    local start = kit.now()
    local response = gateway:get(path)
    return kit.now() - start, response
  end

  it("delays what arrives", function()
    origin:fault({ delay = "100ms" }, { delay = "50ms" })
    local span, response = took("/a")
    assert.near(0.150, span, 1e-3)
    assert.equal(100, #response.body)
  end)

  it("delays connecting", function()
    origin:fault({ connect_delay = "70ms" })
    assert.near(0.070, (took("/a")), 1e-3)
  end)

  it("splits what arrives, and nothing else changes", function()
    for _, size in ipairs({ 1, 3, 64 }) do
      origin:fault({ split = size }, { split = size })
      gateway:fault({ split = size }, { split = size })
      local _, response = took("/a")
      assert.equal(200, response.status)
      assert.equal(("x"):rep(100), response.body)
    end
  end)

  it("stalls after so many bytes: a timeout", function()
    origin:fault(nil, { stall_at = 10 })
    local span, response = took("/a")
    assert.near(2, span, 1e-2)
    assert.equal(500, response.status)
  end)

  it("resets after so many bytes: an error at once", function()
    origin:fault(nil, { reset_at = 10 })
    local span, response = took("/a")
    assert.near(0, span, 1e-2)
    assert.equal(500, response.status)
  end)

  it("cuts a stream that was under way", function()
    origin:fault(nil, { reset_at = 90 })
    local _, response = took("/a")
    assert.equal("closed", response.error)
    assert.equal(200, response.head.status)
  end)

  it("refuses connections", function()
    origin:fault({ refuse = true })
    local span, response = took("/a")
    assert.near(0, span, 1e-3)
    assert.equal(500, response.status)
    assert.truthy(gateway:logged("connection refused", true))
  end)

  it("lets connecting hang", function()
    origin:fault({ hang = true })
    local span, response = took("/a")
    assert.near(2, span, 1e-2)
    assert.equal(500, response.status)
  end)

  it("is of connections made from then on, and ends when it is set anew", function()
    assert.equal(200, gateway:get("/a").status)
    origin:fault({ refuse = true })
    assert.equal(200, gateway:get("/a").status) -- over the connection that is there
    origin:drop_connections()
    kit.advance("1ms")
    assert.equal(500, gateway:get("/a").status)
    origin:fault()
    assert.equal(200, gateway:get("/a").status)
  end)

  it("is of that address alone", function()
    local other = kit.upstream()
    other:on("GET", "/a"):reply(200, "other")
    origin:fault({ refuse = true })
    assert.equal("other", echo_gateway(other):get("/a").body)
  end)
end)
