--- What a whole message offers to specs: the requests that an upstream has seen, the responses that a client got.
local fields = require("kit.fields")
local json = require("kit.json")

local message = {}
message.__index = message

--- The first value of a field.
function message:field(name)
  return self.fields:get(name)
end

--- The content as a value; raises when it is no JSON.
function message:json(options)
  local value, problem = json.decode(self.body or "", options)
  if problem then error(("%s: %s"):format(problem, (self.body or self.error or ""):sub(1, 200)), 2) end
  return value
end

--- A message of these parts; its fields are {{name, value}, ...} in the order of the wire.
function message.new(parts)
  parts.fields = fields.new(parts.fields)
  return setmetatable(parts, message)
end

return message
