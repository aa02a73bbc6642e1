--- lua/cuttle/meta.lua is what plugin teams read: it tells all that there is, and nothing else.

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

--- The functions that the stubs of a class tell of.
local function told(class)
  local set = {}
  for name in read("lua/cuttle/meta.lua"):gmatch("\nfunction " .. class .. "[:.]([%w_]+)") do set[name] = true end
  return sorted(set)
end

--- The functions of a table of luaL_Reg in core/script.
local function registered(file, list)
  local set = {}
  local body = read("core/script/" .. file):match("luaL_Reg " .. list .. "%[%] = (%b{})")
  for name in body:gmatch('{"([%w_]+)",') do set[name] = true end
  return sorted(set)
end

describe("the stubs of", function()
  for class, where in pairs({
    exchange = { "api_exchange.c", "methods" }, call = { "api_call.c", "methods" },
    response = { "api_response.c", "methods" }, json = { "api_json.c", "functions" },
    store = { "api_store.c", "methods" }, bucket = { "api_store.c", "bucket_methods" },
  }) do
    it(class .. " tell all that there is", function()
      local names = registered(unpack(where))
      assert.is_true(#names > 0)
      assert.same(names, told(class))
    end)
  end

  it("runtime, log and http tell all that there is", function()
    local host = { store = function() return "store" end, json = {}, http_request = "request" }
    for _, name in ipairs({ "now", "wall", "sleep", "random", "log", "log_wants" }) do host[name] = function() end end
    local runtime = require("cuttle.runtime")
    local shared = runtime.shared(host)
    local plugin = { name = "x", namespace = "team/x" }
    local given = runtime.new(host, shared, plugin, { scope = "service", name = "service", log_name = "" })
    local functions = {}
    for name, value in pairs(shared) do functions[name] = type(value) == "function" or nil end
    assert.same(sorted(functions), told("runtime"))
    assert.same(sorted(given.http), told("http"))
    local log = sorted(given.log)
    assert.same({ "debug", "error", "info", "warning" }, log)
    assert.same({ "debug" }, told("log")) -- and its comment names the others
    local tables = {}
    for _, values in ipairs({ shared, given }) do
      for name, value in pairs(values) do tables[name] = type(value) ~= "function" or nil end
    end
    local fields = {}
    for name in read("lua/cuttle/meta.lua"):match("%-%-%-@class runtime\n(.-)\nlocal runtime"):gmatch("@field (%w+)") do
      fields[name] = true
    end
    assert.same(sorted(tables), sorted(fields))
  end)
end)
