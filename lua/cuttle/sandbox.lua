--- The environment of a plugin: a standard library of its own, without the doors out.
--
-- What one plugin changes (a global, string.format) no other sees. There is no debug, ffi, io, os.execute, loadfile,
-- getfenv or package; `require` reaches the plugin's own folder. An operator may grant more, by the name of the
-- plugin's file:
--
--     "plugin": { "folder": "conf/team/plugins", "grants": { "mask": ["ffi", "io"] } }
--
-- This keeps teams out of each other's way; it is not a wall against hostile code.
local sandbox = {}

--- What may be granted: module, or functions of one.
sandbox.grants = { debug = true, ffi = true, io = true, jit = true, os = true }

local open_libraries = { "bit", "string", "table" }

local open_functions = {
  "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawset", "select",
  "setmetatable", "tonumber", "tostring", "type", "unpack", "xpcall",
}

local function copy(library)
  local own = {}
  for name, value in pairs(library) do own[name] = value end
  return own
end

--- Chance comes from the runtime, so that a run of specs can be repeated.
local function own_math(host)
  local math_library = copy(math)
  math_library.randomseed = function() end
  math_library.random = function(low, high)
    local value = host.random()
    if not low then return value end
    if not high then low, high = 1, low end
    if low > high then error("bad argument to 'random' (interval is empty)", 2) end
    return math.floor(low + value * (high - low + 1))
  end
  return math_library
end

--- So does time.
local function own_os(host)
  return {
    clock = host.now,
    date = function(format, at) return os.date(format, at or math.floor(host.wall())) end,
    difftime = os.difftime,
    time = function(parts)
      if parts then return os.time(parts) end
      return math.floor(host.wall())
    end,
  }
end

--- A phase's own coroutine is not the plugin's to resume.
local function own_coroutine(host)
  local coroutine_library = copy(coroutine)
  coroutine_library.running = host.running
  return coroutine_library
end

--- Text only: bytecode could reach outside.
local function own_load(env)
  return function(chunk, name, _, own_env)
    if type(chunk) == "function" then
      local parts = {}
      for part in chunk do
        if part == "" then break end
        parts[#parts + 1] = part
      end
      chunk = table.concat(parts)
    end
    return load(chunk, name, "t", own_env or env)
  end
end

local function read_file(path)
  local file = io.open(path, "r")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

--- require: modules of the plugin's own folder, each loaded once per plugin, and what was granted.
local function own_require(env, folder, granted)
  local loaded, loading = {}, {}
  for _, name in ipairs({ "bit", "coroutine", "math", "os", "string", "table" }) do loaded[name] = env[name] end
  for name in pairs(granted) do
    if name ~= "os" then loaded[name] = require(name) end
  end
  local function run(name, path, text)
    if loading[name] then error(("module %q requires itself"):format(name), 3) end
    local chunk, problem = load(text, "@" .. path, "t", env)
    if not chunk then error(problem, 0) end
    loading[name] = true
    local ok, result = pcall(chunk, name)
    loading[name] = nil
    if not ok then error(result, 0) end
    loaded[name] = result == nil and true or result
    return loaded[name]
  end
  return function(name)
    if loaded[name] ~= nil then return loaded[name] end
    if type(name) ~= "string" or not name:match("^[%w_-]+[%w_.-]*$") then
      error(("module %q is not in the plugin's folder"):format(tostring(name)), 2)
    end
    local base = folder .. "/" .. name:gsub("%.", "/")
    for _, path in ipairs({ base .. ".lua", base .. "/init.lua" }) do
      local text = read_file(path)
      if text then return (run(name, path, text)) end
    end
    error(("module %q is not in the plugin's folder %s"):format(name, folder), 2)
  end
end

--- options: host (now, wall, random, running), folder, granted (set of names), print (function of a text).
function sandbox.new(options)
  local host, granted = options.host, options.granted or {}
  local env = {}
  env._G = env
  env._VERSION = _VERSION
  for _, name in ipairs(open_functions) do env[name] = _G[name] end
  for _, name in ipairs(open_libraries) do env[name] = copy(require(name)) end
  env.string.dump = nil
  env.coroutine = own_coroutine(host)
  env.math = own_math(host)
  env.os = own_os(host)
  env.load = own_load(env)
  env.loadstring = env.load
  env.collectgarbage = function() return collectgarbage("count") end
  env.print = function(...)
    local parts = {}
    for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
    options.print(table.concat(parts, "\t"))
  end
  for name in pairs(granted) do
    if name == "os" then
      env.os = setmetatable(own_os(host), { __index = os })
    else
      env[name] = require(name)
    end
  end
  env.require = own_require(env, options.folder, granted)
  return env
end

--- Runs a file in an environment: what it returns, or nil and why.
function sandbox.run_file(path, chunk_name, env)
  local text = read_file(path)
  if not text then return nil, "cannot read " .. path end
  local chunk, problem = load(text, "@" .. chunk_name, "t", env)
  if not chunk then return nil, problem end
  local ok, result = pcall(chunk)
  if not ok then return nil, tostring(result) end
  return result
end

return sandbox
