--- Simulated gateways, and the clients that talk to them.
local kit = require("kit")

local function config(origin, more)
  local made = {
    host = origin.url, timeout = "2s",
    endpoints = { { endpoint = "/a", backend = { { url_pattern = "/a" } } } },
  }
  for key, value in pairs(more or {}) do made[key] = value end
  return made
end

describe("a gateway", function()
  local origin
  before_each(function()
    origin = kit.upstream()
    origin:on("GET", "/a"):reply(200, { a = 1 })
  end)

  it("starts from a table, which it leaves as it is", function()
    local given = config(origin)
    assert.equal(200, kit.gateway(given):get("/a").status)
    assert.is_nil(given.version)
  end)

  it("starts from text", function()
    local text = [[{"version": 3, "host": ["%s"],
      "endpoints": [{"endpoint": "/a", "backend": [{"url_pattern": "/a"}]}]}]]
    assert.equal(200, kit.gateway(text:format(origin.url)):get("/a").status)
  end)

  it("does not start from nonsense, and says why", function()
    assert.has_error(function() kit.gateway("{") end)
    assert.matches("nonsense", kit.refusal({ timeout = "nonsense", endpoints = {} }))
    assert.matches("version", kit.refusal({ version = 7 }))
    assert.matches("/a", kit.refusal(config(origin, { endpoints = {
      { endpoint = "/a", backend = { { url_pattern = "/" } } },
      { endpoint = "/a", backend = { { url_pattern = "/" } } },
    } })))
    assert.is_nil(kit.refusal(config(origin)))
  end)

  it("takes variables of the environment, and debug", function()
    local gateway = kit.gateway(config(origin), { environ = { "KRAKEND_PORT=1234" }, debug = true })
    assert.equal(200, gateway:get("/__debug/x").status)
    assert.equal(404, kit.gateway(config(origin)):get("/__debug/x").status)
  end)

  it("sees clients at the addresses that they come from", function()
    local gateway = kit.gateway(config(origin, { endpoints = { {
      endpoint = "/a", backend = { { url_pattern = "/a" } },
      extra_config = { ["qos/ratelimit/router"] = { client_max_rate = 1, strategy = "ip" } },
    } } }))
    local statuses = {}
    for i, from in ipairs({ "198.51.100.1", "198.51.100.1", "198.51.100.2", "2001:db8::1", "198.51.100.2" }) do
      statuses[i] = gateway:get("/a", { from = from }).status
    end
    assert.same({ 200, 429, 200, 200, 429 }, statuses)
    assert.equal(429, gateway:parallel({ { path = "/a", from = "2001:db8::1" } })[1].status)
    assert.truthy(gateway:logged("| +198%.51%.100%.2 |"))
    assert.equal("198.51.100.1", origin.requests[1]:field("x-forwarded-for"))
    assert.has_error(function() gateway:get("/a", { from = "nowhere" }) end)
  end)

  it("finds plugins in folders relative to where the specs run", function()
    local seen = kit.gateway(config(origin, {
      plugin = { folder = "conf/team/plugins" },
      endpoints = { {
        endpoint = "/a", backend = { { url_pattern = "/a" } },
        extra_config = { ["accounts/mask"] = { paths = { "a" } } },
      } },
    })):get("/a")
    assert.equal('{"a":"*"}', seen.body)
  end)

  it("lives beside others in one world, also as their upstream", function()
    local inner = kit.gateway(config(origin))
    local outer = kit.gateway(config({ url = ("http://%s:%d"):format(inner.ip, inner.port) }))
    assert.equal(1, outer:get("/a"):json().a)
    assert.equal(1, #origin.requests)
  end)

  it("writes a log that can be read", function()
    local gateway = kit.gateway(config(origin))
    gateway:get("/a")
    gateway:get("/nowhere")
    assert.truthy(gateway:logged("200 .*/a"))
    assert.truthy(gateway:logged("| 404 |", true))
    assert.is_nil(gateway:logged("| 599 |", true))
    assert.equal(gateway:log()[#gateway:log()], gateway:logged("404"))
  end)

  it("counts what is in flight, and its connections", function()
    origin:on("GET", "/a"):reply(200, { a = 1 }):after("1s")
    local gateway = kit.gateway(config(origin))
    local connection = gateway:connect():request({ path = "/a" })
    kit.advance("100ms")
    assert.same({ 1, 1, 0 }, { gateway:counts() })
    assert.equal(200, connection:receive().status)
    assert.same({ 0, 1, 1 }, { gateway:counts() })
    connection:close()
    kit.advance("100ms")
    assert.same({ 0, 0, 1 }, { gateway:counts() })
  end)

  it("drains: what is in flight is finished, nothing new is taken", function()
    origin:on("GET", "/a"):reply(200, { a = 1 }):after("1s")
    local gateway = kit.gateway(config(origin))
    local connection = gateway:connect():request({ path = "/a" })
    kit.advance("100ms")
    gateway:drain()
    assert.is_false(gateway:is_drained())
    local late = gateway:connect()
    assert.equal(200, connection:receive().status)
    assert.is_true(kit.wait(function() return gateway:is_drained() end, "5s"))
    assert.is_true(late:wait_closed("1s"))
    gateway:drain() -- once more does no harm
  end)

  it("stops at once", function()
    local gateway = kit.gateway(config(origin))
    local connection = gateway:connect()
    kit.advance("1ms")
    gateway:stop()
    gateway:stop()
    assert.is_true(connection:wait_closed("1s"))
  end)
end)

describe("a request", function()
  local origin, gateway
  before_each(function()
    origin = kit.upstream()
    local endpoints = {}
    for i, method in ipairs({ "GET", "POST", "PUT", "PATCH", "DELETE" }) do
      endpoints[i] = {
        endpoint = "/a", method = method, output_encoding = "no-op", input_headers = { "*" },
        backend = { { url_pattern = "/a", encoding = "no-op" } },
      }
    end
    origin:on("*", "/a"):call(function(request) return 200, request.method .. " " .. request.body end)
    gateway = kit.gateway({ host = origin.url, timeout = "5m", endpoints = endpoints })
  end)

  it("is of any method, with or without a body", function()
    for _, method in ipairs({ "get", "post", "put", "patch", "delete" }) do
      assert.equal(method:upper() .. " ", gateway[method](gateway, "/a").body)
      assert.equal(method:upper() .. " text", gateway[method](gateway, "/a", { body = "text" }).body)
    end
    assert.equal('POST {"n":[]}', gateway:post("/a", { body = { n = kit.array() } }).body)
  end)

  it("has the fields it is given, and a host", function()
    gateway:get("/a", { fields = { ["X-Many"] = { "1", "2" }, ["X-One"] = 3 } })
    gateway:get("/a", { fields = { { "X-B", "b" }, { "X-A", "a" } } })
    local first, second = origin.requests[1].fields, origin.requests[2].fields
    assert.same({ { "1", "2" }, { "3" } }, { first:all("x-many"), first:all("X-One") })
    assert.equal("gateway.test", first:get("x-forwarded-host"))
    assert.same({ "b", "a" }, { second:get("x-b"), second:get("x-a") })
  end)

  it("runs beside others; each has its own answer", function()
    origin:on("*", "/a"):call(function(request) return 200, request.fields:get("x-n") end):after("1s")
    local requests, start = {}, kit.now()
    for i = 1, 20 do requests[i] = { path = "/a", fields = { ["X-N"] = i } } end
    for i, response in ipairs(gateway:parallel(requests)) do assert.equal(tostring(i), response.body) end
    assert.near(1, kit.now() - start, 1e-3)
  end)

  it("raises when nothing is answered for as long as it waits", function()
    origin:on("GET", "/a"):silence()
    assert.has_error(function() gateway:get("/a", { patience = "3s" }) end, "no answer to GET /a within 3s")
    assert.has_error(function() gateway:parallel({ { path = "/a" } }) end, "no answer to GET /a within 60s")
  end)

  it("raises when what should be JSON is none", function()
    assert.has_error(function() gateway:get("/a"):json() end, "JSON: unexpected character at byte 1: GET ")
  end)
end)

describe("a connection", function()
  local origin, gateway
  before_each(function()
    origin = kit.upstream()
    origin:on("GET", "/a"):reply(200, "one"):then_reply(200, "two")
    gateway = kit.gateway({ host = origin.url, endpoints = { {
      endpoint = "/a", output_encoding = "no-op", backend = { { url_pattern = "/a", encoding = "no-op" } },
    } } })
  end)

  it("carries several requests, one after the other or pipelined", function()
    local connection = gateway:connect()
    assert.equal("one", connection:request({ path = "/a" }):receive().body)
    connection:request({ path = "/a" }):request({ path = "/nowhere" })
    assert.equal("two", connection:receive().body)
    assert.equal(404, connection:receive().status)
    assert.equal(2, origin.requests and #origin.requests)
  end)

  it("carries bytes in pieces", function()
    local connection = gateway:connect():send("GET /a HTTP/1.1\r\nHo")
    assert.is_nil(connection:receive("GET", "1s"))
    assert.equal(200, connection:send("st: a\r\n\r\n"):receive().status)
  end)

  it("writes the framing that a spec asks for, and no other", function()
    origin:on("POST", "/a"):reply(200, {})
    local posting = kit.gateway({ host = origin.url, endpoints = { {
      endpoint = "/a", method = "POST", backend = { { url_pattern = "/a" } },
    } } })
    posting:connect():request({ method = "POST", path = "/a", body = "1234", fields = { ["Content-Length"] = 2 } })
    kit.wait(function() return #origin.requests == 1 end, "1s")
    local chunked = { fields = { ["Transfer-Encoding"] = "chunked" }, body = "3\r\nabc\r\n0\r\n\r\n" }
    assert.equal(200, posting:post("/a", chunked).status)
    assert.same({ "12", "abc" }, { origin.requests[1].body, origin.requests[2].body })
  end)

  it("reads content up to the end of the connection where nothing else bounds it", function()
    origin:on("GET", "/a"):raw("HTTP/1.1 200 OK\r\n\r\nto the end")
    local connection = require("kit.client").new(kit.world(), origin.ip, origin.port)
    assert.equal("to the end", connection:request({ path = "/a" }):receive().body)
  end)

  it("tells what came when it ended too early", function()
    origin:on("GET", "/a"):raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-A: 1\r\n\r\nhalf")
    local response = gateway:connect():request({ path = "/a" }):receive()
    assert.equal("closed", response.error)
    assert.equal("half", response.head.partial)
    assert.equal("1", response.head:field("x-a"))
  end)

  it("counts the interim responses that it passed over", function()
    origin:on("POST", "/a"):reply(200, {})
    local connection = kit.gateway({ host = origin.url, endpoints = { {
      endpoint = "/a", method = "POST", backend = { { url_pattern = "/a" } },
    } } }):connect()
    connection:send("POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    assert.is_true(kit.wait(function() return connection:take("POST") == nil and connection.interim == 1 end, "1s"))
    assert.equal(200, connection:send("x"):receive("POST").status)
  end)

  it("may end its side and still read", function()
    local connection = gateway:connect():request({ path = "/a" })
    connection:finish()
    assert.equal("one", connection:receive().body)
    assert.is_true(connection:wait_closed("10s"))
  end)

  it("is gone for the gateway when it is reset", function()
    local connection = gateway:connect():request({ path = "/a" })
    connection:receive()
    connection:reset()
    kit.advance("1ms")
    assert.equal(0, (select(2, gateway:counts())))
  end)

  it("can be slow to read", function()
    origin:on("GET", "/a"):reply(200, ("x"):rep(1000000))
    gateway:fault(nil, { window = 1000, delay = "1ms" })
    local response = gateway:connect():request({ path = "/a" }):receive()
    assert.equal(1000000, #response.body)
  end)
end)
