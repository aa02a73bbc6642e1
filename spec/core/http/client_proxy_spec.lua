local fetching = require("spec.support.fetching")
local http = require("spec.support.http")
local core = require("spec.support.cdef").load("http/proxy_rules.h")
local ok = fetching.ok

describe("client behind a proxy", function()
  local world, proxy, arena

  --- A world whose client goes through a proxy at 10.0.0.9:3128.
  local function start(url, exceptions, options)
    if world then world:close() end
    arena = http.arena()
    options = options or {}
    options.proxy = core.proxy_rules_read(arena, http.str(arena, url or "http://10.0.0.9:3128"),
      http.str(arena, exceptions or ""))
    world = fetching.world(options)
    proxy = world:origin("10.0.0.9", 3128)
  end

  before_each(function() start() end)

  after_each(function()
    world:close()
    world = nil
  end)

  local function get(url, options) return world:finish(world:get(url, options)) end

  local function to(status, location)
    return ("HTTP/1.1 %d X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"):format(status, location)
  end

  it("sends it the whole URL, and the host of the backend", function()
    proxy:answer(ok("hello"))
    local fetch = get("http://nowhere.test:8080/a%20b?c=d")
    assert.equal("hello", fetch.body)
    assert.equal("http://nowhere.test:8080/a%20b?c=d", fetch.final_url)
    assert.equal("GET http://nowhere.test:8080/a%20b?c=d HTTP/1.1\r\nHost: nowhere.test:8080\r\n"
      .. "Accept-Encoding: gzip\r\n", proxy.requests[1].head)
    get("http://nowhere.test")
    get("http://u:p@[2001:db8::1]?x")
    assert.same({ "GET http://nowhere.test/", "GET http://[2001:db8::1]/?x" }, { unpack(proxy:targets(), 2) })
    assert.equal("Basic dTpw", proxy.requests[3].fields.authorization)
    assert.is_nil(proxy.requests[3].fields["proxy-authorization"])
  end)

  it("keeps its connections for all backends", function()
    proxy:answer(ok(""))
    get("http://a.test/")
    assert.is_true(get("http://b.test:81/").reused)
    assert.equal(1, #proxy.conns)
    assert.equal(1, world:idle())
  end)

  it("sends again on a new connection when a kept one was closed", function()
    proxy:answer(ok(""), function(conn) conn:close() end, ok("again"))
    get("http://a.test/1")
    assert.equal("again", get("http://a.test/2").body)
    assert.same({ "GET http://a.test/1", "GET http://a.test/2", "GET http://a.test/2" }, proxy:targets())
  end)

  it("sends content, streams and the end of persistence as ever", function()
    start(nil, nil, { disable_keep_alives = true })
    proxy:answer(ok(""))
    get("http://a.test/", { method = "POST", body = "content" })
    local fetch = world:fetch("http://a.test/s", { method = "POST", stream = true })
    fetch:write("one", true)
    world:finish(fetch)
    assert.equal("content", proxy.requests[1].body)
    assert.equal("one", proxy.requests[2].body)
    assert.equal("close", proxy.requests[2].fields.connection)
    assert.equal(2, #proxy.conns)
  end)

  it("tells it who it is, and nobody else", function()
    start("http://user:secret@10.0.0.9:3128", "b.test")
    world:name("b.test", { "10.0.0.1" })
    local direct = world:origin("10.0.0.1", 80):answer(ok(""))
    proxy:answer(ok(""))
    local fields = { { "Proxy-Authorization", "Basic c29tZWJvZHk=" }, { "X-A", "1" } }
    get("http://a.test/", { fields = fields })
    get("http://b.test/", { fields = { { "X-A", "1" } } })
    assert.equal("GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\n"
      .. "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\nAccept-Encoding: gzip\r\n", proxy.requests[1].head)
    assert.same({ "GET /" }, direct:targets())
    assert.is_nil(direct.requests[1].fields["proxy-authorization"])
  end)

  it("says nothing of others to a proxy that wants to know nobody", function()
    proxy:answer(ok(""))
    get("http://a.test/", { fields = { { "Proxy-Authorization", "Basic c29tZWJvZHk=" } } })
    assert.is_nil(proxy.requests[1].fields["proxy-authorization"])
  end)

  it("takes its refusal for a response", function()
    proxy:answer("HTTP/1.1 407 X\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 4\r\n\r\nwho?")
    local fetch = get("http://a.test/")
    assert.equal(407, fetch.status)
    assert.equal("who?", fetch.body)
    assert.equal("Basic realm=x", fetch.fields["proxy-authenticate"])
    assert.equal(1, #proxy.requests)
  end)

  it("decides anew where each redirect goes", function()
    start("http://user:secret@10.0.0.9:3128", "direct.test")
    world:name("direct.test", { "10.0.0.1" })
    local direct = world:origin("10.0.0.1", 80):answer(to(307, "http://b.test/2"))
    proxy:answer(to(302, "//direct.test/1"), to(302, "/3"), ok("there"))
    local fetch = get("http://a.test/")
    assert.equal("there", fetch.body)
    assert.equal("http://b.test/3", fetch.final_url)
    assert.same({ "GET http://a.test/", "GET http://b.test/2", "GET http://b.test/3" }, proxy:targets())
    assert.same({ "GET /1" }, direct:targets())
    assert.is_nil(direct.requests[1].fields["proxy-authorization"])
    for _, request in ipairs(proxy.requests) do
      assert.equal("Basic dXNlcjpzZWNyZXQ=", request.fields["proxy-authorization"])
    end
  end)

  it("goes where somebody decided before", function()
    proxy:answer(ok("proxy"))
    world:origin("10.0.0.1", 80):answer(ok("direct"))
    local fetch = world:get("http://10.0.0.1/")
    assert.equal("proxy", world:finish(fetch).body)
    assert.equal("direct", get("http://10.0.0.1/", { way = core.WAY_DIRECT }).body)
  end)

  it("resolves the proxy's name alone", function()
    start("http://proxy.test:3128")
    assert.equal("resolve", get("http://10.0.0.1/").failure)
    world:name("proxy.test", { "10.0.0.9" })
    proxy:answer(ok("found"))
    assert.equal("found", get("http://nowhere.test/").body)
  end)

  it("tells a failure to reach the proxy from one to reach a host", function()
    start("http://10.0.0.8:1", "10.0.0.1")
    assert.equal([[Get "http://a.test/": proxyconnect tcp: dial tcp 10.0.0.8:1: connect: connection refused]],
      get("http://a.test/").text)
    assert.equal([[Get "http://10.0.0.1/": dial tcp 10.0.0.1:80: connect: connection refused]],
      get("http://10.0.0.1/").text)
  end)

  it("knows no proxy for https", function()
    assert.matches("TLS to backends is not supported yet", get("https://a.test/").text, 1, true)
    assert.equal(0, #proxy.conns)
  end)
end)
