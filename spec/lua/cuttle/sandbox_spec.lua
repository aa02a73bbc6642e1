local sandbox = require("cuttle.sandbox")
local script = require("spec.support.script")

describe("a plugin's environment", function()
  after_each(script.clean)

  local host = {
    now = function() return 12.5 end, wall = function() return 1e9 + 0.5 end, random = function() return 0.5 end,
  }
  local printed

  local function run(text, options)
    options = options or {}
    local folder = options.folder or script.folder({ ["main.lua"] = text })
    local env = sandbox.new({
      host = host, folder = folder, granted = options.granted, print = function(line) printed = line end,
    })
    return sandbox.run_file(folder .. "/main.lua", "main.lua", env)
  end

  it("has no doors out", function()
    for _, name in ipairs({ "io", "debug", "ffi", "jit", "package", "loadfile", "dofile", "getfenv", "setfenv",
      "newproxy", "module", "os.execute", "os.exit", "os.getenv", "os.remove", "string.dump" }) do
      assert.is_nil(run("return " .. name), name)
    end
    for _, name in ipairs({ "io", "ffi", "debug", "cuttle.loader", "../x", "/etc/passwd", "a..b" }) do
      local _, problem = run(("return require(%q)"):format(name))
      assert.truthy(problem and problem:find("is not in the plugin's folder", 1, true), name)
    end
    local bytecode = string.dump(function() end):gsub(".", function(char) return ("\\%03d"):format(char:byte()) end)
    for _, load in ipairs({ "load", "loadstring" }) do
      assert.matches("attempt to load chunk with wrong mode",
        select(2, run(('return assert(%s("%s"))'):format(load, bytecode))))
    end
  end)

  it("loads texts, whole or in pieces", function()
    assert.equal(3, run('return loadstring("return 3")()'))
    assert.equal(5, run('return load("return x", "chunk", "t", { x = 5 })()'))
    assert.equal(7, run([[
      local pieces, at = { "return ", "7", "", "garbage(" }, 0
      return load(function() at = at + 1 return pieces[at] end)()
    ]]))
  end)

  it("is told how much memory is in use, whatever it asks of the collector", function()
    assert.is_true(run('return collectgarbage() > 0 and collectgarbage("stop") > 0'))
  end)

  it("keeps what it changes to itself", function()
    run("answer = 42; string.format = nil; math.huge = 0; table.insert = nil; _G.x = 1")
    assert.is_nil(run("return answer"))
    assert.equal("function", run("return type(string.format)"))
    assert.equal("function", type(string.format))
    assert.equal("7", run("return ('%d'):format(7)"))
  end)

  it("takes time and chance from the runtime", function()
    assert.equal(1e9, run("return os.time()"))
    assert.equal(12.5, run("return os.clock()"))
    assert.equal("2001", run('return os.date("%Y")'))
    assert.equal(0.5, run("math.randomseed(5) return math.random()"))
    assert.equal(4, run("return math.random(6)"))
    assert.equal(15, run("return math.random(10, 19)"))
    assert.equal(3, run("return math.random(3, 3)"))
    assert.matches("interval is empty", select(2, run("return math.random(3, 2)")))
    run('print("a", 1, nil)')
    assert.equal("a\t1\tnil", printed)
  end)

  it("requires modules of the plugin's folder, each once", function()
    local folder = script.folder({
      ["main.lua"] = 'local a = require("parts.a") assert(a == require("parts.a")) return a.value + require("b").value',
      ["parts/a.lua"] = "count = (count or 0) + 1 return { value = count }",
      ["b/init.lua"] = 'return { value = 10 + require("bit").bor(1, 2) }',
    })
    assert.equal(14, run(nil, { folder = folder }))
    assert.equal(1, run(nil, { folder = script.folder({
      ["main.lua"] = 'assert(require("quiet") == true and require("quiet") == true) return loads',
      ["quiet.lua"] = "loads = (loads or 0) + 1",
    }) }))
  end)

  it("requires libraries too, its own ones", function()
    assert.is_true(run([[
      local string = require("string")
      return string == _G.string and require("table") == table and require("math") == math and require("os") == os
        and require("coroutine") == coroutine and require("bit") == bit
    ]]))
  end)

  it("is told which module is broken or requires itself, and may try again", function()
    local function problem_with(text, module)
      local folder = script.folder({ ["main.lua"] = text, ["m.lua"] = module })
      return select(2, run(nil, { folder = folder }))
    end
    assert.matches("^[^ ]*/m.lua:1: unexpected symbol", problem_with('require("m")', "local a = ="))
    assert.matches("^[^ ]*/m.lua:1: attempt to index", problem_with('require("m")', "local a a.b = 1"))
    assert.matches('m.lua:1: module "m" requires itself$', problem_with('require("m")', 'require("m")'))
    assert.matches("m.lua:1: again$", problem_with('pcall(require, "m") require("m")', 'error("again")'))
  end)

  it("has what an operator grants", function()
    assert.equal("function", run("return type(io.open)", { granted = { io = true } }))
    assert.equal("function", run('return type(require("ffi").new)', { granted = { ffi = true } }))
    assert.equal("function", run("return type(os.getenv)", { granted = { os = true } }))
    assert.equal(1e9, run("return os.time()", { granted = { os = true } }))
    assert.is_true(run('return require("os") == os', { granted = { os = true } }))
  end)

  it("tells errors with file and line", function()
    local _, problem = run("local x\nreturn x.y")
    assert.matches("^main.lua:2: attempt to index", problem)
    assert.equal("string", type(select(2, run("error({})"))))
    _, problem = run("return +")
    assert.matches("^main.lua:1: ", problem)
  end)
end)
