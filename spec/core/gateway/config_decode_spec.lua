local config = require("spec.support.config")

local function service(members)
  return config.parse(config.service(members))
end

local function endpoint(members)
  local c = assert(config.parse(config.endpoints({ members })))
  return c.endpoints[0], c
end

local function reason(text)
  local c, why = config.parse(text)
  assert.is_nil(c)
  return why:gsub("^'k.json': ", "")
end

describe("config_decode, keys", function()
  it("matches in any letter case, the exact spelling first", function()
    assert.equal(5, tonumber(service('"Port": 5').port))
    assert.equal(6, tonumber(service('"PORT": 5, "port": 6').port))
    assert.equal(6, tonumber(service('"port": 6, "PORT": 5').port))
  end)

  it("wants a backend's timeout to be a duration, though the endpoint's counts", function()
    local e = endpoint('"endpoint": "/a", "timeout": "3s", "backend": {"timeout": "1s"}')
    assert.equal(3e9, tonumber(e.timeout))
  end)

  it("ignores keys that it does not know, whatever their value", function()
    assert.is_not_nil(service('"$schema": {}, "@note": [1], "colour": null'))
  end)

  it("takes null for absent at every level", function()
    local c = config.parse([[{"version": 3, "timeout": null, "host": null, "extra_config": null, "tls": null,
      "endpoints": [{"endpoint": "/a", "method": null, "backend": [{"host": null, "allow": null,
        "mapping": null}]}]}]])
    assert.equal(2e9, tonumber(c.timeout))
    assert.equal("GET", config.lua(c.endpoints[0].method))
    assert.equal(0, tonumber(c.endpoints[0].backends[0].hosts.count))
  end)
end)

describe("config_decode, weak types (core.md 1.2)", function()
  local ints = {
    ["90.9"] = 90, ["3.7"] = 3, ['"9000"'] = 9000, ["true"] = 1, ["-1"] = -1, ['"+9"'] = 9, ['"0x1f"'] = 31,
    ['"010"'] = 8, ['"0b11"'] = 3, ["0.3e1"] = 3, ["-2.9"] = -2,
    ['"8_080"'] = 8080, ['"0x_1_f"'] = 31, ['"0_10"'] = 8, ['"-1_0"'] = -10,
  }
  for text, value in pairs(ints) do
    it("reads the number " .. text .. " as " .. value, function()
      assert.equal(value, tonumber(service('"port": ' .. text).port))
    end)
  end

  it("reads empty text, false, null and 0 as the default number", function()
    for _, text in ipairs({ '""', "false", "null", "0", '"0"' }) do
      assert.equal(8080, tonumber(service('"port": ' .. text).port))
    end
  end)

  local bools = { ["true"] = true, ["1"] = true, ["0.5"] = true, ["-1"] = true, ["0"] = false, ['""'] = false,
    ['"t"'] = true, ['"TRUE"'] = true, ['"True"'] = true, ['"1"'] = true, ['"f"'] = false,
      ['"False"'] = false }
  for text, value in pairs(bools) do
    it("reads the bool " .. text, function()
      assert.equal(value, service('"debug_endpoint": ' .. text).debug_endpoint)
    end)
  end

  local texts = { ["1"] = "1", ["1.5"] = "1.5", ["1.50"] = "1.5", ["7.0"] = "7", ["1e3"] = "1000",
    ["true"] = "1",
    ["false"] = "0", ["12345678901234567890"] = "12345678901234567890", ["25e-2"] = "0.25",
    ["1e23"] = "1" .. ("0"):rep(23), ["1E+30"] = "1" .. ("0"):rep(30), ["-12.50e1"] = "-125",
    ["123456.789e3"] = "123456789", ["1234.5e-6"] = "0.0012345", ["0.0012e3"] = "1.2", ["0.10"] = "0.1",
    ["1.23456789012345678901e1"] = "12.3456789012345678901", ["5e-324"] = "0." .. ("0"):rep(323) .. "5",
    ["1e308"] = "1" .. ("0"):rep(308), ["1e-400"] = "0", ["-0.0"] = "-0", ["0e9"] = "0", ["-0e99"] = "-0" }
  for text, value in pairs(texts) do
    it("reads " .. text .. " as text", function()
      assert.equal(value, config.lua(service('"name": ' .. text).name))
    end)
  end

  it("reads a scalar as a list of one, empty text included", function()
    local e = endpoint('"endpoint": "/a", "input_headers": "x-a", "input_query_strings": "", "backend": '
      .. '{"deny": 5}')
    assert.same({ "X-A" }, config.list(e.input_headers))
    assert.same({ "" }, config.list(e.input_query_strings))
    assert.same({ "5" }, config.list(e.backends[0].deny))
  end)

  it("reads an object as a list of one, an empty one as an empty list", function()
    local c = config.parse(config.service('"endpoints": {"endpoint": "/a", "backend": {"url_pattern": '
      .. '"/b"}}'))
    assert.equal(1, tonumber(c.endpoint_count))
    assert.equal(1, tonumber(c.endpoints[0].backend_count))
    assert.equal(0, tonumber(service('"endpoints": {}').endpoint_count))
  end)

  it("reads lists where objects are expected as all their objects in one", function()
    local e = endpoint('"endpoint": "/a", "extra_config": [], "backend": [{"mapping": [{"a": 1}, {"b": '
      .. '"c.d"}]}]')
    local b = e.backends[0]
    assert.equal(2, tonumber(b.mapping_count))
    assert.equal("1", config.lua(b.mapping[0].to))
    assert.equal("c.d", config.lua(b.mapping[1].to))
    b = endpoint('"endpoint": "/a", "backend": [{"mapping": [[], [{"a": "x"}, null], [[{"a": "y"}]]]}]').backends[0]
    assert.equal(1, tonumber(b.mapping_count))
    assert.equal("y", config.lua(b.mapping[0].to))
  end)

  local durations = { ['"1h30m"'] = 5400e9, ['"1.5s"'] = 1.5e9, ['".5s"'] = 5e8, ['"+2s"'] = 2e9,
    ['"-1s"'] = -1e9,
    ["3"] = 3, ["3000000000"] = 3e9, ["2.7"] = 2, ["true"] = 1, ["2E9"] = 2e9, ['"0"'] = 2e9, ["null"] = 2e9 }
  for text, ns in pairs(durations) do
    it("reads the duration " .. text, function()
      assert.equal(ns, tonumber(service('"timeout": ' .. text).timeout))
    end)
  end
end)

