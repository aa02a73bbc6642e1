--- The real binary: its master, its workers, their ends.
local process = require("spec.support.process")

local TERMINATE, INTERRUPT, KILL = 15, 2, 9

--- A plugin that never returns from this phase.
local function loop_plugin(phase)
  return ([[
    local loop = { api = 1, namespace = "spec/loop", scopes = { "service", "endpoint", "backend" },
      schema = { type = "object" } }
    loop.__index = loop

    function loop.new() return setmetatable({}, loop) end

    function loop:%s()
      while true do self.n = 1 end
    end

    return loop
  ]]):format(phase)
end

describe("the processes", function()
  local folder, gateway, upstream, port, conns

  local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "wb"))
    file:write(text)
    file:close()
  end

  --- A configuration with an endpoint that waits for the spec's own upstream.
  local function configure(root)
    write("krakend.json", ([[{
      "version": 3, "port": %d, "listen_ip": "127.0.0.1", %s
      "endpoints": [{ "endpoint": "/slow", "timeout": "20s",
        "backend": [{ "host": ["http://127.0.0.1:%d"], "url_pattern": "/" }] }] }]]):format(
      port, root and root .. "," or "", upstream.port))
  end

  local function start(...)
    gateway = process.start({ "run", "-c", folder .. "/krakend.json", ... })
    gateway:serves(port)
  end

  --- The pids of so many workers, once there are.
  local function workers(count)
    return process.eventually(function()
      local pids = gateway:workers()
      return #pids == count and pids
    end, count .. " workers")
  end

  local function connect()
    local c = assert(process.connect(port))
    conns[#conns + 1] = c
    return c
  end

  --- A request that the upstream has and does not answer yet: its two connections.
  local function request_in_flight()
    local client = connect()
    client:send("GET /slow HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    local backend, head = upstream:accept()
    conns[#conns + 1] = backend
    assert.truthy(head:find("^GET / HTTP/1%.1\r\n"))
    return client, backend
  end

  before_each(function()
    folder, conns = os.tmpname(), {}
    os.remove(folder)
    os.execute("mkdir -p " .. folder .. "/plugins")
    upstream, port = process.listen(), process.free_port()
    configure()
  end)

  after_each(function()
    if gateway then gateway:stop() end
    gateway = nil
    for _, c in ipairs(conns) do c:close() end
    upstream:close()
    os.execute("rm -rf " .. folder)
  end)

  describe("of workers", function()
    it("are as many as --workers says", function()
      start("--workers", "3")
      workers(3)
    end)

    it("have names of their own, and nothing of the master's", function()
      start("--workers", "2")
      local names = {}
      for i, pid in ipairs(workers(2)) do
        local said = io.popen(("cat /proc/%d/comm; readlink /proc/%d/fd/*"):format(pid, pid))
        local text = said:read("*a")
        said:close()
        names[i] = text:match("^[^\n]+")
        assert.is_nil(text:find("signalfd", 1, true))
        assert.equal(1, select(2, text:gsub("socket:", "")), text)
      end
      table.sort(names)
      assert.same({ "cuttle/0", "cuttle/1" }, names)
    end)

    it("write their log as they go", function()
      start("--workers", "1")
      process.eventually(function() return gateway:out():find('GET +"/__health"') end, "the access log")
      assert.equal(1, select(2, gateway:out():gsub("Starting the KrakenD instance", "")))
    end)

    it("go on when a terminal interrupts them: the master tells them to end", function()
      start("--workers", "1")
      local client, backend = request_in_flight()
      require("ffi").C.kill(workers(1)[1], INTERRUPT)
      backend:send('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}')
      assert.truthy(client:receive('{"a":1}$'):find("^HTTP/1%.1 200 "))
    end)

    it("finish what is in flight though SIGTERM comes twice", function()
      start("--workers", "1")
      local idle, worker = connect(), workers(1)[1]
      idle:send("GET /__health HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
      idle:receive('"ok"}$')
      local client, backend = request_in_flight()
      require("ffi").C.kill(worker, TERMINATE)
      assert.equal("end", select(2, idle:receive()))
      require("ffi").C.kill(worker, TERMINATE)
      backend:send('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}')
      assert.truthy(client:receive('{"a":1}$'):find("^HTTP/1%.1 200 "))
      process.eventually(function()
        return gateway:out():find("INFO: %[SERVICE: Master%] worker 0 %(pid %d+%) ended with code 0\n")
      end, "its end to be told")
    end)

    it("are as many as the configuration says, if the command line does not", function()
      configure('"extra_config": { "cuttle/workers": { "count": 2 } }')
      start()
      workers(2)
    end)

    it("are replaced within a second when killed, while the port goes on answering", function()
      start("--workers", "2")
      local victim, killed = workers(2)[1], process.now()
      require("ffi").C.kill(victim, KILL)
      for _ = 1, 40 do assert.equal(200, (process.get(port, "/__health", 1))) end
      process.eventually(function()
        local now = gateway:workers()
        return #now == 2 and now[1] ~= victim and now[2] ~= victim
      end, "a new worker", killed + 1 - process.now())
      assert.truthy(gateway:out():find("ERROR: %[SERVICE: Master%] worker %d+ %(pid %d+%) was ended by signal 9"))
    end)

    it("that die young again and again are replaced with growing delays", function()
      start("--workers", "1")
      local started, last = process.now(), nil
      for _ = 1, 4 do
        local pid = process.eventually(function()
          local worker = gateway:workers()[1]
          return worker ~= last and worker
        end, "a new worker")
        require("ffi").C.kill(pid, KILL)
        last = pid
      end
      assert.is_true(process.now() - started >= 0.1 + 0.2 + 0.4)
      assert.equal(200, (process.get(port, "/__health"))) -- the connection has waited for the next one
    end)

    it("end when their master is killed", function()
      start("--workers", "2")
      local pids = workers(2)
      gateway:signal(KILL)
      assert.equal(-KILL, gateway:wait())
      for _, pid in ipairs(pids) do
        process.eventually(function() return not process.lives(pid) end, "the end of a worker")
      end
      assert.is_nil(process.connect(port))
    end)

    it("finish what is in flight when their master is killed", function()
      start("--workers", "1")
      local client, backend = request_in_flight()
      local worker = workers(1)[1]
      gateway:signal(KILL)
      assert.equal(-KILL, gateway:wait())
      client:receive(nil, 2.2) -- longer than one that hangs may live
      backend:send('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}')
      assert.truthy(client:receive('{"a":1}$'):find("^HTTP/1%.1 200 "))
      client:close()
      process.eventually(function() return not process.lives(worker) end, "the end of the worker")
    end)

    it("cut what lasts longer than max_shutdown_wait_time without a master, too", function()
      configure('"max_shutdown_wait_time": "100ms"')
      start("--workers", "1")
      local client, worker = request_in_flight(), workers(1)[1]
      gateway:signal(KILL)
      assert.equal(-KILL, gateway:wait())
      assert.not_equal("late", select(2, client:receive()))
      process.eventually(function() return not process.lives(worker) end, "the end of the worker")
    end)

    it("end when their master is killed, even from within a plugin that never returns", function()
      write("plugins/loop.lua", loop_plugin("request"))
      configure(('"plugin": { "folder": "%s/plugins" }, "extra_config": { "spec/loop": {} }'):format(folder))
      gateway = process.start({ "run", "-c", folder .. "/krakend.json", "--workers", "1" })
      local client = process.eventually(function() return process.connect(port) end, "the port")
      conns[#conns + 1] = client
      client:send("GET /slow HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
      local pid = workers(1)[1]
      client:receive(nil, 0.2)
      gateway:signal(KILL)
      assert.equal(-KILL, gateway:wait())
      process.eventually(function() return not process.lives(pid) end, "the end of the worker")
    end)

    it("that are told to end finish what they do, and are replaced", function()
      start("--workers", "1")
      local worker = gateway:workers()[1]
      local client, backend = request_in_flight()
      require("ffi").C.kill(worker, TERMINATE)
      backend:send('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}')
      assert.truthy(client:receive('{"a":1}$'):find("^HTTP/1%.1 200 "))
      process.eventually(function() return gateway:workers()[1] ~= worker end, "a new worker")
      assert.equal(200, (process.get(port, "/__health")))
    end)

    it("without work are not taken for stuck", function()
      configure('"extra_config": { "cuttle/workers": { "stuck_after": "100ms" } }')
      start("--workers", "1")
      local worker = gateway:workers()[1]
      local _, state = connect():receive(nil, 0.6)
      assert.equal("late", state)
      assert.same({ worker }, gateway:workers())
    end)
  end)

  it("count together: a limit is one for all workers", function()
    write("krakend.json", ([[{
      "version": 3, "port": %d, "listen_ip": "127.0.0.1",
      "endpoints": [{ "endpoint": "/limited",
        "backend": [{ "host": ["http://127.0.0.1:%d"], "url_pattern": "/__health" }],
        "extra_config": { "qos/ratelimit/router": { "max_rate": 10, "every": "1h", "capacity": 10 } } }] }]]):format(
      port, port))
    start("--workers", "4")
    local statuses = {}
    for _ = 1, 60 do
      local status = process.get(port, "/limited")
      statuses[status] = (statuses[status] or 0) + 1
    end
    assert.same({ [200] = 10, [503] = 50 }, statuses)
  end)

  describe("at their end", function()
    it("finish what is in flight after SIGTERM, and take nothing new", function()
      start("--workers", "2")
      local idle = connect()
      idle:send("GET /__health HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
      idle:receive('"ok"}$')
      local client, backend = request_in_flight()
      gateway:signal(TERMINATE)
      local _, state = idle:receive()
      assert.equal("end", state)
      process.eventually(function()
        local c = process.connect(port)
        if c then c:close() end
        return not c
      end, "connections to be refused")
      assert.is_nil(gateway.code)
      backend:send('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}')
      local answer, after = client:receive()
      assert.equal("end", after)
      assert.truthy(answer:find("^HTTP/1%.1 200 "))
      assert.truthy(answer:lower():find("\r\nconnection: close\r\n", 1, true))
      assert.truthy(answer:find('{"a":1}$'))
      assert.equal(0, gateway:wait(2))
      assert.truthy(gateway:err():find("^%d+/%d+/%d+ %d+:%d+:%d+ Signal intercepted: terminated\n"))
      assert.truthy(gateway:out():find("INFO: [SERVICE: Gin] Router execution ended\n", 1, true))
      assert.truthy(gateway:out():find('GET +"/slow"'))
    end)

    it("end at once by SIGINT when nothing is in flight", function()
      start("--workers", "2")
      gateway:signal(INTERRUPT)
      assert.equal(0, gateway:wait(2))
      assert.truthy(gateway:err():find("Signal intercepted: interrupt\n", 1, true))
      assert.is_nil(gateway:out():find("ended with code", 1, true)) -- as they were told to
    end)

    it("end at once by a second signal", function()
      start("--workers", "1")
      local client = request_in_flight()
      gateway:signal(TERMINATE)
      process.eventually(function() return gateway:err():find("terminated") end, "the first signal")
      client:receive(nil, 0.1)
      gateway:signal(TERMINATE)
      assert.equal(0, gateway:wait(1))
      assert.truthy(gateway:out():find("ERROR: %[SERVICE: Master%] worker 0 %(pid %d+%) was ended by signal 9"))
      local answer, state = client:receive()
      assert.equal("", answer)
      assert.not_equal("late", state)
    end)

    it("do not take one signal that came twice for a second one", function()
      start("--workers", "1")
      local client, backend = request_in_flight()
      gateway:signal(TERMINATE)
      gateway:signal(INTERRUPT)
      process.eventually(function() return gateway:err():find("intercepted") end, "the signal")
      backend:send('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}')
      assert.truthy(client:receive('{"a":1}$'):find("^HTTP/1%.1 200 "))
      client:close()
      assert.equal(0, gateway:wait(2))
    end)

    it("cut what lasts longer than max_shutdown_wait_time", function()
      configure('"max_shutdown_wait_time": "100ms"')
      start("--workers", "1")
      local client, signalled = request_in_flight(), process.now()
      gateway:signal(TERMINATE)
      assert.equal(0, gateway:wait(2))
      assert.is_true(process.now() - signalled >= 0.1)
      local _, state = client:receive()
      assert.not_equal("late", state)
      assert.truthy(gateway:out():find("ERROR: [SERVICE: Gin] context deadline exceeded\n", 1, true))
    end)

    it("are killed after max_shutdown_wait_time where a plugin never returns and nobody watches", function()
      write("plugins/loop.lua", loop_plugin("request"))
      configure(('"plugin": { "folder": "%s/plugins" }, "max_shutdown_wait_time": "100ms", ' ..
        '"extra_config": { "spec/loop": {}, "cuttle/workers": { "stuck_after": "0s" } }'):format(folder))
      gateway = process.start({ "run", "-c", folder .. "/krakend.json", "--workers", "1" })
      process.eventually(function() return gateway:out():find("Listening on port") end, "the start")
      connect():send("GET /slow HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
      gateway:signal(TERMINATE)
      assert.equal(0, gateway:wait())
    end)
  end)

  describe("with a plugin that never returns", function()
    local function configure_loop(phase, of_endpoint, of_backend)
      write("plugins/loop.lua", loop_plugin(phase))
      write("krakend.json", ([[{
        "version": 3, "port": %d, "listen_ip": "127.0.0.1", "plugin": { "folder": "%s/plugins" },
        "extra_config": { "cuttle/workers": { "stuck_after": "400ms" } },
        "endpoints": [{ "endpoint": "/loop", "timeout": "20s", "extra_config": { %s },
          "backend": [{ "host": ["http://127.0.0.1:%d"], "url_pattern": "/", "extra_config": { %s } }] }] }]]):format(
        port, folder, of_endpoint, upstream.port, of_backend))
    end

    it("name it in the log, replace its worker, and answer throughout", function()
      configure_loop("request", '"spec/loop": {}', "")
      start("--workers", "2")
      local before = workers(2)
      local client = connect()
      client:send("GET /loop HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
      process.eventually(function()
        assert.equal(200, (process.get(port, "/__health", 3)))
        local now = gateway:workers()
        return #now == 2 and (now[1] ~= before[1] or now[2] ~= before[2])
      end, "a new worker")
      local answer, state = client:receive()
      assert.equal("", answer)
      assert.not_equal("late", state)
      local line = "ERROR: %[SERVICE: Master%] worker %d .* hung for .* in plugin loop, request phase, and was killed\n"
      assert.truthy(gateway:out():find(line))
      assert.is_nil(gateway:out():find("was ended by signal", 1, true)) -- told once is enough
    end)

    for phase, place in pairs({ request = { '"spec/loop": {}', "" }, call = { "", '"spec/loop": {}' } }) do
      it("answer 503 in place of a " .. phase .. " that has cost three workers", function()
        configure_loop(phase, place[1], place[2])
        start("--workers", "1")
        for _ = 1, 3 do assert.is_nil((process.get(port, "/loop"))) end
        process.eventually(function() return process.get(port, "/loop") == 503 end, "503")
        assert.equal(200, (process.get(port, "/__health")))
        assert.truthy(gateway:out():find("3 workers hung in plugin loop within a minute", 1, true))
      end)
    end
  end)

  it("give the numbers of standard streams that are closed to nothing else", function()
    gateway = process.start({ "run", "-c", folder .. "/krakend.json", "--workers", "1" }, { 0, 1, 2 })
    gateway:serves(port)
    for _, pid in ipairs({ gateway.pid, workers(1)[1] }) do
      local links = io.popen(("readlink /proc/%d/fd/0 /proc/%d/fd/1 /proc/%d/fd/2"):format(pid, pid, pid))
      assert.equal("/\n/\n/\n", links:read("*a"))
      links:close()
    end
  end)

  it("do not start on a port that is taken", function()
    local taken = process.listen()
    gateway = process.start({ "run", "-c", folder .. "/krakend.json", "-p", tostring(taken.port) })
    assert.equal(1, gateway:wait())
    assert.truthy(gateway:out():find("ERROR: %[SERVICE: Gin%] .*address already in use\n"))
    taken:close()
  end)

  it("say why on stderr if the log goes nowhere", function()
    local taken = process.listen()
    configure('"extra_config": { "telemetry/logging": {}, "cuttle/workers": { "count": null, "stuck_after": null } }')
    gateway = process.start({ "run", "-c", folder .. "/krakend.json", "-p", tostring(taken.port) })
    assert.equal(1, gateway:wait())
    assert.equal("", gateway:out())
    assert.truthy(gateway:err():find("^ERROR %[SERVICE: Gin%] .*address already in use\n$"))
    taken:close()
  end)

  it("do not start on a port that another gateway has, though they could share it", function()
    start("--workers", "1")
    local second = process.start({ "run", "-c", folder .. "/krakend.json" })
    assert.equal(1, second:wait())
    second:stop()
    assert.equal(200, (process.get(port, "/__health")))
  end)

  for _, options in ipairs({ '{ "count": 0 }', '{ "count": "many" }', '{ "stuck_after": 2 }',
    '{ "stuck_after": "1ms" }', '{ "store_entries": -1 }', '{ "count": 257 }', '[]' }) do
    it("refuse the settings " .. options, function()
      configure('"extra_config": { "cuttle/workers": ' .. options .. " }")
      for command, code in pairs({ run = 255, check = 1 }) do
        gateway = process.start({ command, "-c", folder .. "/krakend.json" })
        assert.equal(code, gateway:wait())
        assert.truthy(gateway:err():find("cuttle/workers", 1, true))
        gateway:stop()
      end
    end)
  end
end)
