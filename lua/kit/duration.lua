--- Spans of time as people write them: "40ms", "1.5s", "1h30m"; a number counts seconds.
local duration = {}

local parse = require("cuttle.duration").parse

--- Seconds.
function duration.seconds(value)
  if type(value) == "number" then return value end
  local seconds = parse(value)
  if not seconds or seconds < 0 then error("not a span of time: " .. tostring(value), 2) end
  return seconds
end

return duration