describe("config_decode, errors (R-CFG-2, R-CFG-3)", function()
  local head = "decoding failed due to the following error(s):\n\n"
  local cases = {
    ['"port": "http"'] = "'port' cannot parse value as 'int': strconv.ParseInt: invalid syntax",
    ['"port": "99999999999999999999"'] = "'port' cannot parse value as 'int': strconv.ParseInt: value out "
      .. "of range",
    ['"port": {}'] = "'port' expected type 'int', got unconvertible type 'map[string]interface {}'",
    ['"name": []'] = "'name' expected type 'string', got unconvertible type '[]interface {}'",
    ['"timeout": []'] = "'timeout' expected type 'time.Duration', got unconvertible type '[]interface {}'",
    ['"timeout": ""'] = "'timeout' time: invalid duration",
    ['"timeout": "3"'] = "'timeout' time: missing unit in duration",
    ['"timeout": "1d"'] = "'timeout' time: unknown unit",
    ['"debug_endpoint": "si"'] = "'debug_endpoint' cannot parse value as 'bool': strconv.ParseBool: "
      .. "invalid syntax",
    ['"endpoints": "x"'] = "'endpoints[0]' expected a map or struct, got \"string\"",
    ['"endpoints": [null]'] = "'endpoints[0]' expected a map or struct, got \"nil\"",
    ['"endpoints": [7]'] = "'endpoints[0]' expected a map or struct, got \"float64\"",
    ['"extra_config": [7]'] = "'extra_config[0]' expected type 'config.ExtraConfig', got unconvertible type 'float64'",
    ['"extra_config": [[{}, null, "x"]]'] =
      "'extra_config[0][2]' expected type 'config.ExtraConfig', got unconvertible type 'string'",
    ['"endpoints": {"backend": {"mapping": true}}'] =
      "'endpoints[0].backend[0].mapping' expected type 'map[string]string', got unconvertible type 'bool'",
    ['"host": {"a": 1}'] = "'host[0]' expected type 'string', got unconvertible type "
      .. "'map[string]interface {}'",
    ['"endpoints": [{"backend": [{}, {"mapping": {"m": []}}]}]'] =
      "'endpoints[0].backend[1].mapping[m]' expected type 'string', got unconvertible type '[]interface {}'",
    ['"endpoints": [{"backend": {"timeout": "3"}}]'] =
      "'endpoints[0].backend[0].timeout' time: missing unit in duration",
    ['"port": "8__080"'] = "'port' cannot parse value as 'int': strconv.ParseInt: invalid syntax",
    ['"port": "_8"'] = "'port' cannot parse value as 'int': strconv.ParseInt: invalid syntax",
    ['"port": "8_"'] = "'port' cannot parse value as 'int': strconv.ParseInt: invalid syntax",
    ['"port": "0x"'] = "'port' cannot parse value as 'int': strconv.ParseInt: invalid syntax",
    ['"port": "0_"'] = "'port' cannot parse value as 'int': strconv.ParseInt: invalid syntax",
    ['"plugin": []'] = "'plugin' expected a map or struct, got \"slice\"",
    ['"tls": [{"disabled": true}]'] = "'tls' expected a map or struct, got \"slice\"",
    ['"plugin": {"pattern": {}}'] =
      "'plugin.pattern' expected type 'string', got unconvertible type 'map[string]interface {}'",
  }
  for members, line in pairs(cases) do
    it("names " .. line:match("^%S+") .. " of " .. members, function()
      local why = reason('{"version": 3, ' .. members .. "}")
      assert.equal(head .. line, why:sub(1, #head + #line)) -- a bad duration is quoted behind it
      assert.is_nil(why:find("\n", #head + 1, true))
    end)
  end

  it("names all of them", function()
    local why = reason([[{"version": 3, "timeout": {}, "debug_endpoint": "si",
      "endpoints": [{"concurrent_calls": "many", "backend": [{"is_collection": "maybe", "mapping": "x"}]}]}]])
    local _, lines = why:gsub("\n'", "")
    assert.equal(5, lines)
  end)

  it("survives more errors than a message holds", function()
    assert.matches("^decoding failed", reason('{"host": [' .. ("{},"):rep(3000) .. "{}]}"))
  end)
end)
