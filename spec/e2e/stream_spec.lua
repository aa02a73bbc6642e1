--- A long body through a no-op endpoint, both directions, with a slow reader at one end: it arrives unchanged and the
-- worker's memory does not depend on its size. CUTTLE_STREAM_MB sets the size; by default 1024, 64 with sanitizers.
local core = require("kit.core")
local ffi = require("ffi")
local process = require("spec.support.process")

ffi.cdef("int memcmp(const void *a, const void *b, size_t len);")

local MEGABYTE = 1048576
local PEAK_MAX = 64 -- MB of a worker

local sanitized = process.binary:find("asan") ~= nil
local size = (tonumber(os.getenv("CUTTLE_STREAM_MB")) or (sanitized and 64 or 1024)) * MEGABYTE

--- A megabyte in which every four bytes are their own place, so that a lost or moved piece is seen.
local function make_pattern()
  local words = ffi.new("uint32_t[?]", MEGABYTE / 4)
  for i = 0, MEGABYTE / 4 - 1 do words[i] = i * 2654435761 end
  return words
end

local pattern = make_pattern()
local pattern_text = ffi.string(pattern, MEGABYTE)

--- Checks a stream of the pattern, over and over, piece by piece.
local function checker()
  local self = { count = 0, intact = true }
  function self.take(data)
    local at = 0
    while at < #data do
      local offset = self.count % MEGABYTE
      local len = math.min(#data - at, MEGABYTE - offset)
      local came, meant = ffi.cast("const char *", data) + at, ffi.cast("const char *", pattern) + offset
      self.intact = self.intact and ffi.C.memcmp(came, meant, len) == 0
      at, self.count = at + len, self.count + len
    end
  end
  return self
end

--- Writes the pattern into a sock until size is reached, as fast as it takes it.
local function feed(world, sock)
  local left = size
  local function step()
    while left > 0 and sock:is_open() and sock:queued() < MEGABYTE do
      sock:write(pattern_text)
      left = left - MEGABYTE
    end
    if left > 0 and sock:is_open() then world:after(0.001, step) end
  end
  step()
end

--- Does not read for a while in the beginning and then each time after so many bytes.
local function read_slowly(world, sock, state)
  local next_stop = state.count + size / 8
  sock:pause(true)
  world:after(0.2, function() sock:pause(false) end)
  return function()
    if state.count < next_stop then return end
    next_stop = next_stop + size / 8
    sock:pause(true)
    world:after(0.02, function() sock:pause(false) end)
  end
end

local function peak_megabytes(pid)
  local file = assert(io.open(("/proc/%d/status"):format(pid)))
  local kilobytes = file:read("*a"):match("VmHWM:%s*(%d+) kB")
  file:close()
  return tonumber(kilobytes) / 1024
end

describe("a long body through a no-op endpoint", function()
  local world, gateway, port, config

  before_each(function()
    world = core.world({ real = true })
    port = process.free_port()
    config = os.tmpname()
  end)

  after_each(function()
    gateway:stop()
    world:close()
    os.remove(config)
  end)

  local function start(backend_port)
    local file = assert(io.open(config, "w"))
    file:write(([[{
      "version": 3, "port": %d, "listen_ip": "127.0.0.1", "timeout": "300s",
      "endpoints": [
        { "endpoint": "/down", "output_encoding": "no-op",
          "backend": [{ "host": "http://127.0.0.1:%d", "url_pattern": "/" }] },
        { "endpoint": "/up", "method": "POST", "output_encoding": "no-op",
          "backend": [{ "host": "http://127.0.0.1:%d", "url_pattern": "/" }] }] }]]):format(port, backend_port,
      backend_port))
    file:close()
    gateway = process.start({ "run", "-c", config, "--workers", "1" })
    gateway:serves(port)
  end

  local function assert_flat()
    local workers = gateway:workers()
    assert.equal(1, #workers)
    local peak = peak_megabytes(workers[1])
    assert(sanitized or peak < PEAK_MAX, ("the worker had %d MB"):format(peak))
  end

  it("comes down whole to a client that reads slowly", function()
    local _, backend_port = world:listen("127.0.0.1", 0, function(sock)
      sock:on(function(_, event)
        if event ~= "data" then return end
        sock:write(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(size))
        feed(world, sock)
      end)
    end)
    start(backend_port)
    local state, head, slow = checker(), "", nil
    local client
    client = assert(world:connect("127.0.0.1", port, function(_, event, data)
      if event ~= "data" then return end
      if slow then
        state.take(data)
        return slow()
      end
      head = head .. data
      local stop = select(2, head:find("\r\n\r\n", 1, true))
      if not stop then return end
      state.take(head:sub(stop + 1))
      slow = read_slowly(world, client, state)
    end))
    client:write("GET /down HTTP/1.1\r\nHost: g\r\n\r\n")
    assert(world:run(120, function() return state.count >= size end), ("only %d bytes came"):format(state.count))
    assert.equal(size, state.count)
    assert.is_true(state.intact)
    assert_flat()
  end)

  it("goes up whole to a backend that reads slowly", function()
    local state, pending, slow, done = checker(), "", nil, false
    --- The gateway sends chunks: takes them apart.
    local chunk_left, in_chunk = 0, false
    local function take_chunks(data)
      pending = pending .. data
      while #pending > 0 and not done do
        if in_chunk and chunk_left > 0 then
          local piece = pending:sub(1, chunk_left)
          state.take(piece)
          chunk_left, pending = chunk_left - #piece, pending:sub(#piece + 1)
        else
          local line, rest = pending:match("^\r?\n?(%x+)\r\n()")
          if not line then return end
          chunk_left, in_chunk, pending = tonumber(line, 16), true, pending:sub(rest)
          done = chunk_left == 0
        end
      end
    end
    local _, backend_port = world:listen("127.0.0.1", 0, function(sock)
      local head = ""
      sock:on(function(_, event, data)
        if event ~= "data" then return end
        if slow then
          take_chunks(data)
          slow()
        else
          head = head .. data
          local stop = select(2, head:find("\r\n\r\n", 1, true))
          if not stop then return end
          slow = read_slowly(world, sock, state)
          take_chunks(head:sub(stop + 1))
        end
        if done then sock:write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") end
      end)
    end)
    start(backend_port)
    local answer = ""
    local client = assert(world:connect("127.0.0.1", port, function(_, event, data)
      if event == "data" then answer = answer .. data end
    end))
    client:write(("POST /up HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n"):format(size))
    feed(world, client)
    assert(world:run(120, function() return answer ~= "" end), ("only %d bytes came"):format(state.count))
    assert.truthy(answer:find("^HTTP/1.1 200 OK\r\n"))
    assert.equal(size, state.count)
    assert.is_true(state.intact)
    assert_flat()
  end)
end)
