local ffi = require("ffi")
local config = require("spec.support.config")

local function refused(text, options)
  local c, why = config.parse(text, options)
  assert.is_nil(c)
  return why
end

local function write_file(text, suffix)
  local name = os.tmpname() .. (suffix or "")
  local file = assert(io.open(name, "w"))
  file:write(text)
  file:close()
  return name
end

local function load(name)
  local err = ffi.new("struct error")
  local c = config.core.config_load(name, nil, err)
  if c == nil then return nil, ffi.string(err.text) end
  return config.hold(c)
end

describe("config, reading (R-CFG-1)", function()
  it("reads a file", function()
    local name = write_file(config.service('"port": 90'))
    local c = load(name)
    os.remove(name)
    assert.equal(90, tonumber(c.port))
    assert.equal(name, config.lua(c.file))
  end)

  it("says what KrakenD says of files that cannot be read", function()
    local _, why = load("nowhere.json")
    assert.equal("'nowhere.json': open nowhere.json: no such file or directory", why)
    _, why = load("/tmp")
    assert.equal("'/tmp': read /tmp: is a directory", why)
    _, why = load(("n"):rep(300))
    assert.matches("n: file name too long$", why)
  end)

  it("refuses formats that it cannot read yet, by the extension", function()
    for _, suffix in ipairs({ ".yml", ".yaml", ".toml" }) do
      local name = write_file("version = 3", suffix)
      local _, why = load(name)
      os.remove(name)
      assert.matches("files are not supported yet", why)
    end
  end)

  local syntax = {
    ["" ] = "unexpected end of JSON input (line 1, column 1)",
    ["{"] = "unexpected end of JSON input (line 1, column 2)",
    ['{"a": 1,\n  }'] = "invalid character '}' looking for beginning of object key string (line 2, column 3)",
    ['{"a": 1}\n\n x'] = "invalid character 'x' after top-level value (line 3, column 2)",
    ['{\n"a": tru3}'] = "invalid character '3' in literal true (expecting 'e') (line 2, column 9)",
    ["\239\187\191{}"] = "invalid character '\195\175' looking for beginning of value (line 1, column 1)"
      .. ": the file begins with a byte order mark; save it as UTF-8 without one",
    ["\255\254{\0}\0"] = "invalid character '\195\191' looking for beginning of value (line 1, column 1)"
      .. ": the file begins with a byte order mark; save it as UTF-8 without one",
    ["[1]"] = "json: cannot unmarshal array into Go value of type map[string]interface {}",
    ["7"] = "json: cannot unmarshal number into Go value of type map[string]interface {}",
  }
  for text, why in pairs(syntax) do
    it("refuses " .. ("%q"):format(text), function()
      assert.equal("'k.json': " .. why, refused(text))
    end)
  end

  it("refuses numbers that no double holds, wherever they stand", function()
    local why = "json: cannot unmarshal number %s into Go value of type float64"
    for _, number in ipairs({ "1e309", "-1e400", "1.7976931348623159e308", ("9"):rep(310) }) do
      assert.equal("'k.json': " .. why:format(number), refused(config.service('"x": {"y": [' .. number .. "]}")))
    end
    assert.is_truthy(config.parse(config.service('"x": [1.7976931348623157e308, 1e-999]')))
  end)

  it("takes null for an empty object", function()
    assert.equal("'k.json': unsupported version: 0 (want: 3)", refused("null"))
  end)

  it("takes the last of two members of one name", function()
    assert.equal(2, tonumber(config.parse('{"version": 9, "version": 3, "port": 1, "port": 2}').port))
  end)
end)

