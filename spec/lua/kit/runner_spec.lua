--- `cuttle test` itself: its options, its exit code, and what it says of specs that fail.
local process = require("spec.support.process")

describe("cuttle test", function()
  local folder

  local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "wb"))
    file:write(text)
    file:close()
  end

  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir -p " .. folder .. "/deeper")
    write("good_spec.lua", [[
      describe("good", function()
        it("one", function() end)
        it("two", function() assert.equal(2, 1 + 1) end)
      end)]])
    write("deeper/more_spec.lua", 'it("three", function() end)')
    write("no_specs.lua", 'error("this is no spec and is not loaded")')
  end)
  after_each(function() os.execute("rm -rf " .. folder) end)

  --- Exit code, output, errors.
  local function run(...)
    local p = process.start({ "test", ... })
    local code, out, err = p:wait(20), p:out(), p:err()
    p:stop()
    return code, out, err
  end

  it("runs all specs below a folder, and counts them", function()
    local code, out, err = run(folder)
    assert.same({ 0, "3 passed, 0 failed\n", "" }, { code, out, err })
  end)

  it("runs the files that are named", function()
    local code, out = run(folder .. "/good_spec.lua")
    assert.same({ 0, "2 passed, 0 failed\n" }, { code, out })
  end)

  it("runs only what a filter matches, by the whole name", function()
    assert.same({ 0, "1 passed, 0 failed\n", "" }, { run(folder, "--filter=^good two$") })
    assert.same({ 0, "1 passed, 0 failed\n", "" }, { run("--filter", "^good two$", folder) })
  end)

  it("fails when nothing was run, for it may look like success", function()
    local nothing = "cuttle test: nothing was run: no spec is "
    assert.same({ 1, "0 passed, 0 failed\n", nothing .. 'named like "nothing"\n' }, { run("--filter=nothing", folder) })
    write("empty_spec.lua", "return true")
    assert.same({ 1, "0 passed, 0 failed\n", nothing .. "in these files\n" }, { run(folder .. "/empty_spec.lua") })
  end)

  it("lists names without running anything", function()
    write("bad_spec.lua", 'it("bad", function() error("it ran") end)')
    local code, out = run("--list", folder)
    local names = {}
    for line in out:gmatch("[^\n]+") do names[#names + 1] = line:gsub("^.*_spec%.lua:%d+: ", "") end
    table.sort(names)
    assert.equal(0, code, out)
    assert.same({ "bad", "good one", "good two", "three" }, names)
  end)

  it("collects what is dropped at once, if it is told to", function()
    write("drop_spec.lua", [[
      it("holds nothing", function()
        collectgarbage() -- so that a usual collector rests after it
        local dropped = setmetatable({ {} }, { __mode = "v" })
        for i = 1, 1000 do dropped[2] = dropped[1] and { i } end
        assert.is_nil(dropped[1])
      end)]])
    local kept = "1 passed, 0 failed\n"
    assert.same({ 0, kept, "" }, { run("--collect", folder .. "/drop_spec.lua") })
    local code, out = run(folder .. "/drop_spec.lua")
    assert.same({ 1, false }, { code, out == kept })
  end)

  it("runs specs in an order of the seed", function()
    local text = {}
    for i = 1, 20 do text[i] = ('it("n%d", function() print("n%d") end)'):format(i, i) end
    write("order_spec.lua", table.concat(text, "\n"))
    local function order(seed) return select(2, run("--seed=" .. seed, folder .. "/order_spec.lua")) end
    assert.equal(order(5), order(5))
    assert.not_equal(order(5), order(6))
  end)

  it("gives each world the seed, so that a failure can be played again", function()
    write("world_spec.lua", [[
      local kit = require("kit")
      it("prints what happened", function()
        local origin = kit.upstream()
        local gateway = kit.gateway({ endpoints = { { endpoint = "/a",
          backend = { { host = origin.url, url_pattern = "/a" }, { host = origin.url, url_pattern = "/b" } } } } })
        gateway:parallel({ { path = "/a" }, { path = "/a" }, { path = "/a" } })
        print(kit.world():trace())
      end)]])
    local function trace(seed) return select(2, run("--seed=" .. seed, folder .. "/world_spec.lua")) end
    assert.matches("1 passed", trace(3))
    assert.equal(trace(3), trace(3))
  end)

  it("exits with 1 when a spec fails, and says which, where and how to play it again", function()
    write("bad_spec.lua", [[
      describe("bad", function()
        it("differs", function() assert.equal(1, 2) end)
      end)]])
    local code, out = run("--seed=42", folder)
    assert.equal(1, code)
    assert.matches("FAIL bad differs\n     [^\n]*bad_spec%.lua:2: Expected objects to be equal", out)
    assert.matches("\n3 passed, 1 failed\nthe same order again: %-%-seed=42\n$", out)
  end)

  it("tells with a failure what gateways logged, and what upstreams had no route for", function()
    write("bad_spec.lua", [[
      local kit = require("kit")
      it("asks", function()
        local origin = kit.upstream()
        local gateway = kit.gateway({ endpoints = { {
          endpoint = "/a", backend = { { host = origin.url, url_pattern = "/b" } } } } })
        assert.equal(200, gateway:get("/a").status)
      end)
      it("does not ask", function() error("alone") end)]])
    local code, out = run(folder .. "/bad_spec.lua")
    assert.equal(1, code)
    assert.matches("\n     http://192.0.2.2:80 has no route for GET /b\n", out, 1, true)
    assert.matches("\n     log of the gateway at 192%.0%.2%.1:%d+:\n       [^\n]*%[ENDPOINT: /a%] invalid status", out)
    assert.matches("\n       Error #01: invalid status code 404", out, 1, true)
    assert.is_nil(out:find("DEBUG", 1, true))
    assert.equal(1, select(2, out:gsub("log of the gateway", "")))
  end)

  it("tells the way to an error", function()
    write("bad_spec.lua", [[
      local function deep() error("deep trouble") end
      it("stumbles", function()
        deep()
        return 1
      end)]])
    local code, out = run(folder .. "/bad_spec.lua")
    assert.equal(1, code)
    local way = "bad_spec%.lua:1: deep trouble\n.*%.lua:1: in function 'deep'\n.*%.lua:3: in function"
    assert.matches(way, out)
    assert.is_nil(out:find("/busted/", 1, true))
  end)

  it("shows endless and unprintable messages short and printable", function()
    write("bad_spec.lua", 'it("floods", function() error("\\0\\27[31m" .. ("x"):rep(1000000), 0) end)')
    local code, out = run(folder .. "/bad_spec.lua")
    assert.equal(1, code)
    assert.matches("\\x00\\x1b[31mxxx", out, 1, true)
    assert(#out < 6000)
  end)

  it("reports a file that does not load, and an error outside of specs", function()
    write("syntax_spec.lua", "local x = = 1")
    write("load_spec.lua", 'describe("x", function() error("while loading") end)')
    write("setup_spec.lua", [[
      describe("y", function()
        setup(function() error("in setup") end)
        it("z", function() end)
      end)]])
    local code, out = run(folder)
    assert.equal(1, code)
    assert.matches("syntax_spec.lua:1: unexpected symbol", out, 1, true)
    assert.matches("while loading", out, 1, true)
    assert.matches("in setup", out, 1, true)
    assert.matches("\n3 passed, 3 failed\n", out, 1, true)
  end)

  it("counts pending specs apart", function()
    write("later_spec.lua", 'pending("later") it("not now", function() pending("so") end)')
    assert.same({ 0, "3 passed, 0 failed, 2 skipped\n", "" }, { run(folder) })
  end)

  it("fails for what is not there", function()
    local code, out = run(folder .. "/nowhere")
    assert.equal(1, code)
    assert.matches("Cannot find file or directory: " .. folder .. "/nowhere", out, 1, true)
    code, out = run(folder .. "/good_spec.lua", folder .. "/missing_spec.lua")
    assert.equal(1, code)
    assert.matches("\n2 passed, 1 failed\n", out, 1, true)
  end)

  --- Of a run that is cut: the place that stderr names (or all of stderr), the exit code, the output, and
  --- the plugin if stderr names one.
  local function cut(text)
    write("loop_spec.lua", text)
    local code, out, err = run("--seed=7", "--timeout=1s", folder .. "/loop_spec.lua")
    local place, rest = err:match("^cuttle test: " .. folder .. "/(.-): not over after 1 s, so the run ends here "
      .. "%(%-%-timeout%)\nthe same order again: %-%-seed=7\n(.*)$")
    local plugin = rest and rest:match("^it was in plugin ([^\n]+)\n$")
    return { (plugin or rest == "") and place or err, code, out, plugin }
  end

  it("names a spec that is never over, also in a compiled loop, and exits with 1", function()
    local told = cut([[
      describe("loop", function()
        it("counts for ever", function()
          local n = 0
          while n >= 0 do n = (n + 1) % 1000 end
        end)
      end)]])
    assert.same({ "loop_spec.lua: loop counts for ever", 1, "" }, told)
  end)

  --- As cut, of a plugin: asked for /a, if it starts.
  local function cut_plugin(text)
    os.execute("mkdir " .. folder .. "/plugins")
    write("plugins/spin.lua", text)
    return cut(([[
      local kit = require("kit")
      it("asks", function()
        local other = kit.gateway({ endpoints = kit.array() }) -- is not the one
        local gateway = kit.gateway({ plugin = { folder = %q }, endpoints = { { endpoint = "/a",
          backend = { { host = "http://192.0.2.9", url_pattern = "/a" } },
          extra_config = { ["team/spin"] = kit.json.decode("{}") } } } })
        other:stop()
        gateway:get("/a")
      end)]]):format(folder .. "/plugins"))
  end

  it("names a plugin that is never over", function()
    local told = cut_plugin([[
      return { api = 1, namespace = "team/spin", scopes = { "endpoint" },
        request = function()
          local n = 0
          while n >= 0 do n = (n + 1) % 1000 end
        end }]])
    assert.same({ "loop_spec.lua: asks", 1, "", "spin, request phase" }, told)
  end)

  it("names a plugin that is never loaded", function()
    local place = "/plugins/spin.lua"
    assert.same({ "loop_spec.lua: asks", 1, "", "spin, loading " .. folder .. place }, cut_plugin("while true do end"))
  end)

  it("names a spec that waits for ever in a call of the system, and one that catches errors", function()
    local call = 'it("sleeps", function() os.execute("exec sleep 3 </dev/null >/dev/null 2>&1") end)'
    assert.same({ "loop_spec.lua: sleeps", 1, "" }, cut(call))
    local catch = 'it("catches", function() while true do pcall(error, "x") end end)'
    assert.same({ "loop_spec.lua: catches", 1, "" }, cut(catch))
  end)

  it("names a file that is never loaded, and what is never over between specs", function()
    assert.same({ "loop_spec.lua: while it is loaded", 1, "" }, cut("while true do end"))
    local told = cut([[
      describe("d", function()
        after_each(function() while true do end end)
        it("i", function() end)
      end)]])
    assert.same({ "loop_spec.lua: after d i, or before the next one", 1, "" }, told)
  end)

  it("loses nothing that was said before a run is cut", function()
    assert.equal("said\n", cut('print("said") it("loops", function() while true do end end)')[3])
  end)

  it("bounds each spec, not all together, and none with --timeout=0", function()
    write("slow_spec.lua", [[
      local world = require("kit.core").world({ real = true })
      for i = 1, 4 do
        it("n" .. i, function() world:advance(0.6) end)
      end]])
    local slow = folder .. "/slow_spec.lua"
    assert.same({ 0, "4 passed, 0 failed\n", "" }, { run(slow, "--timeout=2") })
    assert.equal(1, (run(slow, "--timeout=10ms")))
    assert.same({ 0, "2 passed, 0 failed\n", "" }, { run(folder .. "/good_spec.lua", "--timeout", "0") })
  end)

  for option, why in pairs({
    ["--timeout=x"] = 'no value for --timeout: "x"', ["--timeout=-1s"] = 'no value for --timeout: "-1s"',
    ["--timeout"] = 'no value for --timeout: ""', ["--timeout=1ms"] = 'no value for --timeout: "1ms"',
    ["--colour"] = "unknown option --colour", ["-f"] = "unknown option -f",
    ["-xlist"] = "unknown option -xlist", ["--list="] = "unknown option --list=",
    ["--list=yes"] = "unknown option --list=yes", ["--collect=1"] = "unknown option --collect=1",
    ["--seed=x"] = 'no value for --seed: "x"', ["--seed"] = 'no value for --seed: ""',
    ["--filter="] = 'no value for --filter: ""', ["--filter=%"] = 'no value for --filter: "%"',
  }) do
    it("exits with 255 for " .. option, function()
      assert.same({ 255, "", "cuttle test: " .. why .. "\n" }, { run(folder, option) })
    end)
  end

  it("exits with 255 without a folder", function()
    assert.equal(255, (run("--seed=1")))
    assert.equal(255, (run()))
  end)
end)
