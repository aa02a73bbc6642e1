--- A gateway in the simulated world: the real core, one worker, no network.
local client = require("kit.client")
local json = require("kit.json")
local world = require("kit.world")

local gateway = {}
gateway.__index = gateway

--- config: a table, or the text of a krakend.json. A table gets "version": 3 if it has none.
-- options: debug, environ ({"KRAKEND_X=y"}). nil, why and the log lines, when such a configuration does not start.
function gateway.new(config, options)
  local text = config
  if type(config) == "table" then
    config.version = config.version or 3
    text = json.encode(config)
  end
  options = options or {}
  local ip = options.ip or "192.0.2.1"
  local core, port, lines = world.get():gateway({
    config = text, file = options.file, ip = ip, port = options.port or 0, debug = options.debug,
    environ = options.environ,
  })
  if not core then return nil, port, lines end
  return setmetatable({ core = core, port = port, ip = ip }, gateway)
end

--- A connection of one's own: see kit.client.
function gateway:connect()
  return client.new(world.get(), self.ip, self.port)
end

--- One request on a connection of its own, and its response: {status, fields, body, field(name), json()}.
-- request: {method, path, fields, body, host}.
function gateway:request(request)
  local connection = self:connect()
  connection:request(request)
  local response = connection:receive(request.method)
  connection:close()
  return response
end

local function with_method(method)
  return function(self, path, request)
    local copy = { method = method, path = path }
    for key, value in pairs(request or {}) do copy[key] = value end
    return self:request(copy)
  end
end

gateway.get = with_method("GET")
gateway.post = with_method("POST")
gateway.put = with_method("PUT")
gateway.patch = with_method("PATCH")
gateway.delete = with_method("DELETE")

--- Several requests at once; their responses in that order.
function gateway:parallel(requests)
  local connections, responses = {}, {}
  for i, request in ipairs(requests) do
    connections[i] = self:connect()
    connections[i]:request(request)
  end
  for i, request in ipairs(requests) do
    responses[i] = connections[i]:receive(request.method)
    connections[i]:close()
  end
  return responses
end

--- Its log lines so far, the access log's among them.
function gateway:log()
  return self.core:lines()
end

--- The first log line that matches the Lua pattern; nil without one.
function gateway:logged(pattern)
  for _, line in ipairs(self:log()) do
    if line:find(pattern) then return line end
  end
end

--- In flight, downstream connections, idle upstream connections.
function gateway:counts()
  return self.core:counts()
end

function gateway:drain()
  self.core:drain()
end

function gateway:is_drained()
  return self.core:is_drained()
end

function gateway:stop()
  self.core:stop()
end

return gateway
