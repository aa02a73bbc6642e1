--- A client connection in a world: bytes out, whole responses in.
local core = require("kit.core")
local duration = require("kit.duration")
local fields = require("kit.fields")
local json = require("kit.json")
local message = require("kit.message")

local client = {}
client.__index = client

--- Opens a connection; world is of kit.core. from: the client's own address.
function client.new(world, ip, port, from)
  local self = setmetatable({ world = world, pending = "", ended = false, received = 0,
    interim = 0, interims = {} }, client)
  local sock, problem = world:connect(ip, port, function(_, event, data)
    if event == "data" then
      self.received = self.received + #data
      if self.on_data then self.on_data(data) else self.pending = self.pending .. data end
    elseif event == "end" then
      self.ended = true
    elseif event == "error" then
      self.ended, self.problem = true, data
    end
  end, from)
  if not sock then error(problem, 2) end
  self.sock = sock
  return self
end

--- Writes bytes.
function client:send(bytes)
  self.sock:write(bytes)
  return self
end

--- Writes one request: {method, path, fields, body, host}.
function client:request(request)
  local body = request.body or ""
  if type(body) ~= "string" then body = json.encode(body) end
  local list, section = {}, fields.new(fields.from(request.fields))
  if not section:get("host") then list[1] = { "Host", request.host or "gateway.test" } end
  for _, field in ipairs(section.list) do list[#list + 1] = field end
  if body ~= "" and not section:get("content-length") and not section:get("transfer-encoding") then
    list[#list + 1] = { "Content-Length", tostring(#body) }
  end
  return self:send(("%s %s HTTP/1.1\r\n"):format(request.method or "GET", request.path) .. fields.format(list) .. "\r\n"
    .. body)
end

--- A response to a request of that method, if it is whole: nil otherwise. Interim responses are passed over: `interim`
-- counts them, `interims` holds them.
function client:take(method)
  while self.pending ~= "" do
    local parts, used, reason = core.read_response(self.pending, method or "GET", self.ended)
    if not parts then
      if used == "more" then
        self.head = reason
        return nil
      end
      return message.new({ error = "malformed", reason = reason, fields = {}, raw = self.pending })
    end
    self.pending = self.pending:sub(used + 1)
    local response = message.new(parts)
    if response.status >= 200 then return response end
    self.interim = self.interim + 1
    self.interims[self.interim] = response
  end
end

--- Waits for a response. When the connection ended before it was whole: {error = "closed"}, with what came in `partial`
-- and, if the head was among it, in `head` ({status, fields, chunked, partial}). nil when nothing came within the span.
function client:receive(method, span)
  local found
  self.world:run(duration.seconds(span or 60), function()
    found = found or self:take(method)
    return found ~= nil or self.ended
  end)
  found = found or self:take(method)
  if found or not self.ended then return found end
  local head = self.head and message.new(self.head)
  return message.new({ error = "closed", partial = self.pending, head = head, fields = {} })
end

--- Waits until the gateway ended the connection; false if it did not within the span.
function client:wait_closed(span)
  return self.world:run(duration.seconds(span or 60), function() return self.ended end)
end

--- Ends the client's side alone: nothing more is sent, answers are still read.
function client:finish()
  self.sock:shutdown()
end

function client:close()
  self.sock:close()
end

--- Closes as a client does that is gone: the gateway sees a reset.
function client:reset()
  self.sock:reset()
end

return client
