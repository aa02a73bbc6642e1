local kit = require("kit")
local script = require("spec.support.script")

describe("call", function()
  after_each(script.clean)

  local function gateway_with(body, options)
    options = options or {}
    options.scope = "backend"
    return script.gateway(body, options)
  end

  it("is one upstream request, and may be changed", function()
    local gateway, upstream = gateway_with([[
      function plugin:call(call)
        call:set_field("X-Was", call:method() .. " " .. call:url():gsub("^http://[^/]+", "") .. " " .. call:backend())
        call:set_field("X-Client", call:exchange():field("X-Mine"))
        call:set_url(call:url():gsub("/u$", "/v?x=1"))
      end
    ]])
    upstream:on("GET", "/v"):reply(200, { v = 1 })
    assert.equal(1, gateway:get("/x/1", { fields = { ["X-Mine"] = "m" } }):json().v)
    local seen = upstream.requests[1]
    assert.equal("GET /u /u", seen.fields:get("X-Was"))
    assert.equal("m", seen.fields:get("X-Client"))
    assert.equal("/v?x=1", seen.target)
  end)

  it("is answered in the backend's place: the content is decoded as the backend's", function()
    local gateway, upstream = gateway_with([[
      function plugin:call() return { status = 200, body = '{"mine": 1.10}' } end
    ]])
    assert.equal('{"mine": 1.10}', gateway:get("/x/1").body)
    assert.equal(0, #upstream.requests)
  end)

  it("fails with a text; the endpoint's rules make the answer", function()
    local gateway, upstream = gateway_with('function plugin:call(call) return call:fail("not today") end')
    local response = gateway:get("/x/1")
    assert.equal(500, response.status)
    assert.equal("false", response:field("X-Krakend-Completed"))
    assert.equal(0, #upstream.requests)
    assert.truthy(gateway:logged("%[ENDPOINT: /x/:id%] not today"))
  end)

  it("has its reply seen once, whatever came of it", function()
    for _, case in ipairs({
      { status = 200, seen = "nil nil 200" }, { status = 404, seen = "invalid status code 404.* false 404" },
    }) do
      local gateway = gateway_with([[
        function plugin:reply(call)
          local failure, cancelled = call:failure()
          local response = call:response()
          self.runtime.log.info("seen %s %s %s", tostring(failure), tostring(cancelled),
            tostring(response and response:status()))
        end
      ]], { status = case.status })
      gateway:get("/x/1")
      local count = 0
      for _, line in ipairs(gateway:log()) do
        if line:find("seen") then
          count = count + 1
          assert.matches("seen " .. case.seen, line)
        end
      end
      assert.equal(1, count)
    end
  end)

  it("is the same value in call and reply", function()
    local gateway = gateway_with([[
      function plugin:call(call) self.mine = call end
      function plugin:reply(call) call:response():data().same = self.mine == call end
    ]])
    assert.is_true(gateway:get("/x/1"):json().same)
  end)

  it("may be failed by its reply; plugins outside of that one see it failed", function()
    local gateway = gateway_with([[
      function plugin:reply(call) return call:fail("I do not like it") end
    ]], { backend = { extra_config = {
      ["spec/plugin"] = {}, ["qos/circuit-breaker"] = { max_errors = 0, timeout = 60 },
    } } })
    assert.equal(500, gateway:get("/x/1").status)
    assert.truthy(gateway:logged("I do not like it"))
  end)

  it("fails when a plugin of the backend fails, and the breaker does not miss it", function()
    local gateway = gateway_with('function plugin:reply() error("oops") end')
    local response = gateway:get("/x/1")
    assert.equal(500, response.status)
    assert.truthy(gateway:logged("[BACKEND: /u] plugin spec_plugin, reply phase: ", true))
  end)

  it("fails too where call:fail is called, but what it gives is not returned", function()
    for _, phase in ipairs({ "call", "reply" }) do
      local gateway = gateway_with(("function plugin:%s(call) call:fail('not for you') end"):format(phase))
      assert.equal(500, gateway:get("/x/1").status)
      assert.truthy(gateway:logged("spec_plugin.lua:2: called call:fail without returning what it gives: " ..
        "`return call:fail(text)`", true))
    end
  end)

  it("is not failed by what call:fail gave for another one", function()
    local gateway = gateway_with([[
      function plugin:call(call)
        self.given = self.given or call:fail("only me")
        return self.given
      end
    ]])
    for _ = 1, 2 do assert.equal(500, gateway:get("/x/1").status) end
    assert.truthy(gateway:logged("only me"))
    assert.truthy(gateway:logged("returned a userdata (expected nothing, an answer or call:fail)", true))
  end)

  it("is edited in its own phases, not in those of another call", function()
    local gateway = gateway_with([[
      local kept
      function plugin:call(call)
        if not kept then
          kept = call
          self.runtime.sleep(1)
          return
        end
        for _, name in ipairs({ "set_url", "set_field", "set_body", "set_method", "fail" }) do
          local _, told = pcall(kept[name], kept, "x", "y")
          self.runtime.log.info("told: %s", told)
        end
      end
    ]])
    gateway:parallel({ { path = "/x/1" }, { path = "/x/2" } })
    for _, name in ipairs({ "set_url", "set_field", "set_body", "set_method", "fail" }) do
      assert.truthy(gateway:logged(("told: call:%s cannot be called on another call"):format(name), true))
    end
  end)

  it("tells failures of other phases' functions", function()
    local gateway = gateway_with('function plugin:call(call) call:response() end')
    assert.equal(500, gateway:get("/x/1").status)
    assert.truthy(gateway:logged("call:response cannot be called in the call phase %(only in: reply%)"))
  end)

  it("does not win over its siblings when it failed, whatever is said of its reply", function()
    local gateway, upstream = gateway_with([[
      function plugin:reply(call) call:response():set_complete(true) end
    ]], { status = 500, endpoint = { concurrent_calls = 2 } })
    upstream.routes = {}
    upstream:on("GET", "/u"):reply(500):then_reply(200, { id = 2 })
    assert.equal('{"id":2}', gateway:get("/x/1").body)
  end)

  it("is given data of its reply that can be merged, nothing else", function()
    local gateway = gateway_with([[
      function plugin:reply(call)
        local values = { object = { a = 1 }, null = self.runtime.json.null, number = 5, array = { 1 } }
        call:response():set_data(values[call:exchange():query("v")])
      end
    ]])
    assert.equal('{"a":1}', gateway:get("/x/1?v=object").body)
    assert.equal("null", gateway:get("/x/1?v=null").body)
    assert.equal(500, gateway:get("/x/1?v=number").status)
    assert.equal(500, gateway:get("/x/1?v=array").status)
    assert.truthy(gateway:logged("a reply's data is an object or null, not array"))
  end)

  it("says that it has no content where its new method wants to know", function()
    local gateway, upstream = gateway_with([[
      function plugin:call(call) call:set_method(call:exchange():query("m")) end
    ]])
    upstream:on("*", "*"):reply(200, {})
    for method, length in pairs({ POST = "0", DELETE = false }) do
      gateway:get("/x/1?m=" .. method)
      local seen = upstream.requests[#upstream.requests]
      assert.equal(method, seen.method)
      assert.equal(length or nil, seen.fields:get("Content-Length"))
    end
  end)

  it("goes to its host under the name that a plugin gives it, but not to where that redirects to", function()
    local gateway, upstream = gateway_with('function plugin:call(call) call:set_field("host", "shop.test:81") end')
    gateway:get("/x/1")
    assert.same({ "shop.test:81" }, upstream.requests[1].fields:all("Host"))
    local other = kit.upstream()
    other:on("GET", "/there"):reply(200, {})
    upstream.routes[1].answers[1] = { status = 302, fields = { { "Location", other.url .. "/there" } } }
    assert.equal(200, gateway:get("/x/1").status)
    assert.same({ other.ip .. ":80" }, other.requests[1].fields:all("Host"))
  end)

  it("has a host that is one, set where it reaches backends", function()
    for _, value in ipairs({ "a b", "a/b", "user@a", "a:b" }) do
      local gateway = gateway_with(("function plugin:call(call) call:set_field('Host', %q) end"):format(value))
      assert.equal(500, gateway:get("/x/1").status, value)
      assert.truthy(gateway:logged("not a host", true), value)
    end
    local gateway, upstream = script.gateway("function plugin:proxy(exchange) exchange:set_field('Host', 'a.test') end")
    gateway:get("/x/1")
    assert.same({ "a.test" }, upstream.requests[1].fields:all("Host"))
    gateway = script.gateway("function plugin:request(exchange) exchange:set_field('Host', 'a.test') end")
    assert.equal(500, gateway:get("/x/1").status)
    assert.truthy(gateway:logged("Host is the client's here: set it in the proxy or call phase", true))
    gateway, upstream = script.gateway("function plugin:request(exchange) exchange:set_field('Host', nil) end")
    gateway:request({ path = "/x/1", host = "client.test" }) -- input_headers: "*"
    assert.same({ upstream.ip .. ":80" }, upstream.requests[1].fields:all("Host"))
  end)

  it("has no body where the content streams through", function()
    local gateway, upstream = gateway_with([[
      function plugin:call(call) call:set_field("X-Body", tostring(call:body())) end
    ]], { method = "POST" })
    gateway:post("/x/1", { body = "abc" })
    assert.equal("nil", upstream.requests[1].fields:get("X-Body"))
    assert.equal("abc", upstream.requests[1].body)
  end)

  it("reads and replaces the content of a no-op reply where the plugin says that it wants to", function()
    local gateway = gateway_with([[
      function plugin:reply(call)
        local response = call:response()
        response:set_body(response:body():upper())
        response:set_field("X-Seen", "yes")
        response:set_status(201)
      end
    ]], {
      extra = "reads_content = true", reply = "hello", endpoint = { output_encoding = "no-op" },
    })
    local response = gateway:get("/x/1")
    assert.equal("HELLO", response.body)
    assert.equal("yes", response:field("X-Seen"))
    assert.equal(201, response.status)
  end)
end)
