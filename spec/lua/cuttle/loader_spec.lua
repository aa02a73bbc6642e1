local kit = require("kit")
local script = require("spec.support.script")
local loader = require("cuttle.loader")

describe("a plugin's shape", function()
  local function problem_with(changes)
    local plugin = { api = 1, namespace = "a/b", scopes = { "endpoint" }, request = function() end }
    for key, value in pairs(changes) do plugin[key] = value ~= kit.null and value or nil end
    local ok, problem = loader.check_shape(plugin)
    return not ok and problem or nil
  end

  it("is checked key by key", function()
    assert.is_nil(problem_with({}))
    assert.matches("^api is missing: api = 1", problem_with({ api = kit.null }))
    assert.equal("api: written for contract 2, this gateway speaks 1", problem_with({ api = 2 }))
    assert.equal("namespace is missing: its key in extra_config", problem_with({ namespace = kit.null }))
    assert.equal("namespace: expected a string, got number", problem_with({ namespace = 5 }))
    assert.equal('scopes is missing: { "endpoint" }', problem_with({ scopes = kit.null }))
    assert.equal("scopes: expected service, endpoint or backend", problem_with({ scopes = {} }))
    assert.equal('scopes: no such scope "endpoints"', problem_with({ scopes = { "endpoints" } }))
    assert.equal("request: expected a function, got string", problem_with({ request = "x" }))
    assert.equal("call: is never run with scopes = { endpoint }", problem_with({ call = print }))
    assert.matches("it has no phase", problem_with({ request = kit.null }))
    assert.equal('schema: unknown word "typ"', problem_with({ schema = { typ = "object" } }))
    local _, problem = loader.check_shape(nil)
    assert.equal("expected a table, got nil", problem)
  end)
end)

