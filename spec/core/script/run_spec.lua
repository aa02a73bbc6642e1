local kit = require("kit")
local script = require("spec.support.script")

describe("a phase that waits", function()
  after_each(script.clean)

  it("sleeps without holding up anybody", function()
    local gateway = script.gateway([[
      function plugin:request(exchange)
        if exchange:query("slow") then self.runtime.sleep(1.5) end
        return { status = 200, body = tostring(self.runtime.now()) }
      end
    ]])
    local slow, fast = unpack(gateway:parallel({
      { method = "GET", path = "/x/1?slow=1" }, { method = "GET", path = "/x/1" },
    }))
    assert.is_true(tonumber(slow.body) - tonumber(fast.body) >= 1.5)
    assert.is_true(tonumber(slow.body) - tonumber(fast.body) < 1.6)
  end)

  it("waits in every phase but log, also within pcall", function()
    local gateway = script.gateway([[
      local function wait(self) assert(pcall(self.runtime.sleep, 0.1)) end
      plugin.request, plugin.proxy, plugin.merged, plugin.response = wait, wait, wait, wait
      function plugin:log()
        local ok, why = pcall(self.runtime.sleep, 1)
        self.runtime.log.info("log: %s %s", tostring(ok), why)
      end
    ]])
    local begun = kit.now()
    assert.equal(200, gateway:get("/x/1").status)
    assert.is_true(kit.now() - begun >= 0.4)
    assert.truthy(gateway:logged("log: false .*cannot be called in the log phase"))
    gateway = script.gateway([[
      function plugin:call() self.runtime.sleep(0.1) end
      function plugin:reply(call) self.runtime.sleep(0.1) call:response():data().late = true end
    ]], { scope = "backend" })
    assert.is_true(gateway:get("/x/1"):json().late)
  end)

  it("asks other servers", function()
    local other = kit.upstream()
    other:on("POST", "/check"):reply(201, "fine", { ["X-A"] = "1" }):after("30ms")
    local gateway = script.gateway(([[
      function plugin:request(exchange)
        local fields = { ["X-B"] = "2", Host = "b.test" }
        local res = self.runtime.http.post("%s/check?a=b c", { body = "ask", fields = fields })
        return { status = 200, body = { status = res.status, body = res.body, a = res.fields["x-a"] } }
      end
    ]]):format(other.url))
    assert.same({ status = 201, body = "fine", a = "1" }, gateway:get("/x/1"):json())
    local seen = other.requests[1]
    assert.equal("ask", seen.body)
    assert.equal("2", seen.fields:get("X-B"))
    assert.same({ "b.test" }, seen.fields:all("Host"))
    assert.truthy(seen.target:find("^/check%?a=b"))
  end)

  it("says that it sends no content where the method wants to know, only there", function()
    local other = kit.upstream()
    other:on("*", "/"):reply(200)
    local gateway = script.gateway(([[
      function plugin:request(exchange)
        self.runtime.http.get("%s/")
        self.runtime.http.post("%s/")
      end
    ]]):format(other.url, other.url))
    assert.equal(200, gateway:get("/x/1").status)
    assert.is_nil(other.requests[1]:field("Content-Length"))
    assert.equal("0", other.requests[2]:field("Content-Length"))
  end)

  it("asks with the user and password of a URL", function()
    local other = kit.upstream({ name = "other.test" })
    script.gateway([[
      function plugin:request(exchange)
        self.runtime.http.get("http://user:secret@other.test/x")
      end
    ]]):get("/x/1")
    assert.equal("Basic dXNlcjpzZWNyZXQ=", other.requests[1].fields:get("Authorization"))
  end)

  it("is told why a request of its own failed", function()
    local silent = kit.upstream()
    silent:on("GET", "/"):silence()
    local gateway = script.gateway(([[
      function plugin:request(exchange)
        local _, refused = self.runtime.http.get("http://192.0.2.200:9/")
        local _, unknown = self.runtime.http.get("http://nowhere.test/")
        local _, late = self.runtime.http.get("%s/", { timeout = 0.5 })
        local _, none = self.runtime.http.get("no url")
        return { status = 200, body = { refused = refused, unknown = unknown, late = late, none = none } }
      end
    ]]):format(silent.url))
    local told = gateway:get("/x/1"):json()
    assert.equal("timeout", told.late)
    assert.truthy(told.refused and told.unknown and told.none)
  end)

  it("is resumed by nobody else", function()
    local gateway = script.gateway([[
      function plugin:request(exchange)
        local main = coroutine.running()
        local own = coroutine.wrap(function() return type(coroutine.running()) end)()
        self.runtime.sleep(1)
        return { status = 200, body = tostring(main) .. " " .. own }
      end
    ]])
    assert.equal("nil thread", gateway:get("/x/1").body)
  end)

  it("does not begin to wait where Lua cannot: what comes after is not woken by it", function()
    local other = kit.upstream()
    other:on("GET", "/"):reply(200, "late"):after("1s")
    local gateway = script.gateway(([[
      function plugin:request(exchange)
        local http, sleep = self.runtime.http, self.runtime.sleep
        if exchange:query("then") then
          local from = self.runtime.now()
          sleep(10)
          return { status = 200, body = tostring(self.runtime.now() - from) }
        end
        local _, asked = pcall(table.sort, { 1, 2 }, function() http.get("%s/") end)
        local _, slept = pcall(string.gsub, "a", "a", function() sleep(1) end)
        return { status = 200, body = asked .. "; " .. slept }
      end
    ]]):format(other.url))
    local why = " cannot be called inside a function of the library such as table.sort or string.gsub"
    assert.matches(("runtime.http%s; .*runtime.sleep%s"):format(why, why), gateway:get("/x/1").body)
    assert.equal("10", gateway:get("/x/1?then=1").body)
    assert.equal(0, #other.requests)
  end)

  it("asks for what stands in its table, not behind it", function()
    local gateway = script.gateway([[
      function plugin:request(exchange)
        local json, asked = self.runtime.json, 0
        local options = setmetatable({ url = "http://192.0.2.200:9/" }, { __index = function()
          asked = asked + 1
          for _ = 1, 20 do json.encode({ ("x"):rep(5000) }) end
        end })
        local _, why = self.runtime.http.request(options)
        return { status = 200, body = asked .. " " .. why }
      end
    ]])
    assert.matches("^0 .*192.0.2.200:9", gateway:get("/x/1").body)
  end)

  it("is dropped when the client goes away, and its request with it", function()
    local other = kit.upstream()
    other:on("GET", "/"):reply(200, "late"):after("5s")
    local gateway = script.gateway(([[
      function plugin:request(exchange)
        self.runtime.log.info("asks")
        self.runtime.http.get("%s/")
        self.runtime.log.info("never")
      end
    ]]):format(other.url))
    local connection = gateway:connect()
    connection:request({ method = "GET", path = "/x/1" })
    kit.wait(function() return gateway:logged("asks") end)
    connection:close()
    kit.advance("10s")
    assert.is_nil(gateway:logged("never"))
    assert.is_nil(gateway:logged("plugin spec_plugin"))
    assert.equal(200, script.gateway("function plugin:request() end"):get("/x/1").status)
  end)

  it("is not taken to wait where it merely yields, whatever waited in that coroutine before", function()
    local gateway = script.gateway([[
      function plugin:request(exchange)
        local span = tonumber(exchange:query("sleep"))
        if span then self.runtime.sleep(span) end
        coroutine.yield()
      end
    ]])
    assert.equal(500, gateway:get("/x/1?sleep=1").status)
    local client = gateway:connect():request({ path = "/x/1?sleep=60" })
    assert.is_true(kit.wait(function() return (gateway:counts()) == 1 end, "1s"))
    client:close()
    assert.is_true(kit.wait(function() return (gateway:counts()) == 0 end, "1s"))
    assert.equal(500, gateway:get("/x/1").status)
  end)

  it("may take a document from another exchange, which then goes", function()
    local gateway = script.gateway([[
      function plugin:merged(exchange)
        local doc = exchange:response():data()
        if exchange:query("first") then
          self.first = doc
          self.runtime.sleep(1)
        else
          repeat self.runtime.sleep(0.1) until self.first
          doc.taken = self.first
          self.runtime.json.merge(doc, self.first)
          self.runtime.sleep(2)
        end
      end
    ]], { reply = '{"list": [1.10, {"a": "' .. ("x"):rep(3000) .. '"}]}' })
    local first, second = unpack(gateway:parallel({
      { method = "GET", path = "/x/1?first=1" }, { method = "GET", path = "/x/1" },
    }))
    local list = first:json().list
    assert.equal(3000, #list[2].a)
    assert.same({ list = list, taken = { list = list } }, second:json())
    assert.truthy(second.body:find("1.10", 1, true))
  end)

  it("is dropped when the gateway stops", function()
    local gateway = script.gateway("function plugin:request() self.runtime.sleep(60) end")
    local connection = gateway:connect()
    connection:request({ method = "GET", path = "/x/1" })
    kit.advance("1s")
    assert.equal(1, (gateway:counts()))
    gateway:stop()
    kit.advance("2m")
  end)

  it("is cut by the endpoint's timeout", function()
    local gateway = script.gateway("function plugin:proxy() self.runtime.sleep(60) end",
      { endpoint = { timeout = "1s" } })
    local begun = kit.now()
    assert.equal(500, gateway:get("/x/1").status)
    assert.is_true(kit.now() - begun < 2)
  end)

  it("runs one plugin after the other, outwards in reverse", function()
    local folder = {}
    for _, name in ipairs({ "a", "b" }) do
      folder[name .. ".lua"] = script.source(([[
        for _, phase in ipairs({ "request", "proxy", "merged", "response" }) do
          plugin[phase] = function(self)
            self.runtime.sleep(0.01)
            self.runtime.log.info("did %s " .. phase)
          end
        end
      ]]):format(name), { namespace = "team/" .. name })
    end
    local upstream = kit.upstream()
    upstream:on("GET", "/u"):reply(200, {})
    local gateway = kit.gateway(([[{"version": 3, "plugin": {"folder": "%s"}, "endpoints": [{"endpoint": "/x",
      "extra_config": {"team/b": {}, "team/a": {}},
      "backend": [{"host": "%s", "url_pattern": "/u"}]}]}]]):format(script.folder(folder), upstream.url))
    gateway:get("/x")
    local order = {}
    for _, line in ipairs(gateway:log()) do order[#order + 1] = line:match("did (%a %a+)") end
    assert.same({
      "b request", "a request", "b proxy", "a proxy", "a merged", "b merged", "a response", "b response",
    }, order)
  end)
end)

describe("a plugin of the service", function()
  after_each(script.clean)

  local saying = [[
    function plugin:request(exchange)
      self.runtime.log.info("saw %s %s", exchange:path(), tostring(exchange:endpoint()))
    end
    function plugin:response(exchange) exchange:response():set_field("X-Service", "yes") end
  ]]

  --- A gateway with a plugin of the service, and one of its endpoint /x, which asks `upstream`.
  local function with_both(of_service, of_endpoint, upstream)
    return kit.gateway({
      plugin = { folder = script.folder({
        ["outside.lua"] = script.source(of_service, { namespace = "team/outside", scope = "service" }),
        ["inside.lua"] = script.source(of_endpoint, { namespace = "team/inside" }),
      }) },
      extra_config = { ["team/outside"] = {} },
      endpoints = { { endpoint = "/x", backend = { { host = upstream.url, url_pattern = "/u" } },
        extra_config = { ["team/inside"] = {} } } },
    })
  end

  it("sees what has an endpoint and what has none", function()
    local gateway = script.gateway(saying, { scope = "service" })
    assert.equal("yes", gateway:get("/x/1"):field("X-Service"))
    local missing = gateway:get("/nowhere")
    assert.equal(404, missing.status)
    assert.equal("yes", missing:field("X-Service"))
    assert.truthy(gateway:logged("saw /x/1 /x/{id}"))
    assert.truthy(gateway:logged("saw /nowhere nil"))
  end)

  it("has its log phase behind the endpoint's, and for what has no endpoint too", function()
    local log = 'function plugin:log(exchange) self.runtime.log.info("logged %d", exchange:response():status()) end'
    local gateway = with_both(log, log, kit.upstream())
    gateway:get("/x")
    gateway:get("/nowhere")
    local order = {}
    for _, line in ipairs(gateway:log()) do order[#order + 1] = line:match("%[(%a+)%] (logged %d+)") and
      ("%s %s"):format(line:match("%[(%a+)%] logged (%d+)")) end
    assert.same({ "inside 500", "outside 500", "outside 404" }, order)
  end)

  it("sees the data of an exchange in its log phase, though the endpoint's failed there", function()
    local upstream = kit.upstream()
    upstream:on("GET", "/u"):reply(200, { id = 7 })
    local seen = [[
      function plugin:log(exchange) self.runtime.log.info("id %d", exchange:response():data().id) end
    ]]
    local failing = [[
      function plugin:merged() self.runtime.log.info("waits") self.runtime.sleep(60) end
      function plugin:log() error("oops") end
    ]]
    local gateway = with_both(seen, failing, upstream)
    local client = gateway:connect():request({ path = "/x" })
    assert.is_true(kit.wait(function() return gateway:logged("waits") end, "1s"))
    client:close()
    assert.is_true(kit.wait(function() return gateway:logged("plugin inside, log phase: .*oops") end, "1s"))
    assert.truthy(gateway:logged("id 7"))
  end)

  it("reads the body of what has no endpoint too", function()
    local gateway = script.gateway([[
      function plugin:request(exchange) self.runtime.log.info("body %s", tostring(exchange:body())) end
    ]], { scope = "service", extra = "reads_body = true" })
    assert.equal(404, gateway:post("/nowhere", { body = "abc" }).status)
    assert.truthy(gateway:logged("body abc"))
  end)

  it("is behind the router unless it is an http-server plugin: redirects pass by", function()
    local upstream = kit.upstream()
    local folder = script.folder({ ["a.lua"] = script.source(saying, { namespace = "team/a", scope = "service" }) })
    local function redirected(extra)
      return kit.gateway({
        plugin = { folder = folder }, extra_config = extra,
        endpoints = { { endpoint = "/x", backend = { { host = upstream.url, url_pattern = "/u" } } } },
      }):get("/x/"):field("X-Service")
    end
    assert.is_nil(redirected({ ["team/a"] = {} }))
    assert.equal("yes", redirected({ ["plugin/http-server"] = { name = { "a" } } }))
  end)

  it("that answers keeps the endpoint's plugins out, in every phase", function()
    local gateway = with_both("function plugin:request() return { status = 418 } end",
      "function plugin:response(exchange) exchange:response():set_field('X-Endpoint', 'yes') end", kit.upstream())
    local response = gateway:get("/x")
    assert.equal(418, response.status)
    assert.is_nil(response:field("X-Endpoint"))
  end)

  it("does not take the body of what is refused, though the endpoint's plugins read it", function()
    local gateway = script.gateway("function plugin:request() end", { method = "POST", extra = "reads_body = true" })
    local client = gateway:connect()
    client:send("POST /x/a%3Fb HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
    assert.equal(400, client:receive("POST", "1s").status)
  end)

  it("answers before any endpoint is asked, and its errors name it", function()
    local gateway, upstream = script.gateway("function plugin:request() return { status = 418 } end",
      { scope = "service" })
    assert.equal(418, gateway:get("/x/1").status)
    assert.equal(0, #upstream.requests)
    gateway = script.gateway("function plugin:request() error('oops') end", { scope = "service" })
    assert.equal(500, gateway:get("/nowhere").status)
    assert.truthy(gateway:logged("plugin spec_plugin, request phase: .*oops"))
  end)
end)
