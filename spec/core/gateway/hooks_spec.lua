--- Hooks that wait, while time runs out, clients leave and backends hang up.
local kit = require("kit")
local script = require("spec.support.script")

local MiB = 1024 * 1024

local function count(gateway, pattern)
  local n = 0
  for _, line in ipairs(gateway:log()) do
    if line:find(pattern) then n = n + 1 end
  end
  return n
end

--- Exchanges that do not end within a second, though nobody waits for them.
local function in_flight(gateway)
  kit.wait(function() return (gateway:counts()) == 0 end, "1s")
  return (gateway:counts())
end

--- The one route of the upstream, anew.
local function instead(back)
  back.routes = {}
  return back:on("GET", "/u")
end

local tell = [[
  function plugin:call(call) if self.config.call then self.runtime.sleep(self.config.call) end end
  function plugin:reply(call)
    self.runtime.log.info("replied")
    if self.config.reply then self.runtime.sleep(self.config.reply) end
    self.runtime.log.info("went on")
  end
]]

describe("reply hooks", function()
  after_each(script.clean)

  local function start(settings, backend, endpoint)
    return script.gateway(tell, { scope = "backend", settings = settings, backend = backend, endpoint = endpoint })
  end

  it("run once for a reply, whatever it is", function()
    for _, status in ipairs({ 200, 404, 500 }) do
      local gateway = script.gateway(tell, { scope = "backend", status = status })
      gateway:get("/x/1")
      assert.equal(1, count(gateway, "replied"), status)
    end
  end)

  it("run once when the backend hangs up", function()
    local gateway, back = start({})
    instead(back):hang_up()
    gateway:get("/x/1")
    assert.equal(1, count(gateway, "replied"))
  end)

  it("run once when the time is over", function()
    local gateway, back = start({}, nil, { timeout = "1s" })
    back.routes[1].answers[1].delay = 5
    assert.equal(500, gateway:get("/x/1").status)
    assert.equal(1, count(gateway, "replied"))
    assert.equal(0, in_flight(gateway))
  end)

  it("run once when the client goes away", function()
    local gateway, back = start({}, nil, { timeout = "10s" })
    back.routes[1].answers[1].delay = 5
    local client = gateway:connect():request({ path = "/x/1" })
    assert.is_true(kit.wait(function() return #back.requests == 1 end))
    client:close()
    kit.advance("200ms")
    assert.equal(0, in_flight(gateway))
    assert.equal(1, count(gateway, "replied"))
  end)

  it("are not asked about a call that a waiting call hook never let through", function()
    local gateway, back = start({ call = 5 }, nil, { timeout = "1s" })
    assert.equal(500, gateway:get("/x/1").status)
    assert.equal(0, #back.requests)
    assert.equal(0, count(gateway, "replied"))
    kit.advance("10s")
    assert.equal(0, in_flight(gateway))
  end)

  it("that wait are dropped when the time is over", function()
    local gateway = start({ reply = 5 }, nil, { timeout = "1s" })
    assert.equal(500, gateway:get("/x/1").status)
    kit.advance("10s")
    assert.equal(1, count(gateway, "replied"))
    assert.equal(0, count(gateway, "went on"))
  end)

  it("that wait are dropped when the client goes away", function()
    local gateway = start({ reply = 5 }, nil, { timeout = "20s" })
    local client = gateway:connect():request({ path = "/x/1" })
    assert.is_true(kit.wait(function() return count(gateway, "replied") == 1 end))
    client:close()
    kit.advance("10s")
    assert.equal(0, count(gateway, "went on"))
    assert.equal(0, in_flight(gateway))
  end)

  it("do not wait any more when the time was over before they began", function()
    local gateway, back = start({ reply = 60 }, nil, { timeout = "1s" })
    instead(back):silence()
    local began = kit.now()
    assert.equal(500, gateway:get("/x/1").status)
    assert.is_true(kit.now() - began < 1.1)
    assert.equal(1, count(gateway, "replied"))
    assert.truthy(gateway:logged("runtime.sleep cannot be called: the call was cut", true))
    assert.truthy(gateway:logged("[ENDPOINT: /x/:id] context deadline exceeded", true))
  end)

  --- Two layers of one backend: the inner one waits as it is told, the outer one tells what it sees.
  local function start_layers()
    local outer = [[
      function plugin:reply(call) self.runtime.log.info("outer saw %s %s", call:failure() or "no failure",
        tostring(select(2, call:failure()))) end
    ]]
    local back = kit.upstream()
    back:on("GET", "/u"):reply(200, { a = 1 })
    local gateway = kit.gateway({
      plugin = { folder = script.folder({
        ["outer.lua"] = script.source(outer, { scope = "backend", namespace = "team/a" }),
        ["inner.lua"] = script.source(tell, { scope = "backend", namespace = "team/b" }),
      }) },
      endpoints = { { endpoint = "/x", timeout = "1s", backend = { { host = back.url, url_pattern = "/u",
        extra_config = { ["team/a"] = {}, ["team/b"] = { reply = 60 } } } } } },
    })
    return gateway, back
  end

  it("run once each, also outside of one that is dropped while it waits", function()
    local gateway = start_layers()
    assert.equal(500, gateway:get("/x").status)
    assert.equal(1, count(gateway, "replied"))
    assert.equal(0, count(gateway, "went on"))
    assert.equal(1, count(gateway, "outer saw context deadline exceeded false"))
    assert.equal(1, count(gateway, "outer saw"))
    assert.equal(0, in_flight(gateway))
  end)

  it("run once each when the client leaves one that waits", function()
    local gateway = start_layers()
    local client = gateway:connect():request({ path = "/x" })
    assert.is_true(kit.wait(function() return count(gateway, "replied") == 1 end))
    client:close()
    assert.equal(0, in_flight(gateway))
    assert.equal(1, count(gateway, "outer saw context canceled true"))
    assert.equal(1, count(gateway, "outer saw"))
  end)

  it("that were dropped do not go on while the answer waits for a later hook", function()
    local back = kit.upstream()
    back:on("GET", "/u"):reply(200, { a = 1 })
    local later = "function plugin:response() self.runtime.sleep(5) end"
    local gateway = kit.gateway({
      plugin = { folder = script.folder({
        ["tell.lua"] = script.source(tell, { scope = "backend", namespace = "team/tell" }),
        ["later.lua"] = script.source(later, { namespace = "team/later" }),
      }) },
      endpoints = { { endpoint = "/x", timeout = "1s", extra_config = { ["team/later"] = {} }, backend = {
        { host = back.url, url_pattern = "/u", extra_config = { ["team/tell"] = { reply = 3 } } } } } },
    })
    local began = kit.now()
    assert.equal(500, gateway:get("/x").status)
    assert.is_true(kit.now() - began >= 6)
    assert.equal(1, count(gateway, "replied"))
    assert.equal(0, count(gateway, "went on"))
  end)

  it("cannot wait when the client has gone", function()
    local gateway, back = start({ reply = 60 }, nil, { timeout = "10s" })
    instead(back):silence()
    local client = gateway:connect():request({ path = "/x/1" })
    assert.is_true(kit.wait(function() return #back.requests == 1 end))
    client:close()
    assert.equal(0, in_flight(gateway))
    assert.truthy(gateway:logged("runtime.sleep cannot be called: the client has gone", true))
  end)

  it("that fail the reply end a stream at once, though the answer still waits for a later hook", function()
    local back = kit.upstream()
    back:on("GET", "/u"):raw("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 100\r\n\r\npart", true)
    local gateway = kit.gateway({
      plugin = { folder = script.folder({
        ["refuse.lua"] = script.source("function plugin:reply(call) return call:fail('no') end",
          { scope = "backend", namespace = "team/refuse" }),
        ["later.lua"] = script.source("function plugin:response() self.runtime.sleep(5) end",
          { namespace = "team/later" }),
      }) },
      endpoints = { { endpoint = "/x", output_encoding = "no-op", timeout = "30s",
        extra_config = { ["team/later"] = {} },
        backend = { { host = back.url, url_pattern = "/u", extra_config = { ["team/refuse"] = {} } } } } },
    })
    local client = gateway:connect():request({ path = "/x" })
    assert.is_true(kit.wait(function() return back.socks[1] ~= nil end, "1s"))
    assert.is_true(kit.wait(function() return not back.socks[1]:is_open() end, "1s"))
    assert.equal(500, client:receive(nil, "10s").status)
  end)

  it("may hold up a stream: nothing of it is lost", function()
    local gateway, back = start({ reply = 1 }, nil, { output_encoding = "no-op", timeout = "10s" })
    local content = ("0123456789"):rep(100000)
    back.routes[1].answers[1].content = content
    local response = gateway:get("/x/1")
    assert.equal(200, response.status)
    assert.is_true(response.body == content)
    back.routes[1].answers[1].content = "short"
    assert.equal("short", gateway:get("/x/1").body)
  end)

  it("that hold up a stream see the backend hang up as a failure", function()
    local gateway, back = start({ reply = 1 }, nil, { output_encoding = "no-op", timeout = "10s" })
    instead(back):raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
    local response = gateway:get("/x/1")
    assert.is_true(response.status == 500 or response.error == "closed")
    assert.equal(1, count(gateway, "replied"))
    assert.equal(0, in_flight(gateway))
  end)
end)

describe("a hook of the endpoint that waits", function()
  after_each(script.clean)

  it("in the proxy phase is dropped when the endpoint's time is over", function()
    local gateway, back = script.gateway("function plugin:proxy() self.runtime.sleep(5) end",
      { endpoint = { timeout = "1s" } })
    local began = kit.now()
    local response = gateway:get("/x/1")
    assert.equal(500, response.status)
    assert.equal("false", response:field("x-krakend-completed"))
    assert.is_true(kit.now() - began < 1.1)
    kit.advance("10s")
    assert.equal(0, #back.requests)
  end)

  it("in the proxy phase does not go on while a later one waits for the answer", function()
    local gateway = script.gateway([[
      function plugin:proxy() self.runtime.sleep(2) self.runtime.log.info("went on") end
      function plugin:response() self.runtime.sleep(5) end
    ]], { endpoint = { timeout = "1s" } })
    local began = kit.now()
    assert.equal(500, gateway:get("/x/1").status)
    assert.is_true(kit.now() - began >= 6)
    assert.equal(0, count(gateway, "went on"))
  end)

  it("in the response phase does not lengthen the time of a stream", function()
    local gateway, back = script.gateway("function plugin:response() self.runtime.sleep(5) end",
      { endpoint = { timeout = "1s", output_encoding = "no-op" } })
    back.routes[1].answers[1].content = ("x"):rep(1000000)
    local response = gateway:get("/x/1")
    assert.truthy(response.error or #response.body < 1000000)
    assert.truthy(gateway:logged("was cut after .* context deadline exceeded"))
    assert.equal(0, in_flight(gateway))
  end)

  it("in any phase is dropped when the client goes away", function()
    for _, phase in ipairs({ "request", "proxy", "merged", "response" }) do
      local gateway = script.gateway(([[
        function plugin:%s() self.runtime.log.info("waits") self.runtime.sleep(5) self.runtime.log.info("went on") end
      ]]):format(phase), { endpoint = { timeout = "30s" } })
      local client = gateway:connect():request({ path = "/x/1" })
      assert.is_true(kit.wait(function() return count(gateway, "waits") == 1 end), phase)
      client:close()
      kit.advance("10s")
      assert.equal(0, count(gateway, "went on"), phase)
      assert.equal(0, in_flight(gateway), phase)
      assert.is_truthy(gateway:logged("^%[GIN%] .* | 500 |"), phase)
    end
  end)

  it("holds up a stream whose content comes long after its head, which has no type", function()
    for phase, scope in pairs({ reply = "backend", merged = "endpoint", response = "endpoint" }) do
      local gateway, back = script.gateway(("function plugin:%s() self.runtime.sleep(1) end"):format(phase),
        { scope = scope, endpoint = { output_encoding = "no-op", timeout = "10s" } })
      instead(back):raw("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", true)
      local client = gateway:connect():request({ path = "/x/1" })
      kit.advance("2s")
      back.socks[1]:write("late")
      local response = client:receive(nil, "1s")
      assert.equal("late", response and response.body, phase)
    end
  end)

  it("in the response phase holds up a stream without losing any of it", function()
    local content = ("0123456789"):rep(100000)
    local gateway = script.gateway("function plugin:response() self.runtime.sleep(1) end",
      { reply = content, endpoint = { output_encoding = "no-op", timeout = "10s" } })
    assert.is_true(gateway:get("/x/1").body == content)
  end)
end)

describe("a hook that answers", function()
  after_each(script.clean)

  it("in the merged phase takes the place of a stream, which ends", function()
    local gateway, back = script.gateway("function plugin:merged() return { status = 203, body = 'mine' } end",
      { endpoint = { output_encoding = "no-op" } })
    instead(back):raw("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 100\r\n\r\npart", true)
    local response = gateway:get("/x/1")
    assert.equal(203, response.status)
    assert.equal("mine", response.body)
    assert.is_true(kit.wait(function() return not back.socks[1]:is_open() end, "1s"))
  end)

  it("in the place of a stream ends that, however slowly the client takes the answer", function()
    local answer = ("answer"):rep(MiB)
    local gateway, back = script.gateway([[
      function plugin:merged() return { status = 203, body = ("answer"):rep(1024 * 1024) } end
    ]], { endpoint = { output_encoding = "no-op", timeout = "2s" } })
    instead(back):raw("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 100\r\n\r\npart", true)
    local client = gateway:connect():request({ path = "/x/1" })
    client.sock:pause(true)
    assert.is_true(kit.wait(function() return back.socks[1] ~= nil end, "1s"))
    assert.is_true(kit.wait(function() return not back.socks[1]:is_open() end, "1s"))
    kit.advance("5s") -- the time of a stream is over
    client.sock:pause(false)
    local response = client:receive(nil, "10s")
    assert.equal(203, response.status)
    assert.is_true(response.body == answer)
    assert.is_nil((gateway:logged("was cut after")))
  end)

  it("with an impossible status answers 500", function()
    for _, status in ipairs({ 0, 42, 1000 }) do
      local gateway = script.gateway(("function plugin:request() return { status = %d } end"):format(status))
      assert.equal(500, gateway:get("/x/1").status)
    end
  end)
end)
