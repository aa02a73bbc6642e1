--- Masks personal data in what leaves the gateway: `"ada@example.com"` becomes `"a**************"`.
--
--     "accounts/mask": { "paths": ["email", "address.street", "orders.card"], "reveal_to": ["support"] }
--
-- A path leads from member to member; an array on its way means each of its elements. Clients that name one of the
-- teams of reveal_to in X-Team see everything: put this behind a check of who they are.
local mask = {
  api = 1,
  namespace = "accounts/mask",
  scopes = { "endpoint" },
  schema = {
    type = "object",
    required = { "paths" },
    additionalProperties = false,
    properties = {
      paths = { type = "array", minItems = 1, items = { type = "string", minLength = 1 } },
      reveal_to = { type = "array", items = { type = "string" }, default = {} },
    },
  },
}
mask.__index = mask

local function steps_of(path)
  local steps = {}
  for step in path:gmatch("[^.]+") do steps[#steps + 1] = step end
  return steps
end

function mask.new(config, runtime)
  local self = setmetatable({ json = runtime.json, paths = {}, reveals = {} }, mask)
  for i, path in ipairs(config.paths) do self.paths[i] = steps_of(path) end
  for _, team in ipairs(config.reveal_to) do self.reveals[team] = true end
  return self
end

--- One sign for each byte but the first; a number or a boolean is not shown at all.
local function masked(value)
  if type(value) ~= "string" then return "*" end
  return value:sub(1, 1) .. ("*"):rep(#value - 1)
end

--- Masks what the steps from `at` on lead to, below a document.
function mask:apply(doc, steps, at)
  local kind = self.json.type(doc)
  if kind == "array" then
    for _, element in self.json.ipairs(doc) do self:apply(element, steps, at) end
  elseif kind == "object" then
    local value = doc[steps[at]]
    if at < #steps then
      self:apply(value, steps, at + 1)
    elseif value ~= nil and value ~= self.json.null then
      doc[steps[at]] = masked(value)
    end
  end
end

function mask:merged(exchange)
  if self.reveals[exchange:field("X-Team") or ""] then return end
  local response = exchange:response()
  for _, steps in ipairs(self.paths) do self:apply(response:data(), steps, 1) end
end

return mask
