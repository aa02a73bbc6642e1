--- The command line: exit codes, and what goes to which stream.
local process = require("spec.support.process")

describe("the command", function()
  local folder, good, broken

  local function write(name, text)
    local path = folder .. "/" .. name
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    return path
  end

  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
    good = write("good.json", [[{ "version": 3, "port": 8080, "endpoints": [
      { "endpoint": "/a", "backend": [{ "host": ["http://a.test"], "url_pattern": "/" }] }] }]])
    broken = write("broken.json", "{")
  end)

  teardown(function() os.execute("rm -rf " .. folder) end)

  local function run(arguments)
    local words = {}
    for i, word in ipairs(arguments) do words[i] = word:gsub("GOOD", good):gsub("BROKEN", broken) end
    local p = process.start(words)
    local code, out, err = p:wait(), p:out(), p:err()
    p:stop()
    return code, out, err
  end

  local function compare(wanted, text)
    if wanted == "" then
      assert.equal("", text)
    else
      assert(text:find(wanted), ("want a match of %q, have:\n%s"):format(wanted, text))
    end
  end

  local misuse = "^Error: "

  -- arguments, exit code, pattern of stdout, pattern of stderr ("": nothing at all)
  local cases = {
    { {}, 0, "Usage:.*Available Commands:.*check.*run", "" },
    { { "-h" }, 0, "\nVersion: %S+", "" },
    { { "--help" }, 0, "Usage:", "" },
    { { "help" }, 0, "\nVersion: %S+", "" },
    { { "help", "run" }, 0, "cuttle run.*%-%-workers", "" },
    { { "help", "validate" }, 0, "cuttle check.*Aliases:\n  check, validate\n", "" },
    { { "help", "config" }, 0, "url_pattern", "" },
    { { "help", "nonsense" }, 0, "", "Unknown help topic %[`nonsense`%]\nUsage:" },
    { { "run", "-h" }, 0, "cuttle run", "" },
    { { "check", "-c", "GOOD", "--help" }, 0, "cuttle check", "" },
    { { "test", "--help" }, 0, "cuttle test", "" },
    { { "test", "spec", "--list", "-h" }, 0, "cuttle test", "" },
    { { "version" }, 0, "", "^KrakenD Version: %S+\nGo Version: %S+\nGlibc Version: %S+\n$" },
    { { "explode" }, 255, '^unknown command "explode"', misuse .. 'unknown command "explode".*%-%-help' },
    { { "-x" }, 255, "^unknown shorthand flag: 'x' in %-x\n$", misuse .. "unknown shorthand flag: 'x' in %-x\nUsage:" },
    { { "--version" }, 255, "^unknown flag: %-%-version\n$", misuse },
    { { "run", "--colour" }, 255, "^unknown flag: %-%-colour\n$", misuse .. "unknown flag: %-%-colour\nUsage:" },
    { { "run", "--colour=red" }, 255, "^unknown flag: %-%-colour\n$", misuse },
    { { "run", "-p", "many" }, 255, '^invalid argument "many" for "%-p, %-%-port" flag: .*invalid syntax', misuse },
    { { "run", "-p", "99999999999999999999" }, 255, "value out of range", misuse },
    { { "run", "-p", "08" }, 255, "invalid syntax", misuse },
    { { "run", "-p", "0b1_1", "-c", "BROKEN" }, 255, "", "^ERROR parsing the configuration file" },
    { { "run", "--port=" }, 255, '^invalid argument "" for', misuse },
    { { "run", "-p" }, 255, "^flag needs an argument: 'p' in %-p\n$", misuse },
    { { "run", "--config" }, 255, "^flag needs an argument: %-%-config\n$", misuse },
    { { "run", "---" }, 255, "^bad flag syntax: %-%-%-\n$", misuse },
    { { "check", "--lint=perhaps" }, 255, '^invalid argument "perhaps" for "%-l, %-%-lint" flag', misuse },
    { { "check", "-ln", "-c", "GOOD" }, 255,
      "group %[lint lint%-no%-network lint%-schema%] .*%[lint lint%-no%-network%] were all set", misuse },
    { { "check", "-l=false", "-n=false", "-c", "GOOD" }, 255, "were all set", misuse },
    { { "check", "-dx", "-c", "GOOD" }, 255, "^unknown shorthand flag: 'x' in %-x\n$", misuse },
    { { "check", "-dc" }, 255, "^flag needs an argument: 'c' in %-c\n$", misuse },
    { { "-c", "GOOD", "check" }, 0, "", "Syntax OK!\n$" },
    { { "--config=GOOD", "check", "-d" }, 0, "", "Global settings" },
    { { "--config", "GOOD", "check", "more" }, 0, "", "Syntax OK!\n$" },
    { { "-c=GOOD", "-c", "BROKEN", "run" }, 255, "", "broken" },
    { { "-h", "check" }, 0, "Available Commands:", "" },
    { { "--help=false", "check", "-c", "GOOD" }, 0, "", "Syntax OK!\n$" },
    { { "-d", "check" }, 255, "^unknown shorthand flag: 'd' in %-d\n$", misuse },
    { { "-dc", "GOOD", "check" }, 255, '^unknown command "[^"]*good%.json"', misuse },
    { { "-h", "explode" }, 0, "Available Commands:", "" },
    { { "--", "check", "-c", "GOOD" }, 0, "Available Commands:", "" },
    { { "-c" }, 255, "^unknown shorthand flag: 'c' in %-c\n$", misuse },
    { { "-c", "explode" }, 255, "^unknown shorthand flag: 'c' in %-c\n$", misuse },
    { { "run" }, 0, "", "%-%-config.*%-%-help" },
    { { "run", "-d" }, 0, "", "%-%-config" },
    { { "run", "-c", "BROKEN" }, 255, "", "^ERROR parsing the configuration file: '[^\n]*broken%.json': [^\n]+\n$" },
    { { "run", "-c", "GOOD", "--workers", "0" }, 255, "^%-%-workers must be a number from 1 to", misuse },
    { { "run", "-c", "GOOD", "--workers=1000" }, 255, "^%-%-workers must be a number from 1 to", misuse },
    { { "run", "--workers=-1" }, 255, "^%-%-workers must be a number from 1 to", misuse },
    { { "run", "-c", "GOOD", "-p", "70000" }, 255, "", "port 70000" },
    { { "check" }, 1, "", "%-%-config.*%-%-help" },
    { { "check", "-c", "BROKEN" }, 1, "",
      "^Parsing configuration file: [^\n]+\nERROR parsing the configuration file:\t'[^\n]*broken%.json': [^\n]+\n\n$" },
    { { "check", "-c", "nowhere.json" }, 1, "", "ERROR parsing the configuration file:\t.*no such file or directory" },
    { { "check", "-c", "GOOD" }, 0, "", "^Parsing configuration file: [^\n]*good%.json\nSyntax OK!\n$" },
    { { "validate", "-c=GOOD", "and", "more" }, 0, "", "Syntax OK!\n$" },
    { { "check", "-tcGOOD" }, 0, "", "Syntax OK!\n$" },
    { { "check", "--config=GOOD", "--debug", "--debug" }, 0, "", "Default timeout" },
    { { "check", "--debug=2", "-c", "GOOD" }, 0, "", "Default timeout" },
    { { "check", "-ddi", "..", "-c", "GOOD" }, 0, "", "\n%.%.Default timeout" },
    { { "check", "-dt=false", "-c", "GOOD" }, 0, "", "Global settings" },
    { { "check", "-c", "BROKEN", "--", "-c", "GOOD" }, 1, "", "broken" },
    { { "check", "-n", "-c", "GOOD" }, 1, "", "ERROR linting the configuration file:\t" },
    { { "check", "--lint=false", "-c", "GOOD" }, 0, "", "Syntax OK!\n$" },
    { { "check", "-s", "", "-c", "GOOD" }, 0, "", "Syntax OK!\n$" },
    { { "audit", "-c", "GOOD" }, 1, "", "not available" },
    { { "check-plugin", "-s", "go.sum" }, 0, "", "^No incompatibilities found!\n$" },
    { { "test-plugin" }, 1, "", "^Pass the path of a plugin%.\n$" },
    { { "test-plugin", "-s", "x.so", "GOOD" }, 1, "",
      "^%[KO%] Unable to open the plugin x%.so%.\n%[KO%] [^\n]*good%.json: [^\n]+\n2 plugin%(s%) failed%.\n$" },
    { { "test" }, 255, "which specs", misuse },
  }

  for _, case in ipairs(cases) do
    local arguments, wanted_code, wanted_out, wanted_err = unpack(case)
    it(("%q ends with %d"):format(table.concat(arguments, " "), wanted_code), function()
      local code, out, err = run(arguments)
      assert.equal(wanted_code, code, out .. err)
      compare(wanted_out, out)
      compare(wanted_err, err)
      assert.is_nil((out .. err):find("\27", 1, true)) -- no colours without a terminal
    end)
  end

  it("check fails where run would: for routes in conflict", function()
    local path = write("conflict.json", [[{ "version": 3, "endpoints": [
      { "endpoint": "/a/{x}", "backend": [{ "host": ["http://a.test"], "url_pattern": "/" }] },
      { "endpoint": "/a/{x}", "backend": [{ "host": ["http://a.test"], "url_pattern": "/" }] }] }]])
    for command, wanted in pairs({ run = 255, check = 1 }) do
      local code, _, err = run({ command, "-c", path })
      assert.equal(wanted, code)
      assert.truthy(err:find("ERROR testing the configuration file:", 1, true))
    end
  end)

  it("check tells what plugins warn of when they are built", function()
    local path = write("warning.json", [[{ "version": 3, "extra_config": { "qos/ratelimit/router": {} },
      "endpoints": [{ "endpoint": "/a", "method": "HEAD", "backend": [{ "host": ["http://a.test"],
        "url_pattern": "/b", "extra_config": { "qos/ratelimit/proxy": [], "qos/circuit-breaker": true } }] }] }]])
    local code, out, err = run({ "check", "-c", path })
    assert.equal(0, code)
    assert.equal("", out)
    for _, line in ipairs({
      "\nWARNING %[BACKEND: /b%]%[Ratelimit%] the settings are no object: there is no limit\n",
      "\nWARNING %[BACKEND: /b%]%[CB%] the settings are no object: there is no circuit breaker\n",
      '\nWARNING extra_config%["qos/ratelimit/router"%]: qos/ratelimit/router is for an endpoint, not for a service',
      "\nERROR %[SERVICE: Gin%] %[ENDPOINT: /a %] Unsupported method HEAD\n", "Syntax OK!\n$",
    }) do
      compare(line, err)
    end
  end)

  it("check passes on what plugins that were granted io write when they are built", function()
    os.execute("mkdir -p " .. folder .. "/writing")
    write("writing/writing.lua", [[return { api = 1, namespace = "spec/writing", scopes = { "endpoint" },
      new = function() io.write("written") end }]])
    local path = write("writing.json", ([[{ "version": 3,
      "plugin": { "folder": "%s/writing", "grants": { "writing": ["io"] } },
      "endpoints": [{ "endpoint": "/a", "backend": [{ "host": ["http://a.test"], "url_pattern": "/" }],
        "extra_config": { "spec/writing": {} } }] }]]):format(folder))
    local code, out = run({ "check", "-c", path })
    assert.equal(0, code)
    assert.equal("written", out)
  end)

  it("check fails where run would: for a plugin of ours that is gone", function()
    os.execute(("mkdir -p %s/home/plugins && ln -s \"$PWD/lua\" %s/home/lua"):format(folder, folder))
    local path = write("limit.json", [[{ "version": 3, "endpoints": [
      { "endpoint": "/a", "backend": [{ "host": ["http://a.test"], "url_pattern": "/" }],
        "extra_config": { "qos/ratelimit/router": { "max_rate": 1 } } }] }]])
    for command, wanted in pairs({ run = 255, check = 1 }) do
      local p = process.start({ command, "-c", path }, nil, { CUTTLE_HOME = folder .. "/home" })
      assert.equal(wanted, p:wait())
      assert.truthy(p:err():find("qos/ratelimit/router: [^\n]*/plugins/rate_limit%.lua is not there\n"))
      p:stop()
    end
  end)

  it("check fails where run would: for a plugin that cannot be built", function()
    os.execute("mkdir -p " .. folder .. "/plugins")
    write("plugins/refusing.lua", [[return { api = 1, namespace = "spec/refusing", scopes = { "endpoint" },
      schema = { type = "object", required = { "name" } }, new = function() return {} end }]])
    local path = write("plugin.json", ([[{ "version": 3, "plugin": { "folder": "%s/plugins" }, "endpoints": [
      { "endpoint": "/a", "backend": [{ "host": ["http://a.test"], "url_pattern": "/" }],
        "extra_config": { "spec/refusing": {} } }] }]]):format(folder))
    for command, wanted in pairs({ run = 255, check = 1 }) do
      local code, _, err = run({ command, "-c", path })
      assert.equal(wanted, code)
      assert.truthy(err:find("ERROR validating the configuration file:", 1, true))
      assert.truthy(err:find("name", 1, true))
    end
  end)
end)
