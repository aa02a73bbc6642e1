--- Plugins that do not come back while they are loaded: `check` and `run` name them and end.
local process = require("spec.support.process")

local TERMINATE = 15

describe("a plugin that never returns while it is loaded", function()
  local folder, port, running

  local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "wb"))
    file:write(text)
    file:close()
  end

  --- The plugin `slow`, attached to so many endpoints: what its file does first, and what its new does.
  local function configure(chunk, new, plugin, count)
    local endpoints = {}
    for i = 1, count or 1 do
      endpoints[i] = ([[{ "endpoint": "/%d", "extra_config": { "spec/slow": {} },
        "backend": [{ "host": ["http://127.0.0.1:99"], "url_pattern": "/" }] }]]):format(i)
    end
    write("plugins/slow.lua", ([[
      %s
      local slow = { api = 1, namespace = "spec/slow", scopes = { "endpoint" } }
      function slow.new(_, runtime)
        %s
        return { runtime = runtime }
      end
      function slow:request() return { status = 204 } end
      return slow
    ]]):format(chunk, new))
    write("krakend.json", ([[{
      "version": 3, "port": %d, "listen_ip": "127.0.0.1",
      "plugin": { "folder": "%s/plugins" %s },
      "extra_config": { "cuttle/workers": { "stuck_after": "400ms", "count": 1 } },
      "endpoints": [%s] }]]):format(port, folder, plugin or "", table.concat(endpoints, ",")))
  end

  local function start(command)
    local p = process.start({ command, "-c", folder .. "/krakend.json" })
    running[#running + 1] = p
    return p
  end

  --- Both commands end, with their code and that on stderr.
  local function assert_refused(told)
    for command, code in pairs({ check = 1, run = 255 }) do
      local p = start(command)
      assert.equal(code, p:wait())
      assert(p:err():find("ERROR validating the configuration file:", 1, true), p:err())
      assert(p:err():find(told, 1, true), ("want %s, have %s"):format(told, p:err()))
    end
    assert.is_nil(process.connect(port))
  end

  before_each(function()
    folder, port, running = os.tmpname(), process.free_port(), {}
    os.remove(folder)
    os.execute("mkdir -p " .. folder .. "/plugins")
  end)

  after_each(function()
    for _, p in ipairs(running) do p:stop() end
    os.execute("rm -rf " .. folder)
  end)

  local endless = "while true do end"

  it("is named with its file", function()
    configure(endless, "")
    assert_refused(("plugin slow, loading %s/plugins/slow.lua, has not returned for 4"):format(folder))
  end)

  it("is named with its place", function()
    configure("", endless)
    assert_refused('plugin slow, new of endpoints[0].extra_config["spec/slow"], has not returned for 4')
  end)

  it("is named when it ends the process instead", function()
    configure("", "os.exit(0)", ', "grants": { "slow": ["os"] }')
    assert_refused('plugin slow, new of endpoints[0].extra_config["spec/slow"], ended the process with code 0')
    configure('require("ffi").cdef("int raise(int signal)")', 'require("ffi").C.raise(9)',
      ', "grants": { "slow": ["ffi"] }')
    assert_refused('plugin slow, new of endpoints[0].extra_config["spec/slow"], ended the process by signal 9')
  end)

  it("leaves no process behind when the command is ended meanwhile", function()
    configure("", endless)
    local p = start("check")
    local child = process.eventually(function() return p:workers()[1] end, "the process that loads plugins")
    p:signal(TERMINATE)
    assert.equal(-TERMINATE, p:wait())
    process.eventually(function() return not process.lives(child) end, "its end")
  end)

  it("is none that is slow at many places", function()
    configure('require("ffi").cdef("int usleep(unsigned us)")', 'require("ffi").C.usleep(100000)',
      ', "grants": { "slow": ["ffi"] }', 6)
    assert.equal(0, start("check"):wait())
  end)

  it("in workers only is killed and named, and started again with growing delays", function()
    configure("", "if runtime.wall() > 0 then " .. endless .. " end")
    local p = start("run")
    local line = 'worker 0 %(pid %d+%) hung for %S+ in plugin slow, new of endpoints%[0%]' ..
      '.extra_config%["spec/slow"%], and was killed'
    local told = function() return select(2, p:out():gsub(line, "")) end
    process.eventually(function() return told() >= 3 end, "three workers", 10)
    assert.is_nil(p:out():find("answer 503", 1, true))
    p:signal(TERMINATE)
    assert.equal(0, p:wait())
  end)
end)

describe("what is doubtful about plugins", function()
  it("is told by check, which succeeds", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write([[{ "version": 3, "port": 8080, "plugin": { "folder": "/not/there" },
      "extra_config": { "qos/ratelimit/router": { "max_rate": 1 } },
      "endpoints": [{ "endpoint": "/a", "backend": [{ "host": ["http://a.test"], "url_pattern": "/" }] }] }]])
    file:close()
    local p = process.start({ "check", "-c", path })
    assert.equal(0, p:wait())
    assert.equal("Parsing configuration file: " .. path .. "\n" ..
      "ERROR [SERVICE: Plugins] there is no folder /not/there\n" ..
      'WARNING extra_config["qos/ratelimit/router"]: qos/ratelimit/router is for an endpoint, not for a service: ' ..
      "ignored\nSyntax OK!\n", p:err())
    assert.equal("", p:out())
    p:stop()
    os.remove(path)
  end)
end)
