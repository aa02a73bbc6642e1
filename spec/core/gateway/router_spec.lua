local config = require("spec.support.config")

local function router(endpoints, members)
  return config.router(assert(config.parse(config.endpoints(endpoints, members))))
end

local function options(block, more)
  return '"extra_config": {"router": ' .. block .. "}" .. (more and ", " .. more or "")
end

local function match(r, method, path)
  return { config.match(r, method, path) }
end

local function found(r, path, pattern, params)
  local m = match(r, "GET", path)
  assert.same({ "found", pattern, params or "" }, { m[1], m[2], m[3] }, path)
end

local function redirects(r, cases, method)
  for path, location in pairs(cases) do
    local verdict, where = config.match(r, method or "GET", path)
    assert.same({ "redirect", location }, { verdict, where }, path)
  end
end

local function is_none(r, method, ...)
  for _, path in ipairs({ ... }) do assert.equal("none", (config.match(r, method, path)), path) end
end

describe("router, matching", function()
  it("prefers literal text and goes back (R-RT-1)", function()
    local r = router({ "/u/fixed", "/u/{id}", "/u/{id}/sub", "/u/{id}/{x}", "/u/fixed/deep/{y}" })
    found(r, "/u/fixed", "/u/fixed")
    found(r, "/u/fixe", "/u/:id", "id=fixe")
    found(r, "/u/fixed/sub", "/u/:id/sub", "id=fixed")
    found(r, "/u/fixed/deep", "/u/:id/:x", "id=fixed x=deep")
    found(r, "/u/fixed/deep/1", "/u/fixed/deep/:y", "y=1")
    is_none(r, "GET", "/u/1/deep/2")
  end)

  it("goes back over several parameters, whatever was tried before", function()
    local r = router({ "/a/b/{x}", "/{p}/{q}/c/d", "/a/{y}/c/e" })
    found(r, "/a/b/c", "/a/b/:x", "x=c")
    found(r, "/a/b/c/d", "/:p/:q/c/d", "p=a q=b")
    found(r, "/a/b/c/e", "/a/:y/c/e", "y=b")
  end)

  it("lets a parameter in the middle be empty, never the last one", function()
    local r = router({ "/u/{id}/sub", "/w/{id}" })
    found(r, "/u//sub", "/u/:id/sub", "id=")
    is_none(r, "GET", "/w/")
  end)

  it("takes paths as they are, decoded (R-RT-2 to 4)", function()
    local r = router({ "/sp ace", "/p%20q", "/q?x=1", "/é/{x}" })
    found(r, "/sp ace", "/sp ace")
    found(r, "/p%20q", "/p%20q")
    found(r, "/q?x=1", "/q?x=1")
    found(r, "/é/a b", "/é/:x", "x=a b")
    found(r, "/é/\255\0", "/é/:x", "x=\255\0")
    is_none(r, "GET", "/q", "/p q")
  end)

  it("begins a parameter at a colon (R-CFG-15b)", function()
    local r = router({ "/users:batch", "/v1/:id/x", "/esc\\\\:aped" })
    found(r, "/users:batch", "/users:batch", "batch=:batch")
    found(r, "/usersanything", "/users:batch", "batch=anything")
    found(r, "/v1/7/x", "/v1/:id/x", "id=7")
    found(r, "/esc:aped", "/esc\\:aped")
    is_none(r, "GET", "/users", "/escXaped")
  end)

  it("keeps what follows a placeholder in its name (R-CFG-12)", function()
    found(router({ "/a/{b}.json" }), "/a/anything", "/a/:b.json", "b.json=anything")
    local wide = router({ "/file.{ext}" }, '"disable_rest": true')
    found(wide, "/file.txt", "/file.:ext", "ext=txt")
    is_none(wide, "GET", "/file.", "/filetxt")
  end)

  it("cleans the path that it registers (R-CFG-15a)", function()
    local r = router({ "/a//b", "/c/./d/../e/", "/x/.." })
    found(r, "/a/b", "/a/b")
    found(r, "/c/e/", "/c/e/")
    found(r, "/", "/")
    redirects(r, { ["/a//b"] = "/a/b" })
  end)

  it("keeps methods apart, each with its own names", function()
    local r = router({ "GET /p/{a}", "POST /p/{b}", "DELETE /p/{c}/x" })
    assert.same({ "found", "/p/:b", "b=1" }, { unpack(match(r, "POST", "/p/1"), 1, 3) })
    found(r, "/p/1", "/p/:a", "a=1")
    assert.same({ "allow", "GET" }, match(r, "get", "/__health"))
  end)

  it("finds an endpoint by the method in any letter case of the configuration", function()
    local r = router({ '"endpoint": "/a", "method": "pOsT", "backend": [{}]' })
    assert.equal("found", (config.match(r, "POST", "/a")))
  end)
end)

