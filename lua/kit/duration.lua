--- Spans of time as people write them: "40ms", "1.5s", "2m", "24h"; a number counts seconds.
local duration = {}

local units = { ns = 1e-9, us = 1e-6, ms = 1e-3, s = 1, m = 60, h = 3600 }

--- Seconds.
function duration.seconds(value)
  if type(value) == "number" then return value end
  local number, unit = tostring(value):match("^(%d+%.?%d*)(%a+)$")
  if not number or not units[unit] then error("not a duration: " .. tostring(value), 2) end
  return tonumber(number) * units[unit]
end

return duration
