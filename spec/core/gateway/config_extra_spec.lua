local config = require("spec.support.config")
local core = config.core

local function has(extra, name)
  return core.config_extra(extra, config.str(name)) ~= nil
end

local function text(node)
  return config.lua(core.doc_text(config.arena(), node))
end

local function service(extra)
  return assert(config.parse(config.service('"extra_config": ' .. extra)))
end

describe("config_extra, namespaces (core.md 1.8)", function()
  local long = {
    ["github_com/luraproject/lura/router/gin"] = "router",
    ["github.com/devopsfaith/krakend/proxy"] = "proxy",
    ["github.com/devopsfaith/krakend/http"] = "backend/http",
    ["github.com/devopsfaith/krakend-lua/proxy/backend"] = "modifier/lua-backend",
    ["github.com/devopsfaith/krakend-circuitbreaker/gobreaker"] = "qos/circuit-breaker",
    ["github_com/devopsfaith/krakend/transport/http/server/handler"] = "plugin/http-server",
    ["github_com/letgoapp/krakend-influx"] = "telemetry/influx",
  }
  for old, short in pairs(long) do
    it("knows " .. short .. " by its old name", function()
      local c = service(('{"%s": {"a": 1}, "other": 2}'):format(old))
      assert.is_true(has(c.extra, short))
      assert.is_false(has(c.extra, old))
      assert.is_true(has(c.extra, "other"))
      assert.is_true(has(c.written, old)) -- check -d shows what is written
    end)
  end

  it("lets the short name win, whatever the order", function()
    local old = '"github.com/devopsfaith/krakend/proxy": {"a": 1}'
    for _, extra in ipairs({ "{" .. old .. ', "proxy": {"a": 2}}', '{"proxy": {"a": 2}, ' .. old .. "}" }) do
      local c = service(extra)
      assert.equal('{"a": 2}', text(core.config_extra(c.extra, config.str("proxy"))))
    end
  end)

  it("works at endpoints and backends", function()
    local c = config.parse(config.endpoints({ [["endpoint": "/a",
      "extra_config": {"github.com/devopsfaith/krakend/proxy": {"sequential": true}}, "backend": [{},
      {"extra_config": {"github.com/devopsfaith/krakend/http": {"return_error_code": true}}}] ]] }))
    assert.is_true(c.endpoints[0].sequential)
    assert.is_true(c.endpoints[0].backends[1].return_error_code)
  end)

  it("matches letter case exactly", function()
    assert.is_false(has(service('{"Router": {"return_error_msg": true}}').extra, "router"))
  end)

  it("is an object where nothing is written", function()
    local c = config.parse(config.endpoints({ "/a" }))
    assert.equal("{}", text(c.extra))
    assert.equal("{}", text(c.endpoints[0].extra))
    assert.equal("{}", text(c.endpoints[0].backends[0].extra))
  end)

  it("keeps the digits of numbers", function()
    local c = service('{"x": {"n": 12345678901234567890, "f": 1.10}}')
    assert.equal('{"n": 12345678901234567890, "f": 1.10}', text(core.config_extra(c.extra, config.str("x"))))
  end)
end)

describe("config_extra, what is not there yet", function()
  it("is warned of, and guards are called so", function()
    local c = config.parse(config.endpoints({
      '"endpoint": "/a", "method": "POST", "extra_config": {"auth/validator": {}, "made/up": {}}, '
        .. '"backend": [{"extra_config":'
        .. ' {"qos/http-cache": {}, "validation/cel": null}}]',
    }, '"extra_config": {"github_com/devopsfaith/krakend-cors": {}, "telemetry/gelf": {}}'))
    local lines = config.warnings(c)
    table.sort(lines)
    assert.same({
      "WARNING auth/validator at endpoint POST /a is not supported yet: nothing is checked or protected "
        .. "by it",
      "WARNING qos/http-cache at backend 0 of POST /a is not supported yet and has no effect",
      "WARNING security/cors at the service is not supported yet: nothing is checked or protected by it",
      "WARNING telemetry/gelf at the service is not supported yet and has no effect",
    }, lines)
  end)

  it("says nothing of what is supported or unknown", function()
    local c = service('{"qos/ratelimit/router": {}, "plugin/http-server": {}, "acme/x": {}, '
      .. '"cuttle/workers": {}, "note": "x"}')
    assert.same({}, config.warnings(c))
  end)
end)
