--- Shapes what a backend answered: target, then allow or deny, then mapping, then group.
--
-- Its settings are the backend's own fields of those names. Numbers, order and escapes of what is kept stay as the
-- backend sent them: the operations work on the received bytes.
local manipulation = {
  api = 1,
  namespace = "cuttle/manipulation",
  scopes = { "backend" },
  schema = {
    type = "object",
    properties = {
      target = { type = "string", default = "" },
      allow = { type = "array", items = { type = "string" }, default = {} },
      deny = { type = "array", items = { type = "string" }, default = {} },
      mapping = { type = "object", additionalProperties = { type = "string" }, default = {} },
      group = { type = "string", default = "" },
    },
  },
}
manipulation.__index = manipulation

local function unless_empty(text)
  if text ~= "" then return text end
end

function manipulation.new(config, runtime)
  local json = runtime.json
  return setmetatable({
    json = json,
    target = unless_empty(config.target),
    group = unless_empty(config.group),
    -- With an allow list nobody looks at deny.
    keep = #config.allow > 0 and json.paths(config.allow) or nil,
    drop = #config.allow == 0 and #config.deny > 0 and json.paths(config.deny) or nil,
    renames = next(config.mapping) and json.renames(config.mapping) or nil,
  }, manipulation)
end

--- The object that target names; an empty one if it is missing or no object.
function manipulation:targeted(data)
  local json = self.json
  local found = json.type(data) == "object" and json.find(data, self.target)
  if found and json.type(found) == "object" then return found end
  return json.object()
end

function manipulation:filter(data)
  local json = self.json
  if self.keep then json.keep(data, self.keep) end
  if self.drop then json.drop(data, self.drop) end
  if self.renames then json.rename(data, self.renames) end
end

function manipulation:reply(call)
  if call:failure() then return end
  local response = call:response()
  if not response or response:is_error_details() then return end
  local received = response:data()
  if received == nil then return end
  local data = received
  if self.target then data = self:targeted(data) end
  if self.json.type(data) == "object" then self:filter(data) end
  if self.group then data = self.json.wrap(data, self.group) end
  if data ~= received then response:set_data(data) end
end

return manipulation
