--- What a newcomer meets: the configurations in conf/ run, the demo shows what conf/demo.sh promises, and what
-- README.md and plugins/README.md print works when it is copied from there.
local json = require("kit.json")
local kit = require("kit")
local process = require("spec.support.process")

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function output_of(command)
  local pipe = assert(io.popen(command .. ' 2>&1; echo "code $?"'))
  local text, code = pipe:read("*a"):match("^(.*)code (%d+)\n$")
  pipe:close()
  return text, tonumber(code)
end

local root = output_of("pwd"):gsub("%s+$", "")
local binary = process.binary:match("^/") and process.binary or root .. "/" .. process.binary

--- A folder of this run's own, gone when it ends.
local function new_folder(finally)
  local path = output_of("mktemp -d"):gsub("%s+$", "")
  finally(function() os.execute("rm -rf " .. path) end)
  return path
end

local function write(path, text)
  os.execute("mkdir -p " .. path:match("^(.*)/"))
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

--- The code blocks of a page, in order: {{language, text}}.
local function blocks_of(path)
  local blocks = {}
  for language, text in read(path):gmatch("\n```(%w+)\n(.-)\n```\n") do
    blocks[#blocks + 1] = { language = language, text = text }
  end
  return blocks
end

--- The block of a page that begins with a comment which names this file.
local function file_in(page, name)
  for _, block in ipairs(blocks_of(page)) do
    if block.text:sub(1, #name + 4) == "-- " .. name .. "\n" then return block.text end
  end
  error(page .. " has no block of " .. name)
end

local configurations = {}
for path in output_of("ls conf/*.json"):gmatch("%S+") do configurations[#configurations + 1] = path end

--- Starts a copy of a configuration that has a port of its own; process and port.
local function start(path, finally)
  local port = process.free_port()
  local text = read(path):gsub("8080", tostring(port))
  local copy = write(new_folder(finally) .. "/krakend.json", text)
  local gateway = process.start({ "run", "-c", copy, "--workers", "2" })
  finally(function() gateway:stop() end)
  process.eventually(function() return process.get(port, "/__health") end, "an answer\n" .. gateway:out(), 10)
  return gateway, port
end

describe("conf", function()
  -- busted takes one function for the end of a spec
  local endings
  before_each(function() endings = {} end)
  after_each(function()
    for i = #endings, 1, -1 do endings[i]() end
  end)
  local function finally(fn) endings[#endings + 1] = fn end

  for _, path in ipairs(configurations) do
    it(path .. " passes check", function()
      local text, code = output_of(("%s check -c %s"):format(binary, path))
      assert.equal(0, code, text)
      assert.matches("Syntax OK!", text, 1, true)
    end)

    it(path .. " starts, and ends when it is told to", function()
      local gateway = start(path, finally)
      gateway:signal(15)
      assert.equal(0, gateway:wait())
    end)
  end

  --- What each line that the demo prints shows, by its path.
  local shows = {}

  shows["/users/7/page"] = function(get)
    local status, body, head = get()
    assert.equal(200, status)
    assert.matches("X-Krakend-Completed: true", head, 1, true)
    assert.equal("Ada Lovelace", body.user.name)
    assert.equal("On engines", body.posts[2].title)
    assert.equal(2, body.stats.posts)
  end

  shows["/users/7/card"] = function(get)
    local status, body = get()
    assert.equal(200, status)
    assert.same({ id = 7, full_name = "Ada Lovelace", address = { city = "London" } }, body)
  end

  shows["/limited"] = function(get)
    local statuses = {}
    for i = 1, 4 do statuses[i] = get() end
    assert.same({ 200, 200, 503, 503 }, statuses)
  end

  shows["/fragile"] = function(get)
    local texts = {}
    for i = 1, 4 do
      local status, _, _, text = get()
      assert.equal(500, status)
      texts[i] = text:match("circuit breaker is open") or text:match("invalid status code 500")
    end
    assert.same({ "invalid status code 500", "invalid status code 500", "circuit breaker is open",
      "circuit breaker is open" }, texts)
  end

  shows["/team/7"] = function(get)
    local status, body = get()
    assert.equal(200, status)
    assert.equal("Ada Lovelace", body.name)
    assert.equal("a**************", body.email)
    assert.same({ street = "1*******************", city = "London" }, body.address)
  end

  describe("the demo", function()
    local printed = {}
    for path in read("conf/demo.sh"):gmatch("curl [^\n]-localhost:8080(/[^%s;]+)") do printed[#printed + 1] = path end

    it("prints a line for each of the five", function()
      local wanted = {}
      for path in pairs(shows) do wanted[#wanted + 1] = path end
      table.sort(wanted)
      local have = { unpack(printed) }
      table.sort(have)
      assert.same(wanted, have)
    end)

    for _, path in ipairs(printed) do
      it("shows what it promises at " .. path, function()
        local _, port = start("conf/demo.json", finally)
        shows[path](function()
          local status, text = process.get(port, path)
          local head, body = text:match("^(.-)\r\n\r\n(.*)$")
          return status, (json.decode(body)), head, body
        end)
      end)
    end

    it("runs by its script", function()
      local text = read("conf/demo.sh")
      assert.matches('exec "$binary" run -c conf/demo.json', text, 1, true)
      assert.equal(0, select(2, output_of("sh -n conf/demo.sh")))
    end)
  end)

  describe("README.md", function()
    local example = blocks_of("README.md")[1].text

    it("has a configuration of twelve lines that answers as it says", function()
      assert.equal(12, select(2, (example .. "\n"):gsub("\n", "")))
      local origin = kit.upstream({ ip = "127.0.0.1", port = 9000 })
      origin:on("GET", "/users/7"):reply(200, '{"id":7,"name":"Ada","password":"x","balance":1.10}')
      origin:on("GET", "/posts"):reply(200, '{"count":1.50}')
      local gateway = kit.gateway(example)
      assert.equal('{"id":7,"name":"Ada","posts":{"count":1.50}}', gateway:get("/users/7").body)
      assert.equal("by=7", origin.requests[2].query .. origin.requests[1].query)
    end)

    it("has a configuration that passes check", function()
      local folder = new_folder(finally)
      write(folder .. "/krakend.json", example)
      local text, code = output_of(("cd %s && %s check -c krakend.json"):format(folder, binary))
      assert.equal(0, code, text)
    end)

    --- A gateway's configuration around the two lines that attach a plugin.
    local function attached(root_line, endpoint_line)
      return ([[{ "version": 3, "host": "http://127.0.0.1:9000", %s, "endpoints": [
        { "endpoint": "/a", "backend": [{ "url_pattern": "/" }], %s }] }]]):format(root_line, endpoint_line)
    end

    it("has a plugin with a spec that passes", function()
      local folder = new_folder(finally)
      for _, name in ipairs({ "plugins/teapot.lua", "spec/teapot_spec.lua" }) do
        write(folder .. "/" .. name, file_in("README.md", name))
      end
      local text, code = output_of(("cd %s && %s test spec"):format(folder, binary))
      assert.equal("1 passed, 0 failed\n", text)
      assert.equal(0, code)
    end)

    it("has the two lines that attach the plugin", function()
      local folder = new_folder(finally)
      write(folder .. "/plugins/teapot.lua", file_in("README.md", "plugins/teapot.lua"))
      local root_line, endpoint_line
      for _, block in ipairs(blocks_of("README.md")) do
        local first, second = block.text:match('^("plugin": [^\n]+)\n("extra_config": [^\n]+)$')
        root_line, endpoint_line = root_line or first, endpoint_line or second
      end
      write(folder .. "/krakend.json", attached(root_line, endpoint_line))
      local text, code = output_of(("cd %s && %s check -c krakend.json"):format(folder, binary))
      assert.equal(0, code, text)
      write(folder .. "/krakend.json", attached(root_line, endpoint_line:gsub('"coffee"', "7")))
      text, code = output_of(("cd %s && %s check -c krakend.json"):format(folder, binary))
      assert.equal(1, code)
      assert.matches("drink", text, 1, true)
    end)
  end)

  it("README.md names folders that are there, with a README of one screen", function()
    local table_of_folders = read("README.md"):match("\n## The folders.-\n(|.-)\n\n")
    for row in table_of_folders:gmatch("[^\n]+") do
      for path in row:match("^|([^|]*)"):gmatch("`([^`]+)`") do
        local name = path:match("%.c$") and path or path .. "/README.md"
        local lines = select(2, read(name):gsub("\n", ""))
        assert(path:match("%.c$") or lines <= 50, name .. " is longer than a screen")
      end
    end
  end)

  it("plugins/README.md has a plugin that works", function()
    local folder = new_folder(finally)
    write(folder .. "/my/plugins/quiet_hours.lua", file_in("plugins/README.md", "my/plugins/quiet_hours.lua"))
    local page = read("plugins/README.md")
    local settings = assert(json.decode("{" .. page:match('`("ops/quiet%-hours": [^`]+)`') .. "}"))
    assert(page:find('`"plugin": { "folder": "my/plugins" }`', 1, true))
    local origin = kit.upstream()
    origin:on("*", "*"):reply(200, { open = true })
    local gateway = kit.gateway({
      plugin = { folder = folder .. "/my/plugins" },
      endpoints = { {
        endpoint = "/a", backend = { { host = origin.url, url_pattern = "/" } }, extra_config = settings,
      } },
    })
    assert.equal(200, gateway:get("/a").status) -- the world begins at midnight
    kit.advance("1h")
    assert.equal(503, gateway:get("/a").status)
    kit.advance("5h")
    assert.equal(200, gateway:get("/a").status)
  end)

  it("the team's folder passes its own spec", function()
    local text, code = output_of(binary .. " test conf/team")
    assert.matches("^%d+ passed, 0 failed\n$", text)
    assert.equal(0, code)
  end)
end)
