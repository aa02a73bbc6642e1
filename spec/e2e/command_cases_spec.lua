--- Recorded cases of the command line: the binary is run as a user would, its exit code and output are compared.
local cases = require("spec.support.cases")
local json = require("kit.json")
local process = require("spec.support.process")

local function capture(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

local root = capture("pwd"):gsub("%s+$", "")

local function quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

local function write(path, text)
  os.execute("mkdir -p " .. quote(path:match("^(.*)/")))
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function environment(case)
  local words = {}
  for name, value in pairs(case.env or {}) do words[#words + 1] = name .. "=" .. quote(value) end
  return table.concat(words, " ")
end

--- The output and exit code of a case's command in a folder of its own.
local function run(case)
  local folder = capture("mktemp -d"):gsub("%s+$", "")
  local config = folder .. "/" .. (case.config_file or "krakend.json")
  local upstream = process.listen()
  local words = {}
  for _, name in ipairs({ "PORT", "PORT2", "CLOSED" }) do words[name] = tostring(process.free_port()) end
  words.BACKEND = tostring(upstream.port)
  local function fill(text) return (text:gsub("{{(%u+%d?)}}", words)) end
  write(config, fill(type(case.config) == "string" and case.config or json.encode(case.config)))
  for name, text in pairs(case.files or {}) do write(folder .. "/" .. name, fill(text)) end
  local arguments = {}
  for i, argument in ipairs(case.command) do
    arguments[i] = quote((fill(tostring(argument)):gsub("{config}", (config:gsub("%%", "%%%%")))))
  end
  local output = capture(("cd %s && %s timeout 20 %s/%s %s </dev/null 2>&1; echo \"code $?\""):format(quote(folder),
    environment(case), quote(root), process.binary, table.concat(arguments, " ")))
  os.execute("rm -rf " .. quote(folder))
  upstream:close()
  local text, code = output:match("^(.*)code (%d+)\n$")
  return text, tonumber(code)
end

local pipe = assert(io.popen("ls spec/cases/*/*.json"))
local paths = {}
for path in pipe:lines() do paths[#paths + 1] = path end
pipe:close()

describe("the command line", function()
  for _, path in ipairs(paths) do
    local case = cases.read(path)
    if case.command then
      it(case.title .. " [" .. path:match("([^/]+)%.json$") .. "]", function()
        local found = {}
        local output, code = run(case)
        if code ~= tonumber(tostring(case.want.exit)) then
          found[1] = ("exit: want %s, have %d"):format(tostring(case.want.exit), code)
        end
        cases.check_output(case, output, function(what) found[#found + 1] = what end)
        assert(#found == 0, table.concat(found, "\n") .. "\n" .. output)
      end)
    end
  end
end)
