--- Checks settings against a schema, and fills in its defaults.
--
-- The words are JSON Schema's: type, enum, required, properties, additionalProperties, items, minItems, maxItems,
-- minLength, maxLength, minimum, maximum, exclusiveMinimum, exclusiveMaximum, oneOf, default. `title` and
-- `description` are for readers.
--
--     ok, problems = schema.check(shape, settings, 'endpoints[3].extra_config["payments/geo-fence"]')
--     problems[1] --> 'endpoints[3].extra_config["payments/geo-fence"].allow[0]: expected string, got number'
local schema = {}

--- What may stand behind each word: Lua types.
local words = {
  type = "string or table", enum = "table", required = "table", properties = "table",
  additionalProperties = "boolean or table", items = "table", minItems = "number", maxItems = "number",
  minLength = "number", maxLength = "number", minimum = "number", maximum = "number", exclusiveMinimum = "number",
  exclusiveMaximum = "number", oneOf = "table", default = "any", title = "string", description = "string",
}

local types = {
  object = true, array = true, string = true, number = true, integer = true, boolean = true, null = true,
}

local function is_null(value)
  return type(value) == "userdata"
end

--- The JSON type of a decoded value. An empty table is whichever is asked for, unless it is marked as an array.
local function is_type(value, name)
  local kind = type(value)
  if name == "object" then return kind == "table" and #value == 0 and getmetatable(value) == nil end
  if name == "array" then return kind == "table" and next(value) == nil or kind == "table" and #value > 0 end
  if name == "integer" then return kind == "cdata" or kind == "number" and value == math.floor(value) end
  if name == "number" then return kind == "number" or kind == "cdata" end
  if name == "null" then return is_null(value) end
  return kind == name
end

local function type_of(value)
  for _, name in ipairs({ "null", "object", "array", "number", "string", "boolean" }) do
    if is_type(value, name) then return name end
  end
  return type(value)
end

local function key_path(path, key)
  if key:match("^[%a_][%w_]*$") then return path == "" and key or path .. "." .. key end
  return ("%s[%q]"):format(path, key)
end

local function shown(value)
  if type(value) == "cdata" then return (tostring(value):gsub("U?LL$", "")) end
  return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

local function list_of(values)
  local texts = {}
  for i, value in ipairs(values) do texts[i] = shown(value) end
  return table.concat(texts, ", ")
end

local check -- of any value; the parts below call it again

