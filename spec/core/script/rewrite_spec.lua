--- Requests that plugins rewrite: before the router, and where it is too late for that.
local kit = require("kit")
local script = require("spec.support.script")

local HTTP_SERVER = "plugin/http-server"

describe("a request that is rewritten before the router", function()
  local upstream

  before_each(function()
    upstream = kit.upstream()
    upstream:on("*", "/*"):reply(200, { a = 1 })
  end)

  after_each(script.clean)

  local function endpoint(path, pattern, more)
    local result = {
      endpoint = path, input_query_strings = { "*" }, backend = { { host = upstream.url, url_pattern = pattern } },
    }
    for key, value in pairs(more or {}) do result[key] = value end
    return result
  end

  --- A gateway with such a plugin; body as for script.source. options: files (more plugins), extra (more of the
  --- service's settings), endpoints.
  local function start(body, options)
    options = options or {}
    local files = options.files or {}
    files["rewrite.lua"] = script.source(body, { scope = "service", namespace = "team/rewrite" })
    local extra = options.extra or {}
    extra[HTTP_SERVER] = extra[HTTP_SERVER] or { name = { "rewrite" } }
    return kit.gateway({
      plugin = { folder = script.folder(files) }, extra_config = extra,
      endpoints = options.endpoints or {
        endpoint("/old/{id}", "/one/{id}"), endpoint("/new/{id}", "/two/{id}"),
        endpoint("/new/{id}", "/three/{id}", { method = "POST" }),
      },
    })
  end

  local function rewriting(statement, options)
    return start(("function plugin:request(exchange) %s end"):format(statement), options)
  end

  local function targets()
    local list = {}
    for i, request in ipairs(upstream.requests) do list[i] = request.method .. " " .. request.target end
    return list
  end

  it("goes to the endpoint of its new path, with the parameters of that", function()
    local gateway = rewriting('exchange:set_path("/new/a b")')
    assert.equal(200, gateway:get("/old/7?q=1").status)
    assert.same({ "GET /two/a%20b?q=1" }, targets())
  end)

  it("is routed anew at once: its endpoint and parameters are those of the new path", function()
    local gateway = rewriting([[
      local before = exchange:endpoint() .. " " .. exchange:param("id")
      exchange:set_path("/new/8")
      local after = exchange:endpoint() .. " " .. exchange:param("id")
      exchange:set_path("/nowhere")
      return { status = 200, body = ("%s, %s, %s"):format(before, after, tostring(exchange:endpoint())) }
    ]])
    assert.equal("/old/{id} 7, /new/{id} 8, nil", gateway:get("/old/7").body)
  end)

  it("may be one that no endpoint had, or have none afterwards", function()
    assert.equal(200, rewriting('exchange:set_path("/new/7")'):get("/nowhere").status)
    local missing = rewriting('exchange:set_path("/nowhere")'):get("/old/7")
    assert.equal(404, missing.status)
    assert.equal("404 page not found", missing.body)
    assert.equal("false", missing:field("X-Krakend-Completed"))
    assert.equal("ok", rewriting('exchange:set_path("/__health")'):get("/old/7"):json().status)
  end)

  it("keeps its path whatever that holds, for it is as decoded as exchange:path", function()
    local gateway = rewriting('exchange:set_path("/new" .. exchange:path():sub(5))')
    assert.equal(200, gateway:get("/old/caf%C3%A9%20%26%20co").status)
    assert.equal(400, gateway:get("/old/%2541").status) -- is not decoded twice
    assert.same({ "GET /two/caf%C3%A9%20&%20co" }, targets())
  end)

  it("goes to the endpoint of its new method; a HEAD request gets no content all the same", function()
    local gateway = rewriting('exchange:set_method("POST") exchange:set_path("/new/1")')
    assert.equal(200, gateway:get("/old/7").status)
    assert.same({ "POST /three/1" }, targets())
    assert.equal(405, rewriting('exchange:set_method("DELETE")'):get("/new/1").status)
    local head = rewriting('exchange:set_method("GET")'):request({ method = "HEAD", path = "/new/1" })
    assert.equal(200, head.status)
    assert.equal("", head.body)
  end)

  it("has its new query, as a text or a table of values", function()
    local function sent(argument)
      upstream.requests = {}
      local gateway = rewriting(("exchange:set_query(%s)"):format(argument))
      assert.equal(200, gateway:get("/old/7?a=1").status, argument)
      return (upstream.requests[1].target:gsub("^[^?]*%??", ""))
    end
    assert.equal("b=%202", sent('"b=%202"'):gsub("+", "%%20"))
    assert.equal("", sent('""'))
    assert.equal("", sent("{}"))
    assert.equal("a=x%26y&b=1&b=2&c=1.5&d=true&%C3%A9=",
      sent('{ b = { 1, "2" }, a = "x&y", c = 1.5, d = true, ["é"] = "" }'))
  end)

  it("has it in the proxy phase too, where calls are made of it", function()
    local gateway, back = script.gateway(
      'function plugin:proxy(exchange) exchange:set_query({ z = "a b", y = { 1, 2 } }) end')
    gateway:get("/x/1?q=1")
    assert.equal("/u?y=1&y=2&z=a+b", back.requests[1].target)
    assert.truthy(gateway:logged("/x/1?q=1", true))
  end)

  it("is in the access log as it was routed; what is changed later is not", function()
    local late = script.source('function plugin:request(exchange) exchange:set_query("late=1") end',
      { scope = "service", namespace = "team/late" })
    local gateway = rewriting('exchange:set_method("POST") exchange:set_path("/new/9") exchange:set_query("b=2")',
      { files = { ["late.lua"] = late }, extra = { ["team/late"] = {} } })
    gateway:get("/old/7?a=1")
    assert.truthy(gateway:logged('| POST     "/new/9?b=2"', true))
    assert.same({ "POST /three/9?late=1" }, targets())
  end)

  it("is redirected by what it is now", function()
    local gateway = rewriting('exchange:set_path("/new/9/") exchange:set_query("b=2")')
    assert.equal("/new/9?b=2", gateway:get("/old/7?a=1"):field("Location"))
    local plain = rewriting('exchange:set_path("/new/9/") exchange:set_query("")')
    assert.equal("/new/9", plain:get("/old/7?a=1"):field("Location"))
  end)

  it("comes from the client that its fields then tell of", function()
    local gateway = rewriting([[
      exchange:set_field("X-Forwarded-For", exchange:field("CF-Connecting-IP"))
      self.runtime.log.info("client %s", exchange:client_ip())
    ]])
    gateway:request({ path = "/old/7", fields = { ["CF-Connecting-IP"] = "198.51.100.7" } })
    assert.truthy(gateway:logged("client 198.51.100.7", true))
    assert.truthy(gateway:logged("|    198.51.100.7 | GET", true))
    assert.equal("198.51.100.7", upstream.requests[1].fields:get("X-Forwarded-For"))
  end)

  it("is redirected by the prefix that its fields then tell of", function()
    local gateway = rewriting('exchange:add_field("X-Forwarded-Prefix", "/shop")')
    assert.equal("/shop/old/7", gateway:get("/old/7/"):field("Location"))
  end)

  it("passes the plugins behind the router as what it is now", function()
    local inner = script.source([[
      function plugin:request(exchange)
        self.runtime.log.info("inner saw %s %s", exchange:path(), exchange:endpoint())
      end
    ]], { scope = "service", namespace = "team/inner" })
    local options = { files = { ["inner.lua"] = inner }, extra = { ["team/inner"] = {} } }
    local gateway = rewriting('exchange:set_path("/new/9")', options)
    gateway:get("/old/7/") -- would have been a redirect
    assert.truthy(gateway:logged("inner saw /new/9 /new/{id}", true))
    gateway = rewriting('exchange:set_path("/old/7/")', options) -- becomes one
    assert.equal(301, gateway:get("/new/9").status)
    assert.is_nil((gateway:logged("inner saw")))
  end)

  it("may be rewritten after a wait", function()
    local gateway = rewriting('self.runtime.sleep(1) exchange:set_path("/new/9")')
    assert.equal(200, gateway:get("/old/7").status)
    assert.same({ "GET /two/9" }, targets())
  end)

  it("has its body collected where the new endpoint's plugins read it", function()
    local reader = script.source([[
      function plugin:request(exchange) return { status = 200, body = "read " .. exchange:body() } end
    ]], { namespace = "team/reader", extra = "reads_body = true" })
    local gateway = rewriting('exchange:set_path("/read")', {
      files = { ["reader.lua"] = reader },
      endpoints = { endpoint("/read", "/u", { method = "POST", extra_config = { ["team/reader"] = {} } }) },
    })
    assert.equal("read " .. ("x"):rep(100000), gateway:post("/nowhere", { body = ("x"):rep(100000) }).body)
  end)

  it("cannot become what no request may be: function and value are told", function()
    for _, case in ipairs({
      { 'set_path("new")', [["new" is no path: it does not begin with "/"]] },
      { 'set_path("")', [["" is no path: it does not begin with "/"]] },
      { 'set_path("/a?b=1")', [["/a?b=1" is no path: "?" cannot be in it (exchange:set_query)]] },
      { 'set_path("/a#b")', [["/a#b" is no path: "#" cannot be in it]] },
      { 'set_path("/a\\r\\nb")', [["/a\r\nb" is no path: control characters cannot be in it]] },
      { 'set_path("/a\\0")', [["/a\x00" is no path: control characters cannot be in it]] },
      { 'set_method("GE T")', [["GE T" is no method]] },
      { 'set_method("")', [["" is no method]] },
      { 'set_method("GET\\r\\n")', [["GET\r\n" is no method]] },
      { 'set_query("a=b c")', [["a=b c" is no query: " " must be encoded (or give a table)]] },
      { 'set_query("a#b")', [["a#b" is no query: "#" must be encoded (or give a table)]] },
      { 'set_query("a\\n")', [["a\n" is no query: "\n" must be encoded (or give a table)]] },
      { "set_query({ a = print })", "a: expected a text, number or boolean, got function" },
      { 'set_query({ "a" })', "expected names, got a number" },
      { "set_query(nil)", "expected a text or a table, got nil" },
    }) do
      local gateway = rewriting("exchange:" .. case[1])
      assert.equal(500, gateway:get("/old/7").status, case[1])
      local told = ("exchange:%s: %s"):format(case[1]:match("^[%a_]+"), case[2])
      assert(gateway:logged(told, true), case[1] .. "\n" .. table.concat(gateway:log(), "\n"))
    end
    assert.same({}, upstream.requests)
  end)
end)

describe("a request that is rewritten too late", function()
  after_each(script.clean)

  local too_late = " cannot be called after routing (only in: request of a plugin named in plugin/http-server); for " ..
    "one backend there are call:set_url and call:set_method"

  for _, case in ipairs({ { "service", "request" }, { "endpoint", "request" }, { "endpoint", "proxy" } }) do
    it("is refused in the " .. case[2] .. " phase of the " .. case[1], function()
      for name, value in pairs({ set_path = "/y", set_method = "POST" }) do
        local body = ("function plugin:%s(exchange) exchange:%s(%q) end"):format(case[2], name, value)
        local gateway = script.gateway(body, { scope = case[1] })
        assert.equal(500, gateway:get("/x/1").status)
        assert(gateway:logged("exchange:" .. name .. too_late, true), table.concat(gateway:log(), "\n"))
      end
    end)
  end

  it("is refused in phases that see an answer", function()
    local gateway = script.gateway('function plugin:merged(exchange) exchange:set_path("/y") end')
    assert.equal(500, gateway:get("/x/1").status)
    assert.truthy(gateway:logged("exchange:set_path cannot be called in the merged phase (only in: request)", true))
  end)
end)
