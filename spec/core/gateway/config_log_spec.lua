local ffi = require("ffi")
local config = require("spec.support.config")

local DEBUG, WARNING, CRITICAL = 0, 3, 5
local BASIC, PATTERN, LOGSTASH, CUSTOM = 0, 1, 2, 3

local function parse(block)
  return config.parse(config.service('"extra_config": {"telemetry/logging": ' .. block .. "}"))
end

local function log(block)
  local c = assert(parse(block))
  return c.log, c
end

describe("config_log (operate.md 4.1, 4.2)", function()
  it("is the basic log when nothing is written", function()
    local c = config.parse(config.service())
    assert.equal(BASIC, tonumber(c.log.form))
    assert.equal(DEBUG, tonumber(c.log.level))
    assert.is_true(c.log.to_stdout)
  end)

  it("reads all options", function()
    local l = log('{"level": "warning", "prefix": "[A]", "stdout": true, "syslog": true, '
      .. '"syslog_facility": "LOCAL6"}')
    assert.equal(WARNING, tonumber(l.level))
    assert.equal(PATTERN, tonumber(l.form))
    assert.equal("[A]", ffi.string(l.prefix))
    assert.is_true(l.to_stdout and l.to_syslog)
    assert.equal(6, l.syslog_facility)
  end)

  it("writes nowhere when told so", function()
    local l, c = log('{"level": "nonsense"}')
    assert.is_false(l.to_stdout or l.to_syslog)
    assert.same({}, config.warnings(c))
  end)

  it("knows its forms, and takes the default for unknown ones", function()
    assert.equal(LOGSTASH, tonumber(log('{"level": "CRITICAL", "stdout": true, "format": "logstash"}').form))
    assert.equal(PATTERN, tonumber(log('{"level": "INFO", "stdout": true, "format": "yaml"}').form))
    local l = log('{"level": "INFO", "stdout": true, "format": "custom", "custom_format": "%{message}"}')
    assert.equal(CUSTOM, tonumber(l.form))
    assert.equal("%{message}", ffi.string(l.custom_format))
  end)

  it("takes local3 for facilities that there are not", function()
    for _, name in ipairs({ "", "local8", "mail", "local33" }) do
      assert.equal(3, log('{"level": "INFO", "stdout": true, "syslog_facility": "' .. name
        .. '"}').syslog_facility)
    end
  end)

  it("falls back to the basic log when the level is unknown, and says so at ERROR", function()
    for _, block in ipairs({ '{"stdout": true, "level": "LOUD"}',
      '{"syslog": true, "format": "logstash"}' }) do
      local l, c = log(block)
      assert.equal(BASIC, tonumber(l.form))
      assert.is_true(l.to_stdout)
      assert.matches("^ERROR %[SERVICE: Logging%] Unable to create the logger: ", config.warnings(c)[1])
    end
    assert.equal(CRITICAL, tonumber(log('{"stdout": true, "level": "critical"}').level))
  end)

  it("is the basic log when the block is no object", function()
    local l, c = log('"x"')
    assert.equal(BASIC, tonumber(l.form))
    assert.equal(1, #config.warnings(c))
  end)

  for name, value in pairs({ stdout = '"yes"', syslog = "1" }) do
    it("refuses a wrong type of " .. name, function()
      local c, why = parse('{"' .. name .. '": ' .. value .. "}")
      assert.is_nil(c)
      assert.matches("telemetry/logging." .. name .. ": expected a bool", why, 1, true)
    end)
  end

  it("ignores what should be a text and is none, and says so", function()
    for name, value in pairs({ level = "5", prefix = "[]", format = "true", syslog_facility = "3",
      custom_format = "{}" }) do
      local l, c = log('{"' .. name .. '": ' .. value .. "}")
      assert.matches("telemetry/logging." .. name .. ": expected a text, got a", config.warnings(c)[1], 1, true)
      assert.equal("", ffi.string(l.prefix))
      assert.equal(PATTERN, tonumber(l.form))
      assert.equal(3, l.syslog_facility)
    end
    local _, c = log('{"stdout": true, "level": 5}')
    assert.matches("ERROR [SERVICE: Logging] Unable to create the logger: logger: invalid log level ''",
      config.warnings(c)[2], 1, true)
  end)

  it("refuses a custom format that says nothing or has unknown verbs", function()
    for _, format in ipairs({ "", "text", "%{nonsense}" }) do
      local c, why = parse('{"stdout": true, "level": "INFO", "format": "custom", "custom_format": "'
        .. format .. '"}')
      assert.is_nil(c)
      assert.matches("telemetry/logging.custom_format: ", why, 1, true)
    end
  end)
end)
