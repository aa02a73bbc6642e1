--- A field section as specs like to look at it.
local fields = {}
fields.__index = fields

--- list: {{name, value}, ...} in the order of the wire.
function fields.new(list)
  return setmetatable({ list = list }, fields)
end

--- The first value of that name, in any letter case; nil without one.
function fields:get(name)
  return self:all(name)[1]
end

--- All values of that name, in order.
function fields:all(name)
  local values = {}
  for _, field in ipairs(self.list) do
    if field[1]:lower() == name:lower() then values[#values + 1] = field[2] end
  end
  return values
end

--- {name in lower case = {value, ...}}
function fields:map()
  local map = {}
  for _, field in ipairs(self.list) do
    local name = field[1]:lower()
    map[name] = map[name] or {}
    table.insert(map[name], field[2])
  end
  return map
end

--- The {{name, value}} of what a spec wrote: that list itself, or {name = value} or {name = {value, ...}}, sorted.
function fields.from(given)
  if not given or given[1] then return given or {} end
  local list, names = {}, {}
  for name in pairs(given) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = type(given[name]) == "table" and given[name] or { given[name] }
    for _, value in ipairs(values) do list[#list + 1] = { name, tostring(value) } end
  end
  return list
end

--- Lines of the wire.
function fields.format(list)
  local lines = {}
  for i, field in ipairs(list) do lines[i] = field[1] .. ": " .. field[2] .. "\r\n" end
  return table.concat(lines)
end

return fields
