local config = require("spec.support.config")

local function reason(text)
  local c, why = config.parse(text)
  assert.is_nil(c)
  return (why:gsub("^'k.json': ", ""))
end

local function service(members)
  return assert(config.parse(config.service(members)))
end

describe("config_service, defaults (core.md 1.5)", function()
  it("are those of the reference", function()
    local c = service()
    assert.equal(8080, tonumber(c.port))
    assert.equal(2e9, tonumber(c.timeout))
    assert.equal(0, tonumber(c.cache_ttl))
    assert.equal(30e9, tonumber(c.dns_cache_ttl))
    assert.equal(250, tonumber(c.client.max_idle_connections_per_host))
    assert.equal(0, tonumber(c.client.max_idle_connections))
    assert.equal(1048576 + 4096, tonumber(c.server.max_head))
    assert.equal("", config.lua(c.listen_ip))
    assert.equal(".lua", config.lua(c.plugin.pattern))
    assert.is_false(c.plugin.present)
  end)

  it("stand in for zero", function()
    local c = service('"port": 0, "timeout": 0, "max_idle_connections_per_host": 0, "dns_cache_ttl": "900ms"')
    assert.equal(8080, tonumber(c.port))
    assert.equal(2e9, tonumber(c.timeout))
    assert.equal(250, tonumber(c.client.max_idle_connections_per_host))
    assert.equal(30e9, tonumber(c.dns_cache_ttl))
  end)

  it("leave what is written, negative timeouts and ports out of range too", function()
    local c = service('"port": 70000, "timeout": "-1s", "max_header_bytes": 100, "dns_cache_ttl": "1s"')
    assert.equal(70000, tonumber(c.port))
    assert.equal(-1e9, tonumber(c.timeout))
    assert.equal(100 + 4096, tonumber(c.server.max_head))
    assert.equal(1e9, tonumber(c.dns_cache_ttl))
  end)

  it("read folders of plugins, one or many", function()
    assert.same({ "a" }, config.list(service('"plugin": {"folder": "a", "pattern": ".x"}').plugin.folders))
    assert.same({ "a", "b" }, config.list(service('"plugin": {"folder": ["a", "b"]}').plugin.folders))
  end)
end)

describe("config_service, checks in their order (core.md 1.9)", function()
  it("wants version 3", function()
    assert.equal("unsupported version: 0 (want: 3)", reason("{}"))
    assert.equal("unsupported version: 2 (want: 3)", reason('{"version": 2, "listen_ip": "x", "host": [""]}'))
    assert.is_not_nil(config.parse('{"version": "3"}'))
    assert.is_not_nil(config.parse('{"version": 3.7}'))
  end)

  it("wants an address without brackets to listen on", function()
    for _, ip in ipairs({ "localhost", "[::1]", "1.2.3", "::1%lo" }) do
      assert.equal("invalid ip address " .. ip, reason(('{"version": 3, "listen_ip": "%s"}'):format(ip)))
    end
    for _, ip in ipairs({ "127.0.0.1", "::1", "::", "0.0.0.0" }) do
      assert.equal(ip, config.lua(service(('"listen_ip": "%s"'):format(ip)).listen_ip))
    end
  end)

  it("stops at the first error", function()
    assert.equal("invalid ip address x",
      reason('{"version": 3, "listen_ip": "x", "host": [""], "endpoints": [{}]}'))
    assert.equal("host  not valid: invalid host", reason('{"version": 3, "host": [""], "endpoints": [{}]}'))
  end)
end)

describe("config_host (core.md 1.11)", function()
  local good = {
    ["a.com"] = "http://a.com", ["http://a.com/"] = "http://a.com",
      ["https://a.com:443"] = "https://a.com:443",
    ["a_b.c"] = "http://a_b.c", ["  a.com "] = "http://a.com", ["*.a.com"] = "http://.a.com",
    ["a.com:80/"] = "http://a.com:80", ["http://"] = "http://http", ["localhost"] = "http://localhost",
    ["a:123456"] = "http://a:123456", ["https"] = "http://https",
  }
  for text, host in pairs(good) do
    it("makes " .. host .. " of '" .. text .. "'", function()
      local c = assert(config.parse(('{"version": 3, "host": ["%s"]}'):format(text)))
      assert.same({ host }, config.list(c.hosts))
    end)
  end

  local bad = { "http://a.com/path", "http://u:p@a.com", "ftp://a.com", "HTTP://a.com", "http://[::1]:80",
    "a:1", "a:1234567",
    "", "//", "a.com b.com" }
  for _, text in ipairs(bad) do
    it("refuses '" .. text .. "'", function()
      assert.equal("host " .. text .. " not valid: invalid host",
        reason(('{"version": 3, "host": ["%s"]}'):format(text)))
    end)
  end

  it("leaves a backend's hosts as they are if it is told so, never the service's", function()
    local c = config.parse(config.endpoints({
      '"endpoint": "/a", "backend": [{"host": ["amqp://u:p@h", ""], "disable_host_sanitize": true}]',
    }))
    assert.same({ "amqp://u:p@h", "" }, config.list(c.endpoints[0].backends[0].hosts))
  end)

  it("gives a backend the service's hosts only if it has none", function()
    local c = config.parse(config.endpoints({
      '"endpoint": "/a", "backend": [{}, {"host": []}, {"host": "b.test"}]',
    }))
    local backends = c.endpoints[0].backends
    assert.same({ "http://h.test" }, config.list(backends[0].hosts))
    assert.same({ "http://h.test" }, config.list(backends[1].hosts))
    assert.same({ "http://b.test" }, config.list(backends[2].hosts))
  end)
end)
