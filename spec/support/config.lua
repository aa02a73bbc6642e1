--- What the specs of the configuration and the router share.
local ffi = require("ffi")
local core = require("spec.support.cdef").load("gateway/config.h", "gateway/router.h", "base/mem.h")

local config = { core = core, arena = require("spec.support.arena"), levels = { [3] = "WARNING", [4] = "ERROR" } }

function config.str(text)
  return ffi.new("struct str", { text, #text })
end

function config.lua(str)
  return ffi.string(str.ptr, str.len)
end

--- A str_list as a table.
function config.list(list)
  local items = {}
  for i = 0, tonumber(list.count) - 1 do items[i + 1] = config.lua(list.items[i]) end
  return items
end

local living = {}

--- The configuration, which lives as long as this module: specs go on with parts of it.
function config.hold(c)
  living[#living + 1] = ffi.gc(c, core.config_free)
  return c
end

local function overrides(options)
  local variables = options.env or {}
  local environ = ffi.new("char *[?]", #variables + 1)
  local kept = {}
  for i, variable in ipairs(variables) do
    kept[i] = ffi.new("char[?]", #variable + 1, variable)
    environ[i - 1] = kept[i]
  end
  local set = ffi.new("struct config_overrides", { options.debug or false, options.port or 0, environ })
  return set, { kept, environ }
end

--- A configuration from JSON, or nil and why not. options: env (list), debug, port.
function config.parse(text, options)
  local err = ffi.new("struct error")
  local set, kept = overrides(options or {})
  local exact = ffi.gc(core.mem_alloc(#text + 1),
    core.mem_free) -- so that a sanitizer sees reads behind the end
  ffi.copy(exact, text, #text)
  local input = ffi.new("struct str", { ffi.cast("const char *", exact), #text })
  local c = core.config_parse(input, "k.json", set, err)
  assert(kept)
  if c == nil then return nil, ffi.string(err.text) end
  return config.hold(c)
end

--- The root object of a configuration with these members beside the version and a host.
function config.service(members)
  return '{"version": 3, "host": ["http://h.test"]' .. (members and ", " .. members or "") .. "}"
end

--- The same with endpoints: a path and method in one word ("POST /a"), or the members of an object.
function config.endpoints(endpoints, members)
  local list = {}
  for i, e in ipairs(endpoints) do
    local method, path = e:match("^(%u+) (/.*)$")
    if e:match("^/") then method, path = "GET", e end
    list[i] = path and ('{"endpoint": "%s", "method": "%s", "backend": [{"url_pattern": "/"}]}'):format(path,
      method)
      or "{" .. e .. "}"
  end
  return config.service('"endpoints": [' .. table.concat(list, ", ") .. "]" .. (members and ", " .. members
    or ""))
end

--- The warnings as "LEVEL text".
function config.warnings(c)
  local lines = {}
  for i = 0, tonumber(c.warning_count) - 1 do
    local warning = c.warnings[i]
    lines[i + 1] = config.levels[tonumber(warning.level)] .. " " .. config.lua(warning.text)
  end
  return lines
end

--- A router, or nil and why not.
function config.router(c)
  local err = ffi.new("struct error")
  local router = core.router_new(c, err)
  if router == nil then return nil, ffi.string(err.text) end
  return { router = ffi.gc(router, core.router_free) }
end

local kinds = { [0] = "endpoint", "health", "debug", "echo", "options" }

--- What a request meets: "found", its pattern and its parameters; "redirect" and where to; "allow" and the
-- methods; "none".
function config.match(r, method, path)
  local arena = config.arena()
  local m = ffi.new("struct route_match")
  local verdict = tonumber(core.router_match(r.router, arena, config.str(method), config.str(path), m))
  if verdict == 1 then return "redirect", config.lua(m.location), m.slash_redirect end
  if verdict == 2 then return "none" end
  if verdict == 3 then return "allow", config.lua(m.allow) end
  local params = {}
  for i = 0, tonumber(m.route.param_count) - 1 do
    params[i + 1] = config.lua(m.route.param_names[i]) .. "=" .. config.lua(m.params[i])
  end
  return "found", config.lua(m.route.pattern), table.concat(params, " "), kinds[tonumber(m.route.kind)],
    m.route
end

return config