describe("plugins", function()
  after_each(script.clean)

  local function config_of(plugin, extra, more)
    local config = {
      plugin = plugin,
      endpoints = { {
        endpoint = "/x", extra_config = extra, backend = { { host = "http://192.0.2.9", url_pattern = "/" } },
      } },
    }
    for key, value in pairs(more or {}) do config[key] = value end
    return config
  end

  local function answering(status, namespace)
    local body = ("function plugin:request() return { status = %d } end"):format(status)
    return script.source(body, { namespace = namespace })
  end

  local function start(files, extra, more)
    return kit.gateway(config_of({ folder = script.folder(files) }, extra or { ["team/x"] = {} }, more))
  end

  local function refusal(files, extra, more)
    return kit.refusal(config_of({ folder = script.folder(files) }, extra or { ["team/x"] = {} }, more))
  end

  it("are files, folders with init.lua, or several in one file; specs and other files are left alone", function()
    assert.equal(201, start({ ["x.lua"] = answering(201, "team/x") }):get("/x").status)
    assert.equal(202, start({
      ["x/init.lua"] = 'return require("inside")', ["x/inside.lua"] = answering(202, "team/x"),
      ["x_spec.lua"] = "error('a spec')", ["notes.txt"] = "x", ["empty/readme.md"] = "x",
    }):get("/x").status)
    assert.equal(203, start({ ["many.lua"] = [[
      local function make(name, status)
        local function request() return { status = status } end
        return { api = 1, namespace = name, scopes = { "endpoint" }, request = request }
      end
      return { make("team/w", 204), make("team/x", 203) }
    ]] }):get("/x").status)
    assert.equal(205, start({ ["one.lua"] = [[
      local function request() return { status = 205 } end
      return { { api = 1, namespace = "team/x", scopes = { "endpoint" }, request = request } }
    ]] }):get("/x").status)
  end)

  it("come from several folders; of two files of one name the first folder's counts", function()
    local first = script.folder({ ["x.lua"] = answering(201, "team/x") })
    local second = script.folder({ ["x.lua"] = answering(202, "team/x"), ["y.lua"] = answering(203, "team/y") })
    local gateway = kit.gateway(config_of({ folder = { first, second } }, { ["team/x"] = {} }))
    assert.equal(201, gateway:get("/x").status)
    gateway = kit.gateway(config_of({ folder = { first, second } }, { ["team/y"] = {} }))
    assert.equal(203, gateway:get("/x").status)
  end)

  it("stand in for ours of the same name", function()
    local gateway = start({ ["rate_limit.lua"] = answering(218, "qos/ratelimit/router") },
      { ["qos/ratelimit/router"] = { max_rate = "anything" } })
    assert.equal(218, gateway:get("/x").status)
  end)

  it("that stand in for ours run once, in the place of ours", function()
    local source = script.source("function plugin:request() self.runtime.log.info('mine') end",
      { namespace = "qos/ratelimit/router" })
    local gateway = start({ ["mine.lua"] = source }, { ["qos/ratelimit/router"] = {} })
    gateway:get("/x")
    local count = 0
    for _, line in ipairs(gateway:log()) do count = count + (line:find("mine$") and 1 or 0) end
    assert.equal(1, count)
  end)

  it("are picked by the pattern", function()
    local folder = script.folder({ ["x.lua"] = answering(201, "team/x"), ["y.off.lua"] = answering(202, "team/x"),
      ["yoff.lua"] = answering(203, "team/x") })
    local gateway = kit.gateway(config_of({ folder = folder, pattern = ".off" }, { ["team/x"] = {} }))
    assert.equal(202, gateway:get("/x").status)
    assert.falsy((gateway:logged("in its name")))
  end)

  it("do not start the gateway when one is broken: file and reason are told", function()
    assert.matches("x.lua:1: ", refusal({ ["x.lua"] = "return +" }))
    assert.matches("x.lua:1: boom", refusal({ ["x.lua"] = "error('boom')" }))
    local folder = script.folder({ ["x.lua"] = "error('boom')" })
    assert.equal(folder .. "/x.lua:1: boom", kit.refusal(config_of({ folder = folder .. "/" }, {})))
    assert.matches("x.lua: api is missing: api = 1 %(a module of a plugin stands beside its init.lua, ",
      refusal({ ["x.lua"] = "return {}" }))
    assert.matches("x.lua: it returns nothing", refusal({ ["x.lua"] = "local a = 1" }))
    assert.matches("x.lua: expected a table, got number", refusal({ ["x.lua"] = "return 5" }))
    assert.matches("a.lua and .*b.lua are both for the namespace team/x",
      refusal({ ["a.lua"] = answering(201, "team/x"), ["b.lua"] = answering(202, "team/x") }))
    assert.matches("no such grant \"socket\"", kit.refusal(config_of({
      folder = script.folder({ ["x.lua"] = answering(201, "team/x") }), grants = { x = { "socket" } },
    }, {})))
  end)

  it("may keep what they like under the name of a phase, and be their own instance", function()
    local gateway = start({ ["x.lua"] = script.source([[
      plugin.__index = plugin
      function plugin.new(_, runtime) return setmetatable({ log = runtime.log, call = 5 }, plugin) end
      function plugin:request() self.log.info("hello") return { status = 201 } end
    ]], { namespace = "team/x" }) })
    assert.equal(201, gateway:get("/x").status)
    assert.truthy(gateway:logged("hello"))
    assert.is_nil((gateway:logged("log phase")))
    gateway = start({ ["x.lua"] = script.source([[
      function plugin.new(config) plugin.config = config return plugin end
      function plugin:request() return { status = self.config.status } end
    ]], { namespace = "team/x" }) }, { ["team/x"] = { status = 202 } })
    assert.equal(202, gateway:get("/x").status)
  end)

  it("may make objects of a class of their own", function()
    local gateway = start({ ["x.lua"] = script.source([[
      local class = { request = function() return { status = 201 } end }
      class.__index = class
      function plugin.new() return setmetatable({}, class) end
    ]], { namespace = "team/x" }) })
    assert.equal(201, gateway:get("/x").status)
  end)

  it("do not reach what all texts have in common", function()
    local gateway = start({ ["x.lua"] = script.source([[
      function plugin:request() return { status = type(getmetatable("")) == "string" and 201 or 500 } end
    ]], { namespace = "team/x" }) })
    assert.equal(201, gateway:get("/x").status)
  end)

  it("that read the body at a backend have it collected for their own endpoint", function()
    local upstream = kit.upstream()
    upstream:on("*", "*"):reply(200, {})
    local source = script.source("function plugin:call(call) self.runtime.log.info('body %s', call:body()) end",
      { namespace = "team/x", scope = "backend", extra = "reads_body = true" })
    local plain = { host = upstream.url, url_pattern = "/" }
    local gateway = kit.gateway({
      plugin = { folder = script.folder({ ["x.lua"] = source }) },
      endpoints = {
        { endpoint = "/two", backend = { plain, plain } },
        { endpoint = "/x", method = "POST",
          backend = { { host = upstream.url, url_pattern = "/", extra_config = { ["team/x"] = {} } } } },
      },
    })
    assert.equal(200, gateway:post("/x", { body = "text" }).status)
    assert.truthy(gateway:logged("body text$"))
  end)

  it("change nothing in the runtime that others see", function()
    local seen = kit.upstream()
    seen:on("GET", "/"):reply(200, { a = 1, b = 2 })
    local gateway = kit.gateway({
      plugin = { folder = script.folder({ ["x.lua"] = script.source([[
        function plugin.new(_, runtime)
          runtime.json.drop, runtime.http.get, runtime.place.scope = function() end, nil, nil
          return { runtime = runtime }
        end
        function plugin:request() end
      ]], { namespace = "team/x" }), ["y.lua"] = script.source([[
        function plugin:request(exchange)
          self.runtime.log.info("%s %s", type(self.runtime.http.get), self.runtime.place.scope)
        end
      ]], { namespace = "team/y" }) }) },
      endpoints = { { endpoint = "/x", extra_config = { ["team/x"] = {}, ["team/y"] = {} },
        backend = { { host = seen.url, url_pattern = "/", deny = { "a" } } } } },
    })
    assert.same({ b = 2 }, gateway:get("/x"):json())
    assert.truthy(gateway:logged("function endpoint"))
  end)

  it("are not started with grants that make no sense", function()
    local files = { ["x.lua"] = answering(201, "team/x") }
    local function granting(grants)
      return kit.refusal(config_of({ folder = script.folder(files), grants = grants }, { ["team/x"] = {} }))
    end
    assert.is_nil(granting({ x = { "io" } }))
    assert.equal("plugin.grants: expected object, got string", granting("io"))
    assert.equal("plugin.grants.x: expected array, got string", granting({ x = "io" }))
    assert.equal('plugin.grants: x: no such grant "net"', granting({ x = { "net" } }))
  end)

  it("are told what cannot be loaded at all: Go plugins and folders that are not there", function()
    local gateway = start({ ["go.so"] = "\127ELF", ["x.lua"] = answering(201, "team/x") })
    assert.truthy(gateway:logged("ERROR: .*go.so is a Go plugin: it cannot be loaded here"))
    gateway = kit.gateway(config_of({ folder = "/not/there" }, {}))
    assert.truthy(gateway:logged("ERROR: .*there is no folder /not/there"))
    gateway = kit.gateway(config_of({ folder = "" }, {}))
    assert.falsy((gateway:logged("SERVICE: Plugins", true)))
    gateway = kit.gateway(config_of({ folder = script.folder({}) }, {}))
    assert.falsy((gateway:logged("SERVICE: Plugins", true)))
  end)

  it("have their settings checked, and new may refuse them", function()
    local checked = script.source("function plugin:request() end", {
      namespace = "team/x", extra = "schema = { type = 'object', required = { 'a' } }",
    })
    assert.matches('%[ENDPOINT: /x%]%[x%] endpoints%[0%].extra_config%["team/x"%]: a is missing',
      refusal({ ["x.lua"] = checked }))
    local refusing = script.source("function plugin.new() return nil, 'not these' end function plugin:request() end",
      { namespace = "team/x" })
    assert.matches('not these %(endpoints%[0%].extra_config%["team/x"%]%)', refusal({ ["x.lua"] = refusing }))
    local raising = script.source("function plugin.new(config) return config.a.b end", { namespace = "team/x" })
    assert.matches("x.lua:2: attempt to index field 'a'", refusal({ ["x.lua"] = raising }))
  end)

  it("take null for settings that are not there", function()
    local upstream = kit.upstream()
    upstream:on("GET", "/"):reply(200, {})
    local gateway = kit.gateway({
      plugin = { folder = script.folder({ ["x.lua"] = answering(418, "team/x") }) },
      endpoints = { {
        endpoint = "/x",
        extra_config = { ["team/x"] = kit.null, ["qos/ratelimit/router"] = kit.null },
        backend = { { host = upstream.url, url_pattern = "/", extra_config = { ["qos/circuit-breaker"] = kit.null,
          ["qos/ratelimit/proxy"] = kit.null, ["qos/ratelimit/router"] = kit.null } } },
      } },
    })
    assert.equal(200, gateway:get("/x").status)
    assert.falsy((gateway:logged("no object")))
  end)

  it("may draw numbers in new until one pleases them, while settings are checked too", function()
    local drawing = script.source([[
      function plugin.new(_, runtime)
        local low, high = false, false
        for _ = 1, 100 do
          local drawn = runtime.random()
          assert(drawn >= 0 and drawn < 1)
          if drawn < 0.5 then low = true else high = true end
        end
        assert(low and high)
        return {}
      end
      function plugin:request() return { status = 201 } end
    ]], { namespace = "team/x" })
    assert.equal(201, start({ ["x.lua"] = drawing }):get("/x").status)
  end)

  it("cost nothing where new has nothing to do", function()
    local idle = script.source("function plugin.new() end function plugin:request() return { status = 500 } end",
      { namespace = "team/x" })
    assert.are_not.equal(418, start({ ["x.lua"] = idle }):get("/x").status)
  end)

  it("are ignored, with a warning, at a place that is not theirs", function()
    local upstream = kit.upstream()
    upstream:on("GET", "/"):reply(200, {})
    local gateway = kit.gateway({
      plugin = { folder = script.folder({ ["x.lua"] = answering(418, "team/x") }) },
      extra_config = { ["team/x"] = {}, ["qos/ratelimit/router"] = { max_rate = 1 } },
      endpoints = { { endpoint = "/x", backend = { { host = upstream.url, url_pattern = "/" } } } },
    })
    assert.equal(200, gateway:get("/x").status)
    assert.truthy(gateway:logged('WARNING: extra_config%["team/x"%]: team/x is not for a service: ignored'))
    assert.truthy(gateway:logged('qos/ratelimit/router is for an endpoint, not for a service: ignored'))
  end)

  --- The warnings of a gateway with that plugin x, without time and level.
  local function warnings(source, config)
    local full = config_of({ folder = script.folder({ ["x.lua"] = source }) })
    for key, value in pairs(config) do full[key] = value end
    local found = {}
    for _, line in ipairs(kit.gateway(full):log()) do found[#found + 1] = line:match("WARNING: (.*)$") end
    return found
  end

  local function endpoint_with(extra, backend_extra)
    return { endpoints = { { endpoint = "/x", extra_config = extra, backend = { {
      host = "http://192.0.2.9", url_pattern = "/", extra_config = backend_extra,
    } } } } }
  end

  it("that are attached where none of their phases runs are told of", function()
    local source = script.source("function plugin:reply() end",
      { namespace = "team/x", extra = 'scopes = { "endpoint", "backend" }' })
    assert.same({}, warnings(source, endpoint_with(nil, { ["team/x"] = {} })))
    assert.same({ 'endpoints[0].extra_config["team/x"]: x has no phase that runs there: it does nothing' },
      warnings(source, endpoint_with({ ["team/x"] = {} })))
    assert.same({
      'endpoints[0].backend[0].extra_config["plugin/http-client"]["x"]: x has no phase that runs there: ' ..
        "it does nothing",
    }, warnings(source, endpoint_with(nil, { ["plugin/http-client"] = { name = "x" } })))
  end)

  it("that are attached nowhere are told of, for a name may be mistyped", function()
    assert.same({ "[SERVICE: Plugins] attached nowhere: team/x" },
      warnings(answering(418, "team/x"), endpoint_with({ ["taem/x"] = {} })))
    local files, names = {}, {}
    for i = 1, 9 do
      names[i] = "team/" .. i
      files[i .. ".lua"] = answering(418, names[i])
    end
    assert.truthy(start(files, {}):logged("attached nowhere: " .. table.concat(names, ", ") .. "$"))
  end)

  it("that stand in for ours without all of its namespaces are told of", function()
    local files = { ["rate_limit.lua"] = script.source("function plugin:call() end",
      { namespace = "qos/ratelimit/proxy", scope = "backend" }) }
    local gateway = start(files, { ["qos/ratelimit/router"] = { max_rate = 1 } })
    assert.truthy(gateway:logged('WARNING: endpoints[0].extra_config["qos/ratelimit/router"]: the file rate_limit ' ..
      "that stands in for ours has no plugin for it: ignored", true))
  end)

  it("that a name list names at a place that is not theirs are told of", function()
    assert.same({ 'extra_config["plugin/http-server"]["x"]: team/x is not for a service: ignored' },
      warnings(answering(418, "team/x"), { extra_config = { ["plugin/http-server"] = { name = "x" } } }))
  end)

  it("that a name list at a wrong place or of a wrong type names are told of", function()
    local source = script.source("function plugin:proxy() end", { namespace = "team/x" })
    local nowhere = "[SERVICE: Plugins] attached nowhere: team/x"
    assert.same({
      'extra_config["plugin/req-resp-modifier"]: plugin/req-resp-modifier is for an endpoint or a backend, ' ..
        "not for a service: ignored", nowhere,
    }, warnings(source, { extra_config = { ["plugin/req-resp-modifier"] = { name = { "x" } } } }))
    assert.same({
      'endpoints[0].extra_config["plugin/http-server"]: plugin/http-server is for a service, ' ..
        "not for an endpoint: ignored", nowhere,
    }, warnings(source, endpoint_with({ ["plugin/http-server"] = { name = { "x" } } })))
    for expected, extra in pairs({
      ["an array of texts"] = { ["plugin/req-resp-modifier"] = { name = "x" } },
      ["a text"] = { ["plugin/http-client"] = { name = { "x" } } },
    }) do
      assert.same({
        ('endpoints[0].backend[0].extra_config[%q].name: expected %s: ignored'):format(next(extra), expected), nowhere,
      }, warnings(source, endpoint_with(nil, extra)))
    end
    assert.same({ 'extra_config["plugin/http-server"].name: expected a text or an array of texts: ignored', nowhere },
      warnings(source, { extra_config = { ["plugin/http-server"] = { x = {} } } }))
  end)

  it("that the pattern passes over, all of them, are told of: it may be one for Go plugins", function()
    local folder = script.folder({ ["x.lua"] = answering(418, "team/x") })
    local gateway = kit.gateway(config_of({ folder = folder, pattern = ".so" }, {}))
    local told = ('WARNING: [SERVICE: Plugins] no .lua file of %s has ".so" in its name'):format(folder)
    assert.truthy(gateway:logged(told, true))
  end)

  describe("by name", function()
    local function named(name, scope, body)
      return script.source(body, { namespace = "team/" .. name, scope = scope })
    end

    local function say(name, phases)
      local body = {}
      for _, phase in ipairs(phases) do
        local line = 'function plugin:%s() self.runtime.log.info("did %s %s %%s", self.config.n or "-") end'
        body[#body + 1] = line:format(phase, name, phase)
      end
      return table.concat(body, "\n")
    end

    local function order_of(config, files)
      local upstream = kit.upstream()
      upstream:on("GET", "/"):reply(200, {})
      config.plugin = { folder = script.folder(files) }
      config.endpoints[1].endpoint = "/x"
      config.endpoints[1].backend[1].host, config.endpoints[1].backend[1].url_pattern = upstream.url, "/"
      local gateway = kit.gateway(config)
      gateway:get("/x")
      local order = {}
      for _, line in ipairs(gateway:log()) do order[#order + 1] = line:match("did (.+)$") end
      return order, gateway
    end

    it("http-server plugins run last first, and back again", function()
      local files = {}
      for _, name in ipairs({ "a", "b" }) do
        files[name .. ".lua"] = named(name, "service", say(name, { "request", "response" }))
      end
      local order, gateway = order_of({
        extra_config = { ["plugin/http-server"] = { name = { "a", 5, "gone", "b", {} }, a = { n = 1 } } },
        endpoints = { { backend = { {} } } },
      }, files)
      assert.same({ "b request -", "a request 1", "a response 1", "b response -" }, order)
      assert.truthy(gateway:logged("ERROR: .*No plugin registered as gone"))
    end)

    it("modifiers run in the order of the list both ways", function()
      local files = {}
      for _, name in ipairs({ "a", "b" }) do
        files[name .. ".lua"] = named(name, "endpoint", say(name, { "request", "proxy", "merged" }))
      end
      assert.same({ "b proxy -", "a proxy 2", "b merged -", "a merged 2" }, (order_of({ endpoints = { {
        backend = { {} },
        extra_config = { ["plugin/req-resp-modifier"] = { name = { "b", 5, "a", {} }, a = { n = 2 } } },
      } } }, files)))
      for _, name in ipairs({ "a", "b" }) do
        files[name .. ".lua"] = named(name, "backend", say(name, { "call", "reply" }))
      end
      assert.same({ "b call -", "a call -", "b reply -", "a reply -" }, (order_of({ endpoints = { {
        backend = { { extra_config = { ["plugin/req-resp-modifier"] = { name = { "b", "a" } } } } },
      } } }, files)))
    end)

    it("several plugins of one name are told apart by the scope of the place, as kinds of Go plugins are", function()
      local file = [[
        local function make(namespace, scope, phase)
          local plugin = { api = 1, namespace = namespace, name = "both", scopes = { scope } }
          plugin[phase] = function(self) self.runtime.log.info("did %s %s", namespace, phase) end
          return plugin
        end
        return { make("team/in", "endpoint", "proxy"), make("team/out", "service", "request") }
      ]]
      assert.same({ "team/out request", "team/in proxy" }, (order_of({
        extra_config = { ["plugin/http-server"] = { name = { "both" } } },
        endpoints = { { extra_config = { ["plugin/req-resp-modifier"] = { name = { "both" } } }, backend = { {} } } },
      }, { ["kinds.lua"] = file })))
    end)

    it("an http-client plugin calls in the backend's place; its answer is manipulated like any", function()
      local files = { ["a.lua"] = named("a", "backend",
        [[function plugin:call() return { status = 200, body = { keep = 1, drop = 2 } } end]]) }
      local gateway = kit.gateway({
        plugin = { folder = script.folder(files) },
        endpoints = { { endpoint = "/x", backend = { {
          host = "http://192.0.2.9", url_pattern = "/", allow = { "keep" },
          extra_config = { ["plugin/http-client"] = { name = "a" } },
        } } } },
      })
      assert.same({ keep = 1 }, gateway:get("/x"):json())
    end)
  end)
end)
