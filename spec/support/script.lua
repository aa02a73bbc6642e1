--- Gateways for specs of what plugins may do: their source stands in the spec.
local kit = require("kit")

local script = {}

local made = {}

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

--- A folder with files {name = text}; gone with script.clean.
function script.folder(files)
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute("mkdir -p " .. path) == 0)
  made[#made + 1] = path
  for name, text in pairs(files) do
    local inside = name:match("^(.*)/")
    if inside then assert(os.execute(("mkdir -p %s/%s"):format(path, inside)) == 0) end
    write(path .. "/" .. name, text)
  end
  return path
end

function script.clean()
  for _, path in ipairs(made) do os.execute("rm -r " .. path) end
  made = {}
end

--- A plugin's source: its body defines functions of the table `plugin`, and finds runtime and config in self.
function script.source(body, options)
  options = options or {}
  return ([[
local plugin = { api = 1, namespace = %q, scopes = { %q }, %s }
%s
return plugin
]]):format(options.namespace or "spec/plugin", options.scope or "endpoint", options.extra or "", body)
end

--- A gateway with one endpoint, GET /x/{id}, and one upstream; body as for script.source.
-- options: scope, extra (of the plugin's table), settings, endpoint and backend (more of their fields), reply, environ.
function script.gateway(body, options)
  options = options or {}
  local upstream = kit.upstream()
  upstream:on(options.method or "GET", "/u"):reply(options.status or 200, options.reply or { id = 1 })
  local scope = options.scope or "endpoint"
  local attached = { ["spec/plugin"] = options.settings or {} }
  local backend = { host = upstream.url, url_pattern = "/u", extra_config = scope == "backend" and attached or nil }
  for key, value in pairs(options.backend or {}) do backend[key] = value end
  local endpoint = {
    endpoint = "/x/{id}", method = options.method, input_query_strings = { "*" }, input_headers = { "*" },
    backend = { backend }, extra_config = scope == "endpoint" and attached or nil,
  }
  for key, value in pairs(options.endpoint or {}) do endpoint[key] = value end
  local gateway = kit.gateway({
    plugin = { folder = script.folder({ ["spec_plugin.lua"] = script.source(body, options) }) },
    extra_config = scope == "service" and attached or nil,
    endpoints = { endpoint },
  }, { environ = options.environ })
  return gateway, upstream
end

return script
