--- Recorded behaviour of KrakenD CE, played in the simulator: see spec/cases/README.md.
local cases = require("spec.support.cases")

local function list(pattern)
  local pipe = assert(io.popen("ls -d " .. pattern))
  local found = {}
  for path in pipe:lines() do found[#found + 1] = path end
  pipe:close()
  return found
end

for _, folder in ipairs(list("spec/cases/*/")) do
  local area = folder:match("([^/]+)/$")
  describe(area, function()
    for _, path in ipairs(list(folder .. "*.json")) do
      local case = cases.read(path)
      if not case.command and not case.wire then
        it(case.title .. " [" .. path:match("([^/]+)%.json$") .. "]", function()
          local found = cases.play(case)
          assert(#found == 0, table.concat(found, "\n"))
        end)
      end
    end
  end)
end