describe("router, built-in routes (core.md 2.1)", function()
  local function kind(r, method, path)
    local m = match(r, method, path)
    return m[4], m[3]
  end

  it("are the health route, alone at first", function()
    local r = router({})
    assert.equal("health", (kind(r, "GET", "/__health")))
    is_none(r, "GET", "/__debug/", "/__echo/", "/")
  end)

  it("are elsewhere or nowhere when told so", function()
    assert.equal("health", (kind(router({}, options('{"health_path": "up"}')), "GET", "/up")))
    is_none(router({}, options('{"disable_health": true}')), "GET", "/__health")
  end)

  it("answer all methods below /__debug/ and /__echo/", function()
    local r = router({ "/__debugger", "/{x}" }, '"debug_endpoint": true, "echo_endpoint": true')
    for _, method in ipairs({ "GET", "POST", "PUT", "PATCH", "HEAD", "OPTIONS", "DELETE", "CONNECT",
      "TRACE" }) do
      assert.same({ "debug", "param=/x/y" }, { kind(r, method, "/__debug/x/y") })
      assert.same({ "echo", "param=/" }, { kind(r, method, "/__echo/") })
    end
    assert.equal("none", (config.match(r, "BREW", "/nowhere/x")))
    found(r, "/__debugger", "/__debugger")
    found(r, "/__debug", "/:x", "x=__debug")
    redirects(router({}, '"debug_endpoint": true'), { ["/__debug"] = "/__debug/",
      ["/__DEBUG"] = "/__debug/" })
  end)
end)

describe("router, redirects (core.md 2.3)", function()
  it("mend slashes, dots and letter case (R-RT-5)", function()
    local r = router({ "/foo", "/Mixed/{id}/End", "/élan", "/bar/" })
    redirects(r, {
      ["/foo/"] = "/foo", ["/FOO"] = "/foo", ["//foo"] = "/foo", ["/./foo"] = "/foo", ["/x/../foo"] = "/foo",
      ["/foo//"] = "/foo", ["/FOO/"] = "/foo", ["/foo/."] = "/foo", ["/..//../foo"] = "/foo",
        ["/bar"] = "/bar/",
      ["/mixed/AbC/END"] = "/Mixed/AbC/End", ["/MIXED/é/end/"] = "/Mixed/%C3%A9/End",
        ["/ÉLAN"] = "/%C3%A9lan",
    })
    is_none(r, "GET", "/nowhere", "/FOOO", "/fo", "/")
  end)

  it("tell whether a prefix goes in front: for slashes only", function()
    local r = router({ "/foo" })
    assert.is_true(match(r, "GET", "/foo/")[3])
    assert.is_false(match(r, "GET", "/FOO")[3])
  end)

  it("look at the routes of the method only, and never redirect / or CONNECT", function()
    local r = router({ "/foo", "POST /bar" }, '"debug_endpoint": true')
    is_none(r, "POST", "/foo/")
    redirects(r, { ["/bar/"] = "/bar", ["/BAR"] = "/bar" }, "POST")
    is_none(r, "CONNECT", "/__DEBUG/x")
    is_none(router({ "/{a}" }), "GET", "/")
  end)

  it("encode the target again", function()
    local r = router({ "/foo bar", "/t/{x}", "/a&b" })
    redirects(r, {
      ["/foo bar/"] = "/foo%20bar", ["/FOO BAR"] = "/foo%20bar", ["/t/<b>/"] = "/t/%3Cb%3E",
        ['/t/a"b/'] = "/t/a%22b",
      ["/T/é"] = "/t/%C3%A9", ["/a&b/"] = "/a&b", ["/t/a%20b/"] = "/t/a%2520b", ["/T/A/"] = "/t/A",
    })
  end)

  it("stay on this host (R-RT-7a)", function()
    local r = router({ "/{a}/{b}" })
    redirects(r, { ["//evil.test/"] = "/evil.test" })
    for _, path in ipairs({ "//evil.test/", "///evil.test/", "/%2Fevil.test/x/", "//evil.test//",
      "/\\evil.test/x/" }) do
      local verdict, location = config.match(r, "GET", path)
      if verdict == "redirect" then assert.matches("^/[^/\\]", location, path) end
    end
  end)

  it("are over-eager where the reference is (R-RT-7)", function()
    redirects(router({ "/{any}/z" }), { ["/X/"] = "/X" })
    redirects(router({ "/u/{id}/sub" }), { ["/u/1/"] = "/u/1" })
    redirects(router({ "/u/{id}", "/users/{id}" }), { ["/u/"] = "/u" })
    redirects(router({ "/{a}" }), { ["//"] = "/", ["/x/"] = "/x" })
    is_none(router({ "/u/{id}/sub", "/w/{id}" }), "GET", "/w/")
  end)

  it("can be switched off, both or one (R-RT-6)", function()
    local off = router({ "/foo", "/bar/" },
      options('{"disable_redirect_fixed_path": true, "disable_redirect_trailing_slash": true}'))
    is_none(off, "GET", "/foo/", "/bar", "/FOO", "//foo")
    local slash = router({ "/foo", "/bar/" }, options('{"disable_redirect_trailing_slash": true}'))
    redirects(slash, { ["/foo/"] = "/foo", ["/bar"] = "/bar/", ["/FOO"] = "/foo" })
    assert.is_false(match(slash, "GET", "/foo/")[3])
    local fixed = router({ "/foo" }, options('{"disable_redirect_fixed_path": true}'))
    redirects(fixed, { ["/foo/"] = "/foo" })
    is_none(fixed, "GET", "/FOO", "//foo")
  end)

  it("are not needed for slashes with remove_extra_slash (R-RT-8)", function()
    local r = router({ "/foo", "/u/{id}/x" }, options('{"remove_extra_slash": true}'))
    found(r, "//foo", "/foo")
    found(r, "/./foo", "/foo")
    found(r, "///u//7//x", "/u/:id/x", "id=7")
    redirects(r, { ["/foo/"] = "/foo", ["//foo/"] = "/foo" })
    is_none(r, "GET", "/u//x")
  end)

  it("see a final dot as a slash then, as without it", function()
    redirects(router({ "/foo", "/u/{id}/x" }, options('{"remove_extra_slash": true}')),
      { ["/foo/."] = "/foo/", ["/u/7/x/./."] = "/u/7/x/" })
    found(router({ "/foo/" }, options('{"remove_extra_slash": true}')), "/foo/.", "/foo/")
  end)
end)

