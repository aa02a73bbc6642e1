--- Spans of time as text, in the syntax of krakend.json: "1h30m", "250ms", "-1s", "0".
local duration = {}

local seconds = {
  ns = 1e-9, us = 1e-6, ["µs"] = 1e-6, ["μs"] = 1e-6, ms = 1e-3, s = 1, m = 60, h = 3600,
}

local max_seconds = 2 ^ 63 / 1e9 -- KrakenD counts nanoseconds in 64 bits

--- Seconds, or nil and why.
function duration.parse(text)
  if type(text) ~= "string" then return nil, "expected a text, got " .. type(text) end
  local sign, rest = text:match("^([-+]?)(.*)$")
  if rest == "0" then return 0 end
  if rest == "" then return nil, "invalid duration" end
  local sum = 0
  while rest ~= "" do
    local number, unit, after = rest:match("^([%d.]+)([^%d.]*)(.*)$")
    if not number or not number:match("%d") or select(2, number:gsub("%.", "")) > 1 then
      return nil, "invalid duration"
    end
    if unit == "" then return nil, "missing unit in duration" end
    if not seconds[unit] then return nil, "unknown unit" end
    sum, rest = sum + tonumber(number) * seconds[unit], after
    if sum >= max_seconds then return nil, "invalid duration" end
  end
  return sign == "-" and -sum or sum
end

return duration
