--- Gateways whose backends are reached through a proxy (HTTP_PROXY, NO_PROXY).
local ffi = require("ffi")
local config = require("spec.support.config")
local core = require("spec.support.cdef").load("gateway/plan.h")
local kit = require("kit")
local script = require("spec.support.script")

describe("backends behind a proxy", function()
  local proxy, direct

  before_each(function()
    proxy = kit.upstream({ port = 3128 })
    proxy:on("*", "*"):reply(200, { from = "proxy" })
    direct = kit.upstream({ name = "direct.test" })
    direct:on("*", "*"):reply(200, { from = "direct" })
  end)

  after_each(script.clean)

  local function environ(exceptions, url)
    return { "PATH=/bin", "HTTP_PROXY=" .. (url or proxy.url), exceptions and "NO_PROXY=" .. exceptions or "X=y" }
  end

  local function gateway(endpoint, variables)
    endpoint.endpoint = endpoint.endpoint or "/a/{id}"
    return kit.gateway({ endpoints = { endpoint } }, { environ = variables or environ() })
  end

  local function targets()
    local list = {}
    for i, request in ipairs(proxy.requests) do list[i] = request.method .. " " .. request.target end
    return list
  end

  it("are asked there, with what belongs to the request", function()
    local g = gateway({
      method = "POST", input_headers = { "*" }, input_query_strings = { "*" },
      backend = { { host = "http://a.test:8080", url_pattern = "/x/{id}/y" } },
    })
    assert.equal("proxy", g:post("/a/7?q=1", { body = { n = 1 }, fields = { ["X-A"] = "b" } }):json().from)
    local request = proxy.requests[1]
    assert.same({ "POST http://a.test:8080/x/7/y?q=1" }, targets())
    assert.equal("a.test:8080", request.fields:get("Host"))
    assert.equal("b", request.fields:get("X-A"))
    assert.equal('{"n":1}', request.body)
  end)

  it("share its connections", function()
    local g = gateway({ backend = {
      { host = "http://a.test", url_pattern = "/x", group = "a" },
      { host = "http://b.test:81", url_pattern = "/y/{id}", group = "b" },
    } })
    for _ = 1, 10 do assert.equal("proxy", g:get("/a/1"):json().b.from) end
    assert.equal(20, #proxy.requests)
    assert.equal(2, proxy.connections)
    assert.equal(2, (select(3, g:counts())))
  end)

  for pattern, target in pairs({ ["/x?y=z"] = "/x?y=z", ["/x/{id}"] = "/x/1" }) do
    it("are asked directly where NO_PROXY says so: " .. pattern, function()
      local g = gateway({ backend = { { host = { "http://a.test", direct.url }, url_pattern = pattern } } },
        environ("b.test, direct.test"))
      for _ = 1, 10 do g:get("/a/1") end
      assert.equal(5, #proxy.requests)
      assert.equal(5, #direct.requests)
      assert.equal("http://a.test" .. target, proxy.requests[1].target)
      assert.equal(target, direct.requests[1].target)
    end)
  end

  it("may be shadows, or steps of a sequence", function()
    local g = gateway({
      backend = {
        { host = "http://a.test", url_pattern = "/1/{id}" },
        { host = "http://a.test", url_pattern = "/2/{resp0_from}" },
        { host = "http://a.test", url_pattern = "/shadow", extra_config = { proxy = { shadow = true } } },
      },
      extra_config = { proxy = { sequential = true } },
    })
    g:get("/a/1")
    kit.wait(function() return #proxy.requests == 3 end)
    local seen = targets()
    table.sort(seen)
    assert.same({ "GET http://a.test/1/1", "GET http://a.test/2/proxy", "GET http://a.test/shadow" }, seen)
  end)

  it("get no answer but the proxy's when it refuses", function()
    proxy:on("GET", "http://a.test/x"):reply(407, "who?", { ["Proxy-Authenticate"] = "Basic realm=x" })
    local g = gateway({ output_encoding = "no-op", backend = { { host = "http://a.test", url_pattern = "/x" } } })
    assert.equal(407, g:get("/a/1").status)
    g = gateway({ backend = { { host = "http://a.test", url_pattern = "/x" } } })
    assert.equal(500, g:get("/a/1").status)
  end)

  it("never see what the client wants the proxy to know", function()
    local function one(host, variables)
      gateway({ input_headers = { "*" }, backend = { { host = host, url_pattern = "/x" } } }, variables)
        :get("/a/1", { fields = { ["Proxy-Authorization"] = "Basic c29tZWJvZHk=" } })
    end
    one("http://a.test", environ())
    assert.is_nil(proxy.requests[1].fields:get("Proxy-Authorization"))
    one("http://a.test", environ(nil, proxy.url:gsub("://", "://user:secret@")))
    assert.same({ "Basic dXNlcjpzZWNyZXQ=" }, proxy.requests[2].fields:all("Proxy-Authorization"))
    one(direct.url, environ("direct.test")) -- as without a proxy
    assert.same({ "Basic c29tZWJvZHk=" }, direct.requests[1].fields:all("Proxy-Authorization"))
  end)

  it("that a plugin chose go where they have to", function()
    local function asked(url)
      return script.gateway(([[
        function plugin:call(call) call:set_url("%s") end
      ]]):format(url), { scope = "backend", environ = environ("direct.test") }):get("/x/1"):json().from
    end
    assert.equal("proxy", asked("http://a.test/x"))
    assert.equal("direct", asked(direct.url .. "/x"))
    assert.same({ "GET http://a.test/x" }, targets())
  end)

  it("that a plugin asks itself are no exception", function()
    local g = script.gateway(([[
      function plugin:request(exchange)
        local one = self.runtime.http.get("http://a.test/x?y=z")
        local other = self.runtime.http.get("%s/x")
        return { status = 200, body = one.body .. other.body }
      end
    ]]):format(direct.url), { environ = environ("direct.test") })
    assert.equal('{"from":"proxy"}{"from":"direct"}', g:get("/x/1").body)
    assert.same({ "GET http://a.test/x?y=z" }, targets())
  end)

  --- {what, variables, who is asked}
  for _, case in ipairs({
    { "no variable", {}, "direct" },
    { "an empty variable", { "HTTP_PROXY=" }, "direct" },
    { "small letters", { "http_proxy=PROXY" }, "proxy" },
    { "capitals before small letters", { "http_proxy=http://192.0.2.250:1", "HTTP_PROXY=PROXY" }, "proxy" },
    { "small letters where the capitals are empty", { "HTTP_PROXY=", "http_proxy=PROXY" }, "proxy" },
    { "a variable for https", { "HTTPS_PROXY=PROXY", "https_proxy=PROXY", "ALL_PROXY=PROXY" }, "direct" },
    { "an exception in small letters", { "HTTP_PROXY=PROXY", "no_proxy=direct.test" }, "direct" },
    { "exceptions in capitals before those in small letters",
      { "HTTP_PROXY=PROXY", "NO_PROXY=a.test", "no_proxy=direct.test" }, "proxy" },
    { "exceptions in small letters where the capitals are empty",
      { "HTTP_PROXY=PROXY", "NO_PROXY=", "no_proxy=direct.test" }, "direct" },
    { "an exception for all", { "HTTP_PROXY=socks5://192.0.2.250", "NO_PROXY=*" }, "direct" },
    { "no CGI", { "HTTP_PROXY=PROXY", "REQUEST_METHOD=" }, "proxy" },
    { "CGI without a proxy", { "HTTP_PROXY=PROXY", "NO_PROXY=*", "REQUEST_METHOD=GET" }, "direct" },
    { "names that only look alike", { "XHTTP_PROXY=PROXY", "HTTP_PROXYX=PROXY", "Http_Proxy=PROXY" }, "direct" },
  }) do
    it("are found by the environment: " .. case[1], function()
      local variables = {}
      for i, variable in ipairs(case[2]) do variables[i] = variable:gsub("PROXY$", proxy.url) end
      local g = gateway({ backend = { { host = direct.url, url_pattern = "/x" } } }, variables)
      assert.equal(case[3], g:get("/a/1"):json().from)
    end)
  end

  --- {what, variables, why}
  for _, case in ipairs({
    { "SOCKS", { "HTTP_PROXY=socks5://u:secret@p.test" },
      "HTTP_PROXY: socks5:// proxies are not supported: only http:// ones are" },
    { "https", { "http_proxy=https://p.test" },
      "http_proxy: https:// proxies are not supported: only http:// ones are" },
    { "what is no URL", { "HTTP_PROXY=p.test:secret" },
      "HTTP_PROXY: this is not the URL of a proxy, such as http://proxy.test:3128" },
    { "CGI", { "HTTP_PROXY=p.test", "REQUEST_METHOD=GET" },
      "HTTP_PROXY: not to be trusted where REQUEST_METHOD is set, for a client of a CGI script may have set it: "
      .. "unset one of them" },
  }) do
    local function endpoint(host)
      return { endpoint = "/a", backend = {
        { host = { direct.url, host }, url_pattern = "/x", group = "a" },
        { host = "http://127.0.0.1", url_pattern = "/x", group = "b" },
      } }
    end

    it("are refused before the start if one needs it: " .. case[1], function()
      local why = kit.refusal({ endpoints = { endpoint("http://a.test:81") } },
        { environ = { "NO_PROXY=direct.test", unpack(case[2]) } })
      assert.equal("'krakend.json': " .. case[3]
        .. " (backend 0 of GET /a would be asked through it: http://a.test:81)", why)
    end)

    it("are no reason to refuse the start if none needs it: " .. case[1], function()
      local g = gateway(endpoint(direct.url), { "NO_PROXY=direct.test", unpack(case[2]) })
      assert.truthy(g:logged(case[3] .. "; no backend needs it"))
      assert.equal("direct", g:get("/a"):json().a.from)
    end)
  end

  it("that a plugin asks fail where the proxy cannot be used", function()
    local g = script.gateway([[
      function plugin:request(exchange)
        local answer, why = self.runtime.http.get("http://a.test/x")
        return { status = 200, body = answer and "answered" or why }
      end
    ]], { environ = { "HTTP_PROXY=socks5://u:secret@p.test", "NO_PROXY=192.0.2.0/24" } })
    assert.equal('Get "http://a.test/x": proxyconnect: socks5:// proxies are not supported: only http:// ones are',
      g:get("/x/1").body)
  end)

  it("are warned of exceptions that will never be met", function()
    local g = gateway({ backend = { { host = "http://a.test", url_pattern = "/x" } } }, environ("b\195\169.test"))
    assert.truthy(g:logged("NO_PROXY: names that are not ASCII match no host"))
    assert.is_nil(gateway({ backend = { { host = "http://a.test", url_pattern = "/x" } } }, environ("b.test"))
      :logged("NO_PROXY"))
  end)
end)

describe("the way to a backend", function()
  --- By host of the only backend, and of its fixed URLs: "direct", "proxy", "undecided".
  local function ways(backend, variables)
    local names = { [0] = "undecided", "direct", "proxy" }
    local c = assert(config.parse(config.endpoints({ '"endpoint": "/{id}", "backend": [{' .. backend .. "}]" }),
      { env = variables }))
    local plans = ffi.gc(core.plans_new(c), core.plans_free)
    local plan, list, fixed = plans.endpoints[0].real.backends[0], {}, {}
    local decided = plan.backend.ways
    for i = 0, tonumber(plan.backend.hosts.count) - 1 do
      list[i + 1] = decided ~= nil and names[tonumber(decided[i])] or "undecided"
      fixed[i + 1] = plan.fixed ~= nil and names[tonumber(plan.fixed[i].url.way)] or nil
    end
    return table.concat(list, " "), table.concat(fixed, " ")
  end

  local behind = { "HTTP_PROXY=p.test", "NO_PROXY=b.test" }

  it("is decided when the configuration loads", function()
    local hosts = '"host": ["a.test", "b.test:8080", "localhost:8080"], '
    local list, fixed = ways(hosts .. '"url_pattern": "/x?y"', behind)
    assert.equal("proxy direct direct", list)
    assert.equal(list, fixed)
    list, fixed = ways(hosts .. '"url_pattern": "/x/{id}"', behind)
    assert.equal("proxy direct direct", list)
    assert.equal("", fixed)
    list, fixed = ways(hosts .. '"url_pattern": "/x"', {})
    assert.equal("direct direct direct", list)
    assert.equal(list, fixed)
  end)

  it("is left open when the host is not known then", function()
    assert.equal("undecided", (ways('"host": "x.test", "sd": "dns", "url_pattern": "/x"', behind)))
    assert.equal("undecided proxy", (ways('"host": ["http:/", "http://a.test/b"], "disable_host_sanitize": true, '
      .. '"url_pattern": "/b.test/{id}"', behind)))
  end)
end)