describe("router, other methods (core.md 2.4)", function()
  it("are listed in the order in which they were first seen", function()
    local r = router({ "DELETE /a", "POST /a", "GET /a", "PUT /b", "POST /b", "PATCH /u/{x}",
      "DELETE /u/{y}" })
    assert.same({ "allow", "GET, DELETE, POST" }, match(r, "PUT", "/a"))
    assert.same({ "allow", "GET, DELETE, POST" }, match(r, "FOO", "/a"))
    assert.same({ "allow", "POST, PUT" }, match(r, "GET", "/b"))
    assert.same({ "allow", "DELETE, PATCH" }, match(r, "HEAD", "/u/1"))
    assert.same({ "allow", "GET" }, match(r, "DELETE", "/__health"))
    is_none(r, "FOO", "/none")
  end)

  it("begin with those of the debug endpoint", function()
    local r = router({ "DELETE /a", "POST /a" }, '"debug_endpoint": true')
    assert.same({ "allow", "POST, DELETE" }, match(r, "GET", "/a"))
  end)

  it("are not looked for when told so", function()
    local r = router({ "/a" }, options('{"disable_handle_method_not_allowed": true}'))
    is_none(r, "POST", "/a")
  end)

  it("do not serve HEAD for GET (R-RT-9)", function()
    assert.same({ "allow", "GET" }, match(router({ "/a" }), "HEAD", "/a"))
  end)
end)

describe("router, auto_options (R-RT-10)", function()
  local auto = options('{"auto_options": true}')

  it("answers OPTIONS with the methods of the path, sorted", function()
    local r = router({ "PUT /a", "GET /a", "POST /b/{id}", "DELETE /a" }, auto)
    local m = match(r, "OPTIONS", "/a")
    assert.equal("options", m[4])
    assert.equal("DELETE, GET, PUT", config.lua(m[5].allow))
    assert.equal("POST", config.lua(match(r, "OPTIONS", "/b/7")[5].allow))
    assert.equal("id=7", match(r, "OPTIONS", "/b/7")[3])
    redirects(r, { ["/a/"] = "/a", ["/A"] = "/a" }, "OPTIONS")
    assert.same({ "allow", "GET, PUT, DELETE, OPTIONS" }, match(r, "POST", "/a"))
    assert.same({ "allow", "POST, OPTIONS" }, match(r, "GET", "/b/7"))
    assert.same({ "allow", "GET" }, match(r, "OPTIONS", "/__health"))
  end)

  it("leaves out what has no endpoint that can be served", function()
    local r = router({ '"endpoint": "/a", "method": "HEAD", "backend": [{}]', "/b" }, auto)
    is_none(r, "OPTIONS", "/a")
    assert.equal("GET", config.lua(match(r, "OPTIONS", "/b")[5].allow))
  end)

  it("takes two spellings of one path for one", function()
    local r = router({ "GET /a/b", "POST /a//b" }, auto)
    assert.equal("GET, POST", config.lua(match(r, "OPTIONS", "/a/b")[5].allow))
  end)
end)

