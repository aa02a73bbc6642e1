--- Makes the `runtime` that a plugin is given: everything it may use of the world.
local duration = require("cuttle.duration")

local runtime = {}

local levels = { debug = 0, info = 1, warning = 2, error = 3 }

--- string.format, whose complaints are about the line that called the log.
local function formatted(name, text, ...)
  if type(text) ~= "string" then
    error(("runtime.log.%s: expected a text, got %s"):format(name, type(text)), 3)
  end
  local ok, result = pcall(string.format, text, ...)
  if not ok then error(("runtime.log.%s: %s"):format(name, (result:gsub("'%?'", "'string.format'"))), 3) end
  return result
end

local function make_log(host, prefix)
  local log = {}
  for name, level in pairs(levels) do
    log[name] = function(text, ...)
      if not host.log_wants(level) then return end
      if select("#", ...) > 0 then text = formatted(name, text, ...) end
      host.log(level, prefix .. tostring(text))
    end
  end
  return log
end

local function copy(library)
  local own = {}
  for name, value in pairs(library) do own[name] = value end
  return own
end

local function make_http(host)
  local request = host.http_request
  local function with(name, method)
    return function(url, options)
      if options ~= nil and type(options) ~= "table" then
        error(("runtime.http.%s: expected a table of options, got %s"):format(name, type(options)), 2)
      end
      local copied = copy(options or {})
      copied.method, copied.url = method, url
      return request(copied)
    end
  end
  return { request = request, get = with("get", "GET"), post = with("post", "POST") }
end

--- What all plugins have in common.
function runtime.shared(host)
  return {
    now = host.now, wall = host.wall, sleep = host.sleep, random = host.random, json = host.json,
    http = make_http(host), duration = duration.parse,
  }
end

--- For one plugin at one place: what it changes there no other sees. place: { scope, name, endpoint, backend, timeout,
--- log_name }.
function runtime.new(host, shared, plugin, place)
  return setmetatable({
    json = copy(shared.json), http = copy(shared.http),
    place = {
      scope = place.scope, name = place.name, endpoint = place.endpoint, backend = place.backend,
      timeout = place.timeout,
    },
    log = make_log(host, ("%s[%s] "):format(place.log_name, plugin.log_name or plugin.name)),
    store = host.store(("%s\0%s\0%s\0"):format(plugin.namespace, place.scope, place.name)),
  }, { __index = shared, __metatable = false })
end

return runtime
