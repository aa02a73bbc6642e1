--- A gateway in the simulated world: the real core, one worker, no network.
local client = require("kit.client")
local json = require("kit.json")
local world = require("kit.world")

local gateway = {}
gateway.__index = gateway

local function text_of(config)
  if type(config) == "string" then return config end
  local copy = { version = 3 }
  for key, value in pairs(config) do copy[key] = value end
  return json.encode(copy)
end

--- config: a table, or the text of a krakend.json. A table gets "version": 3 if it has none.
-- options: debug, environ ({"KRAKEND_X=y"}; nothing of the process's own), ip, port, file (the name that messages give
-- the configuration).
-- nil, why and the log lines, when such a configuration does not start.
function gateway.new(config, options)
  options = options or {}
  local ip = options.ip or "192.0.2.1"
  local core, port, lines = world.get():gateway({
    config = text_of(config), file = options.file, ip = ip, port = options.port or 0, debug = options.debug,
    environ = options.environ,
  })
  if not core then return nil, port, lines end
  local self = setmetatable({ core = core, port = port, ip = ip }, gateway)
  world.tell(function() return self:story() end)
  return self
end

--- A connection of one's own: see kit.client. from: the client's address, which is 127.0.0.1 otherwise.
function gateway:connect(from)
  return client.new(world.get(), self.ip, self.port, from)
end

--- The response to a request that is under way on a connection of its own.
local function finish(connection, request)
  local span = request.patience or "60s"
  local response = connection:receive(request.method, span)
  connection:close()
  if not response then
    error(("no answer to %s %s within %s"):format(request.method or "GET", request.path, span), 0)
  end
  return response
end

--- One request on a connection of its own, and its response: {status, fields, body, field(name), json()}, or {error}
-- when the connection ended before it was whole. Raises when nothing comes within `patience` (60 virtual seconds).
-- request: {method, path, fields, body, host, from, patience}; fields are {name = value} or a list of pairs, a body
-- that is a table becomes JSON, from is the client's address.
function gateway:request(request)
  return finish(self:connect(request.from):request(request), request)
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
  for i, request in ipairs(requests) do connections[i] = self:connect(request.from):request(request) end
  for i, request in ipairs(requests) do responses[i] = finish(connections[i], request) end
  return responses
end

--- Faults of clients' connections that are made from now on: what they send (up), and receive (down). See kit.fault.
function gateway:fault(up, down)
  world.fault(self.ip, self.port, up, down)
end

--- Its log lines so far, the access log's among them.
function gateway:log()
  return self.core:lines()
end

--- The first log line that matches the Lua pattern (plain: that has the text); nil without one.
function gateway:logged(pattern, plain)
  for _, line in ipairs(self:log()) do
    if line:find(pattern, 1, plain) then return line end
  end
end

local STORY_LINES = 12

--- What may explain why a spec failed: the last lines of its log without those of the level DEBUG.
function gateway:story()
  local lines = {}
  for _, line in ipairs(self:log()) do
    if not line:find("DEBUG", 1, true) then lines[#lines + 1] = line:gsub("\n", "\n  ") end
  end
  local first = math.max(1, #lines - STORY_LINES + 1)
  if #lines == 0 then return nil end
  return ("log of the gateway at %s:%d:\n  "):format(self.ip, self.port) .. table.concat(lines, "\n  ", first)
end

--- Exchanges in flight, downstream connections, idle upstream connections.
function gateway:counts()
  return self.core:counts()
end

--- Ends as at SIGTERM: takes no connection any more, finishes what is in flight.
function gateway:drain()
  self.core:drain()
end

function gateway:is_drained()
  return self.core:is_drained()
end

--- Ends at once, whatever is in flight.
function gateway:stop()
  self.core:stop()
end

return gateway