describe("router, conflicts (core.md 1.12)", function()
  local cases = {
    { { "/a", "/a" },
      "handlers are already registered for path '/a': endpoints[1] (GET /a) and endpoints[0] (GET /a)" },
    { { "/a/b", "/a//b" },
      "handlers are already registered for path '/a/b': endpoints[1] (GET /a//b) and endpoints[0] (GET "
        .. "/a/b)" },
    { { "/a/{x}", "/a/{y}" },
      "':y' in new path '/a/:y' conflicts with existing wildcard ':x' in existing prefix '/a/:x': "
      .. "endpoints[1] (GET /a/{y}) and endpoints[0] (GET /a/{x})" },
    { { "/a/{x}", "/b", "/a/{y}/z" },
      "':y' in new path '/a/:y/z' conflicts with existing wildcard ':x' in existing prefix "
      .. "'/a/:x': endpoints[2] (GET /a/{y}/z) and endpoints[0] (GET /a/{x})" },
    { { "/a/*" }, "wildcards must be named with a non-empty name in path '/a/*': endpoints[0] (GET /a/*)" },
    { { "/*" }, "wildcards must be named with a non-empty name in path '/*': endpoints[0] (GET /*)" },
    { { "/a/:/b" },
      "wildcards must be named with a non-empty name in path '/a/:/b': endpoints[0] (GET /a/:/b)" },
    { { "/users/{id}:on" },
      "only one wildcard per path segment is allowed, has: ':id:on' in path '/users/:id:on': "
      .. "endpoints[0] (GET /users/{id}:on)" },
    { { "/a\\\\b" }, "invalid escape string in path '/a\\b': endpoints[0] (GET /a\\b)" },
  }
  for _, case in ipairs(cases) do
    it("are refused: " .. table.concat(case[1], " and "), function()
      local r, why = router(case[1])
      assert.is_nil(r)
      assert.equal(case[2], why)
    end)
  end

  it("are refused with disable_rest", function()
    local _, why = router({ "/{a}-{b}" }, '"disable_rest": true')
    assert.matches("only one wildcard per path segment is allowed, has: ':a-:b' in path '/:a-:b'", why, 1,
      true)
  end)

  it("are refused with the health route", function()
    local _, why = router({ "/alive" }, options('{"health_path": "/alive"}'))
    assert.equal("handlers are already registered for path '/alive': endpoints[0] (GET /alive) and the "
      .. "health route /alive", why)
    _, why = router({}, options('{"health_path": "/__debug/x"}', '"debug_endpoint": true'))
    assert.matches("the debug endpoint and the health route /__debug/x", why, 1, true)
  end)

  it("are refused in the OPTIONS routes", function()
    local _, why = router({ "GET /a/{x}", "POST /a/{y}" }, options('{"auto_options": true}'))
    assert.matches("conflicts with existing wildcard ':x'", why, 1, true)
    assert.matches("the OPTIONS route of endpoints[1] (POST /a/{y})", why, 1, true)
  end)

  it("are none between a literal and a parameter, or two letter cases", function()
    local r = router({ "/a/b", "/a/{x}", "/A", "/a", "POST /a" })
    found(r, "/a/b", "/a/b")
    found(r, "/A", "/A")
  end)

  it("bound the number of parameters and the length of a path", function()
    local names = {}
    for i = 1, 64 do names[i] = "{p" .. i .. "}" end
    assert.is_not_nil(router({ "/" .. table.concat(names, "/") }))
    names[65] = "{last}"
    local _, why = router({ "/" .. table.concat(names, "/") })
    assert.matches("more than 64 parameters in path", why, 1, true)
    _, why = router({ "/" .. ("x"):rep(9000) })
    assert.matches("a path of 9001 bytes is too long", why, 1, true)
  end)
end)