local function check_type(shape, value, path, problems)
  local names = type(shape.type) == "table" and shape.type or { shape.type }
  for _, name in ipairs(names) do
    if is_type(value, name) then return true end
  end
  problems[#problems + 1] = ("%s: expected %s, got %s"):format(path, table.concat(names, " or "), type_of(value))
  return false
end

local function check_object(shape, value, path, problems)
  for _, key in ipairs(shape.required or {}) do
    if value[key] == nil then problems[#problems + 1] = ("%s: %s is missing"):format(path, key) end
  end
  local properties = shape.properties or {}
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    if properties[key] then
      check(properties[key], value[key], key_path(path, key), problems)
    elseif shape.additionalProperties == false then
      problems[#problems + 1] = key_path(path, key) .. ": no such setting"
    elseif type(shape.additionalProperties) == "table" then
      check(shape.additionalProperties, value[key], key_path(path, key), problems)
    end
  end
end

local function check_array(shape, value, path, problems)
  if shape.minItems and #value < shape.minItems then
    problems[#problems + 1] = ("%s: expected at least %d, got %d"):format(path, shape.minItems, #value)
  end
  if shape.maxItems and #value > shape.maxItems then
    problems[#problems + 1] = ("%s: expected at most %d, got %d"):format(path, shape.maxItems, #value)
  end
  for i, item in ipairs(value) do
    if shape.items then check(shape.items, item, ("%s[%d]"):format(path, i - 1), problems) end
  end
end

local bounds = {
  { word = "minimum", holds = function(v, limit) return v >= limit end, text = "at least" },
  { word = "maximum", holds = function(v, limit) return v <= limit end, text = "at most" },
  { word = "exclusiveMinimum", holds = function(v, limit) return v > limit end, text = "more than" },
  { word = "exclusiveMaximum", holds = function(v, limit) return v < limit end, text = "less than" },
}

local function check_bounds(shape, value, path, problems)
  for _, bound in ipairs(bounds) do
    local limit = shape[bound.word]
    if limit and not bound.holds(tonumber(value), limit) then
      problems[#problems + 1] = ("%s: expected %s %s, got %s"):format(path, bound.text, limit, shown(value))
    end
  end
end

local function check_length(shape, value, path, problems)
  local length = select(2, value:gsub("[^\128-\191]", "")) -- characters, not bytes
  if shape.minLength and length < shape.minLength then
    problems[#problems + 1] = ("%s: expected at least %d characters"):format(path, shape.minLength)
  end
  if shape.maxLength and length > shape.maxLength then
    problems[#problems + 1] = ("%s: expected at most %d characters"):format(path, shape.maxLength)
  end
end

local function check_enum(shape, value, path, problems)
  for _, allowed in ipairs(shape.enum) do
    if value == allowed then return end
  end
  problems[#problems + 1] = ("%s: expected one of %s, got %s"):format(path, list_of(shape.enum), shown(value))
end

--- One of several shapes must fit; if none does, the problems of the one that came closest are told.
local function check_one_of(shape, value, path, problems)
  local closest
  for _, option in ipairs(shape.oneOf) do
    local found = {}
    check(option, value, path, found)
    if #found == 0 then return end
    if not closest or #found < #closest then closest = found end
  end
  for _, problem in ipairs(closest or {}) do problems[#problems + 1] = problem end
end

function check(shape, value, path, problems)
  if shape.type and not check_type(shape, value, path, problems) then return end
  if shape.enum then check_enum(shape, value, path, problems) end
  if shape.oneOf then check_one_of(shape, value, path, problems) end
  if is_type(value, "number") then check_bounds(shape, value, path, problems) end
  if type(value) == "string" then check_length(shape, value, path, problems) end
  if is_type(value, "object") then check_object(shape, value, path, problems) end
  if type(value) == "table" and #value > 0 then check_array(shape, value, path, problems) end
  if type(value) == "table" and #value == 0 and (shape.minItems or 0) > 0 and is_type(value, "array") then
    check_array(shape, value, path, problems)
  end
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local result = setmetatable({}, getmetatable(value))
  for key, item in pairs(value) do result[key] = copy(item) end
  return result
end

local function fill(shape, value)
  if type(value) ~= "table" then return end
  for key, property in pairs(shape.properties or {}) do
    if value[key] == nil and property.default ~= nil then value[key] = copy(property.default) end
    fill(property, value[key])
  end
  if shape.items then
    for _, item in ipairs(value) do fill(shape.items, item) end
  end
end

--- True, with the defaults filled into value; or false and a list of what is wrong, each with its path.
function schema.check(shape, value, path)
  local problems = {}
  check(shape, value, path or "", problems)
  if #problems > 0 then return false, problems end
  fill(shape, value)
  return true
end

--- A word that is unknown here would check nothing, one with a value of another type would raise.
local function check_words(shape, path)
  for word, value in pairs(shape) do
    local expected = words[word]
    if not expected then return false, ("%s: unknown word %s"):format(path, shown(word)) end
    if expected ~= "any" and not expected:find(type(value), 1, true) then
      return false, ("%s.%s: expected a %s, got %s"):format(path, word, expected, type(value))
    end
  end
  for _, name in ipairs(type(shape.type) == "table" and shape.type or { shape.type }) do
    if not types[name] then return false, ("%s.type: no such type %s"):format(path, shown(name)) end
  end
  return true
end

--- Is the schema itself well-formed? True, or false and why.
function schema.is_valid(shape, path)
  path = path or "schema"
  if type(shape) ~= "table" then return false, path .. ": expected a table, got " .. type(shape) end
  local well_formed, why = check_words(shape, path)
  if not well_formed then return false, why end
  local parts = {}
  for key, part in pairs(shape.properties or {}) do parts[path .. ".properties." .. tostring(key)] = part end
  for i, part in ipairs(shape.oneOf or {}) do parts[("%s.oneOf[%d]"):format(path, i - 1)] = part end
  if type(shape.additionalProperties) == "table" then
    parts[path .. ".additionalProperties"] = shape.additionalProperties
  end
  parts[path .. ".items"] = shape.items
  for part_path, part in pairs(parts) do
    local ok, problem = schema.is_valid(part, part_path)
    if not ok then return false, problem end
  end
  if shape.default ~= nil then
    local problems = {}
    check(shape, shape.default, path .. ".default", problems)
    if #problems > 0 then return false, problems[1] end
  end
  return true
end

return schema
