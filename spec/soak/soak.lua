--- The real gateway under load and abuse for a while: its memory and its descriptors must not grow, and whatever is
--- done to a worker, the port goes on answering. `make soak SECONDS_EACH=300`.
local ffi = require("ffi")
local lfs = require("lfs")
local process = require("spec.support.process")

local seconds = tonumber(os.getenv("SOAK_SECONDS")) or 30
local KILL, STOP = 9, 19
local GROWTH_MAX_KB = 1024 -- beyond that much the heap would not settle

local function configuration(port)
  return ([[{
    "version": 3, "port": PORT, "listen_ip": "127.0.0.1", "host": ["http://127.0.0.1:PORT"], "timeout": "500ms",
    "plugin": { "folder": "conf/demo" },
    "extra_config": { "router": { "disable_access_log": true, "return_error_msg": true },
      "telemetry/logging": { "level": "CRITICAL", "stdout": true },
      "cuttle/workers": { "stuck_after": "500ms" } },
    "endpoints": [
      { "endpoint": "/stream/{id}", "output_encoding": "no-op", "backend": [{ "url_pattern": "/upstream/{id}" }] },
      { "endpoint": "/json/{id}", "backend": [{ "url_pattern": "/upstream/{id}", "allow": ["id"] }] },
      { "endpoint": "/merged/{id}", "backend": [{ "url_pattern": "/upstream/{id}", "group": "a" },
        { "url_pattern": "/upstream/{id}", "group": "b" }, { "url_pattern": "/broken" }] },
      { "endpoint": "/failing", "backend": [{ "url_pattern": "/broken" }] },
      { "endpoint": "/posted", "method": "POST", "output_encoding": "no-op",
        "backend": [{ "url_pattern": "/upstream/1", "method": "GET" }] },
      { "endpoint": "/limited", "backend": [{ "url_pattern": "/upstream/1" }],
        "extra_config": { "qos/ratelimit/router": { "max_rate": 10 } } },
      { "endpoint": "/refused", "backend": [{ "host": ["http://127.0.0.1:10"], "url_pattern": "/" }] },
      { "endpoint": "/hanging", "backend": [{ "host": ["http://127.0.0.1:HANGING"], "url_pattern": "/" }] },
      { "endpoint": "/upstream/{id}", "output_encoding": "no-op", "backend": [{ "url_pattern": "/" }],
        "extra_config": { "demo/upstream": { "body": "{\"id\":{id},\"name\":\"Ada\",\"list\":[1,2,3]}" } } },
      { "endpoint": "/broken", "output_encoding": "no-op", "backend": [{ "url_pattern": "/" }],
        "extra_config": { "demo/upstream": { "status": 500, "body": "{" } } }
    ] }]]):gsub("PORT", port.gateway):gsub("HANGING", port.hanging)
end

local function get(path) return ("GET %s HTTP/1.1\r\nHost: soak.test\r\n\r\n"):format(path) end

local paths = { "/stream/1", "/json/2", "/merged/3", "/failing", "/limited", "/refused", "/nowhere", "/json/2/",
  "/__health" }

--- What a client may do with a connection; each ends with it closed.
local clients = {
  function(c) -- one request after the other
    for _ = 1, 50 do
      c:send(get(paths[math.random(#paths)]))
      if select(2, c:receive("\r\n\r\n", 2)) ~= "open" then return end
    end
  end,
  function(c) -- pipelined
    local heads = {}
    for i, path in ipairs(paths) do heads[i] = get(path) end
    c:send(table.concat(heads))
    c:receive('"status":"ok"', 2)
  end,
  function(c) -- a half head, a half content, noise
    c:send("GET /json/1 HTTP/1.1\r\nHo")
  end,
  function(c)
    c:send("POST /posted HTTP/1.1\r\nHost: soak.test\r\nContent-Length: 100000\r\n\r\n"
      .. ("x"):rep(math.random(99999)))
  end,
  function(c)
    c:send("POST /posted HTTP/1.1\r\nHost: soak.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    c:receive("\r\n\r\n", 2)
  end,
  function(c)
    local bytes = {}
    for i = 1, 200 do bytes[i] = string.char(math.random(0, 255)) end
    c:send(table.concat(bytes) .. "\r\n\r\n")
    c:receive("\r\n", 0.2)
  end,
  function(c) -- gone before the answer
    c:send(get("/hanging"))
    c:receive("\r\n", 0.005)
    c:reset()
  end,
  function(c) c:send(get("/merged/1")) end,
  function(c)
    c:send(get("/stream/1") .. get("/hanging"))
    c:reset()
  end,
}

--- The kilobytes that are this process's share of memory.
local function memory(pid)
  for line in io.lines(("/proc/%d/smaps_rollup"):format(pid)) do
    local size = line:match("^Pss:%s+(%d+)")
    if size then return tonumber(size) end
  end
end

local function descriptors(pid)
  local count = 0
  for _ in lfs.dir(("/proc/%d/fd"):format(pid)) do count = count + 1 end
  return count
end

describe("the gateway", function()
  local gateway, hanging, port, file

  before_each(function()
    hanging = process.listen()
    port = { gateway = process.free_port(), hanging = hanging.port }
    file = os.tmpname()
    local out = assert(io.open(file, "w"))
    out:write((configuration(port)))
    out:close()
    gateway = process.start({ "run", "-c", file, "--workers", "2" })
    gateway:serves(port.gateway)
  end)

  after_each(function()
    gateway:stop()
    hanging:close()
    os.remove(file)
  end)

  local function load_for(span)
    local deadline, count = process.now() + span, 0
    while process.now() < deadline do
      local c = process.connect(port.gateway)
      if c then
        clients[math.random(#clients)](c)
        c:close()
        count = count + 1
      end
    end
    return count
  end

  --- The sum of it over all processes, once connections have come to rest.
  local function sum(measure)
    local total = measure(gateway.pid)
    for _, pid in ipairs(gateway:workers()) do total = total + measure(pid) end
    return total
  end

  it("needs no more memory or descriptors after " .. seconds .. " s of load", function()
    local workers = gateway:workers()
    load_for(seconds * 0.3)
    local before = { memory = sum(memory), descriptors = sum(descriptors) }
    local count = load_for(seconds * 0.5)
    process.eventually(function() return sum(descriptors) <= before.descriptors + 4 end, "descriptors to be closed")
    local after = { memory = sum(memory), descriptors = sum(descriptors) }
    io.stdout:write(("%d connections: %d to %d KB, %d to %d descriptors\n"):format(count, before.memory, after.memory,
      before.descriptors, after.descriptors))
    assert.is_true(after.memory <= before.memory * 1.1 + GROWTH_MAX_KB)
    assert.same(workers, gateway:workers())
  end)

  it("answers within seconds whatever is done to its workers", function()
    local deadline, before = process.now() + seconds * 0.2, descriptors(gateway.pid)
    repeat
      load_for(1.5) -- those that die young are replaced later and later
      ffi.C.kill(gateway:workers()[math.random(2)], math.random(3) == 1 and STOP or KILL)
      process.eventually(function() return process.get(port.gateway, "/json/1", 5) == 200 end, "an answer", 10)
    until process.now() > deadline
    process.eventually(function() return #gateway:workers() == 2 end, "both workers", 10)
    assert.equal(before, descriptors(gateway.pid))
    gateway:signal(15)
    assert.equal(0, gateway:wait(10))
  end)
end)