describe("config, overrides (R-CFG-5 to 7)", function()
  local function port(env, members, options)
    options = options or {}
    options.env = env
    return tonumber(config.parse(config.service(members), options).port)
  end

  it("sets keys that are in the file and keys that are not", function()
    assert.equal(1234, port({ "KRAKEND_PORT=1234" }))
    assert.equal(1234, port({ "KRAKEND_PORT=+1234", "KRAKENDPORT=1", "OTHER_PORT=2" }, '"port": 9'))
  end)

  it("beats another letter case of the key in the file", function()
    assert.equal(1234, port({ "KRAKEND_PORT=1234" }, '"PORT": 9'))
  end)

  it("takes the address of a Kubernetes service for no port, and says so", function()
    local c = config.parse(config.service('"port": 9'), { env = { "KRAKEND_PORT=tcp://10.0.0.1:80" } })
    assert.equal(9, tonumber(c.port))
    assert.matches("WARNING The variable KRAKEND_PORT is ignored", config.warnings(c)[1])
  end)

  it("lets the command line win", function()
    assert.equal(7, port({ "KRAKEND_PORT=1" }, '"port": 9', { port = 7 }))
    assert.is_true(config.parse(config.service(), { debug = true }).debug_endpoint)
  end)

  it("makes a list of one, and no list of a comma", function()
    local c = config.parse(config.service(), { env = { "KRAKEND_HOST=a.com" } })
    assert.same({ "http://a.com" }, config.list(c.hosts))
    assert.matches("host a.com,b.com not valid: invalid host",
      refused(config.service(), { env = { "KRAKEND_HOST=a.com,b.com" } }), 1, true)
  end)

  it("nests at dots and never at underscores", function()
    local c = config.parse(config.service('"tls": {"public_key": "p"}'),
      { env = { "KRAKEND_TLS.DISABLED=true" } })
    assert.is_true(c.tls_disabled)
    assert.equal("p", config.lua(c.tls.public_key))
    c = config.parse(config.service(), { env = { "KRAKEND_PLUGIN.FOLDER=x", "KRAKEND_TLS_DISABLED=true" } })
    assert.same({ "x" }, config.list(c.plugin.folders))
    assert.is_false(c.has_tls)
  end)

  it("refuses a text in the place of an object, and an empty duration", function()
    assert.matches("'extra_config' expected type", refused(config.service(),
      { env = { "KRAKEND_EXTRA_CONFIG=x" } }), 1, true)
    for _, variable in ipairs({ "KRAKEND_TLS=x", "KRAKEND_ENDPOINTS=x" }) do
      assert.matches('expected a map or struct, got "string"', refused(config.service(),
        { env = { variable } }), 1, true)
    end
    assert.matches("'timeout' time: invalid duration", refused(config.service(),
      { env = { "KRAKEND_TIMEOUT=" } }), 1, true)
  end)
end)

describe("config, what is not there yet", function()
  it("refuses TLS rather than serving plain text", function()
    assert.equal("'k.json': tls: not supported yet", refused(config.service('"tls": {}')))
    assert.equal("'k.json': tls: not supported yet", refused(config.service('"tls": {"disabled": false}')))
    assert.is_true(config.parse(config.service('"tls": {"disabled": true}')).has_tls)
    assert.is_false(config.parse(config.service('"tls": null')).has_tls)
  end)

  it("refuses templates when FC_ENABLE asks for them, rather than serving them as they stand", function()
    local text = config.service('"name": "{{ .env.name }}"')
    for _, variable in ipairs({ "FC_ENABLE=1", "FC_ENABLE=0" }) do
      assert.matches("^'k.json': FC_ENABLE is set, but templates", refused(text, { env = { variable } }))
    end
    assert.matches("^'k.json': FC_ENABLE is set", refused("{ {{ range . }} }", { env = { "FC_ENABLE=1" } }))
    for _, variable in ipairs({ "FC_ENABLE=", "FC_ENABLED=1", "FC_OUT=x" }) do
      assert.truthy(config.parse(text, { env = { variable } }))
    end
  end)

  it("says that FC_ENABLE does nothing for a file without templates", function()
    local c = config.parse(config.service(), { env = { "FC_ENABLE=1" } })
    assert.matches("^WARNING FC_ENABLE is set", config.warnings(c)[1])
  end)

  it("warns once of backends behind https", function()
    local c = config.parse(config.endpoints({ "/a", [["endpoint": "/b", "backend": [{"host": "https://b.test"},
      {"host": ["http://c.test", "https://d.test"]}, {"sd": "dns", "sd_scheme": "https"}] ]] }))
    assert.same({ "WARNING https is not supported yet: calls to 3 backend(s) fail, first to backend 0 of GET /b" },
      config.warnings(c))
  end)

  it("warns of agents, of TLS towards backends and of HTTP/2", function()
    local c = config.parse(config.service('"async_agent": [{"name": "a"}], "client_tls": {}, "use_h2c": '
      .. 'true'))
    local lines = table.concat(config.warnings(c), "\n")
    assert.matches("async_agent is not supported yet: 1 agent", lines, 1, true)
    assert.matches("client_tls is not supported yet", lines, 1, true)
    assert.matches("use_h2c is not supported yet", lines, 1, true)
  end)
end)

describe("config, the manual", function()
  local text

  setup(function()
    local lines = {}
    local print_line = ffi.cast("void (*)(const char *)",
      function(line) lines[#lines + 1] = ffi.string(line) end)
    config.core.config_print_manual(print_line)
    print_line:free()
    text = table.concat(lines, "\n")
  end)

  it("tells every key", function()
    for _, key in ipairs({ "version", "timeout", "endpoint", "url_pattern", "folder", "public_key" }) do
      assert.matches("\n  " .. key .. " +%a+", text)
    end
  end)

  it("tells which namespaces are there", function()
    assert.matches("\n  qos/ratelimit/proxy +here", text)
    assert.matches("\n  router +here +github_com/luraproject/lura/router/gin\n", text)
    assert.matches("\n  auth/validator +not yet +github%.com/devopsfaith/krakend%-jose/validator\n", text)
  end)
end)
