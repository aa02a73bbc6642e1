--- JSON for specs: small, exact, and strict enough for configurations and answers.
local json = {}

json.null = setmetatable({}, { __tostring = function() return "null" end })

local array = {}

--- Marks a table as an array, also when it is empty.
function json.array(list)
  return setmetatable(list or {}, array)
end

--- A number as it was written (decode with numbers = "text").
local number_text = { __eq = function(a, b) return a.text == b.text end, __tostring = function(n) return n.text end }

local escapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ["/"] = "/", ["\\"] = "\\", ['"'] = '"' }

local function utf8_char(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then
    return string.char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
  end
  return string.char(0xF0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64,
    0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

local function fail(at, what)
  error(("JSON: %s at byte %d"):format(what, at), 0)
end

local function read_unicode(text, at, options)
  local code = tonumber(text:match("^%x%x%x%x", at) or fail(at, "bad escape"), 16)
  if code >= 0xD800 and code < 0xDC00 then
    local low = text:match("^\\u(%x%x%x%x)", at + 4)
    low = low and tonumber(low, 16)
    if low and low >= 0xDC00 and low < 0xE000 then
      return utf8_char(0x10000 + (code - 0xD800) * 1024 + low - 0xDC00), at + 10
    end
  end
  if options.raw_bytes and code >= 0xDC80 and code <= 0xDCFF then return string.char(code - 0xDC00), at + 4 end
  if code >= 0xD800 and code < 0xE000 then code = 0xFFFD end
  return utf8_char(code), at + 4
end

local function read_string(text, at, options)
  local parts = {}
  while true do
    local stop = text:find('[%c"\\]', at) or fail(at, "unfinished string")
    parts[#parts + 1] = text:sub(at, stop - 1)
    local char = text:sub(stop, stop)
    if char == '"' then return table.concat(parts), stop + 1 end
    if char == "\127" then
      parts[#parts + 1], at = char, stop + 1
    elseif char ~= "\\" then
      fail(stop, "control character in a string")
    else
      local escape = text:sub(stop + 1, stop + 1)
      if escape == "u" then
        parts[#parts + 1], at = read_unicode(text, stop + 2, options)
      else
        parts[#parts + 1], at = escapes[escape] or fail(stop, "bad escape"), stop + 2
      end
    end
  end
end

local read_value

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

local function read_array(text, at, options)
  local list = json.array()
  at = skip(text, at)
  if text:sub(at, at) == "]" then return list, at + 1 end
  while true do
    list[#list + 1], at = read_value(text, at, options)
    at = skip(text, at)
    local char = text:sub(at, at)
    at = at + 1
    if char == "]" then return list, at end
    if char ~= "," then fail(at, "expected , or ]") end
  end
end

local function read_object(text, at, options)
  local object = {}
  at = skip(text, at)
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    at = skip(text, at)
    if text:sub(at, at) ~= '"' then fail(at, "expected a name") end
    local name, colon = read_string(text, at + 1, options)
    colon = skip(text, colon)
    if text:sub(colon, colon) ~= ":" then fail(colon, "expected :") end
    object[name], at = read_value(text, colon + 1, options)
    at = skip(text, at)
    local char = text:sub(at, at)
    at = at + 1
    if char == "}" then return object, at end
    if char ~= "," then fail(at, "expected , or }") end
  end
end

--- The text of a number.
local function read_number(text, at)
  local whole = text:match("^%-?[1-9]%d*", at) or text:match("^%-?0", at)
  if not whole then fail(at, "unexpected character") end
  local fraction = text:match("^%.%d+", at + #whole) or ""
  return whole .. fraction .. (text:match("^[eE][+-]?%d+", at + #whole + #fraction) or "")
end

local words = { { "true", true }, { "false", false }, { "null", json.null } }

function read_value(text, at, options)
  at = skip(text, at)
  local char = text:sub(at, at)
  if char == "{" then return read_object(text, at + 1, options) end
  if char == "[" then return read_array(text, at + 1, options) end
  if char == '"' then return read_string(text, at + 1, options) end
  for _, word in ipairs(words) do
    if text:sub(at, at + #word[1] - 1) == word[1] then return word[2], at + #word[1] end
  end
  local number = read_number(text, at)
  if options.numbers == "text" then return setmetatable({ text = number }, number_text), at + #number end
  return tonumber(number), at + #number
end

--- The value of a text; nil and why. null is json.null, arrays are marked as by json.array.
-- options.numbers = "text": numbers are {text = ...}, equal when their text is.
-- options.raw_bytes: a lone surrogate U+DC80 to U+DCFF stands for the byte 80 to FF.
function json.decode(text, options)
  local ok, value, at = pcall(read_value, text, 1, options or {})
  if not ok then return nil, value end
  if skip(text, at) <= #text then return nil, ("JSON: something follows at byte %d"):format(at) end
  return value
end

local function quote(text)
  return '"' .. text:gsub('[%c"\\\127]', function(char)
    if char == '"' or char == "\\" then return "\\" .. char end
    return ("\\u%04x"):format(char:byte())
  end) .. '"'
end

--- The shortest text that reads back as the same number.
local function number(value)
  if value ~= value or value == math.huge or value == -math.huge then error("JSON has no number " .. value, 0) end
  for digits = 15, 16 do
    local text = ("%%.%dg"):format(digits):format(value)
    if tonumber(text) == value then return text end
  end
  return ("%.17g"):format(value)
end

local write

local function write_array(value)
  local parts = {}
  for i = 1, #value do parts[i] = write(value[i]) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function write_object(value)
  local parts = {}
  for name, member in pairs(value) do
    if type(name) ~= "string" then error("JSON: neither an object nor an array: " .. tostring(name), 0) end
    parts[#parts + 1] = quote(name) .. ":" .. write(member)
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

function write(value)
  if value == json.null or value == nil then return "null" end
  local kind = type(value)
  if kind == "string" then return quote(value) end
  if kind == "number" then return number(value) end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "table" then error("JSON has no " .. kind, 0) end
  if getmetatable(value) == number_text then return value.text end
  if getmetatable(value) == array or #value > 0 then return write_array(value) end
  return write_object(value)
end

--- The text of a value. An empty table without mark is an object; names are sorted. Raises for what JSON has not.
json.encode = write

return json
