--- The architecture is a spec too: a folder includes only itself and what stands left of it, and each library has one
-- owner.
local layers = { base = 1, net = 2, http = 3, gateway = 4, script = 5 }

local owners = {
  ["ev.h"] = { "net/loop.c", "net/fd.c" },
  ["ares.h"] = { "net/dns.c" },
  ["zlib.h"] = { "http/gunzip.c" },
  ["lua.h"] = "script/",
  ["lauxlib.h"] = "script/",
  ["lualib.h"] = "script/",
  ["luajit.h"] = "script/",
}

local function lines_of(command)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

--- {file, header} of every include in core/, file relative to core/.
local function includes()
  local found = {}
  for _, line in ipairs(lines_of("grep -rnE '^#include' core --include=*.c --include=*.h")) do
    local file, header = line:match('^core/([^:]+):%d+:#include [<"]([^>"]+)[>"]')
    found[#found + 1] = { file = file, header = header }
  end
  return found
end

local function is_owner(owner, file)
  if type(owner) == "string" then return file:sub(1, #owner) == owner end
  for _, allowed in ipairs(owner) do
    if file == allowed then return true end
  end
  return false
end

describe("the layers", function()
  it("include in one direction", function()
    for _, include in ipairs(includes()) do
      local from, to = layers[include.file:match("^(%w+)/")], layers[include.header:match("^(%w+)/")]
      assert(not from or not to or to <= from, include.file .. " includes " .. include.header)
    end
  end)

  it("give each library one owner", function()
    for _, include in ipairs(includes()) do
      local owner = owners[include.header]
      assert(not owner or is_owner(owner, include.file), include.file .. " includes " .. include.header)
    end
  end)

  it("reach the clock, chance and the network through the door only", function()
    local forbidden, names = {}, {}
    for name in ("time rand random srand socket getaddrinfo gethostbyname usleep sleep gettimeofday"):gmatch("%l+") do
      forbidden[name], names[#names + 1] = true, name
    end
    local calls = ([[\b(%s)\(]]):format(table.concat(names, "|"))
    for _, line in ipairs(lines_of("grep -rnE '" .. calls .. "' core/http core/gateway core/script --include=*.c")) do
      local code = line:gsub("/%*.-%*/", ""):gsub('"[^"]*"', "")
      for called in code:gmatch("[^%w_>%.](%l+)%(") do assert(not forbidden[called], line) end
    end
  end)

  it("have a README in each folder", function()
    local folders = "core core/base core/net core/net/sim core/http core/gateway core/script lua plugins conf spec"
    for folder in folders:gmatch("%S+") do
      local file = io.open(folder .. "/README.md")
      assert(file, folder .. " has no README.md")
      file:close()
    end
  end)
end)
