--- A server in the simulator: raw clients on one side, a handler in Lua on the other, and a record of what
-- happened.
--
--     local world = serving.world({ read_timeout = 1 })
--     world.handler = function(stream) stream:respond(200, "hello") end
--     local client = world:connect("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
--     client.received, client.ended
local ffi = require("ffi")
local span = require("spec.support.span")
local core = require("spec.support.cdef").load("http/server.h", "net/sim/sim.h")

local key, str, text, iov_of = span.address, span.str, span.text, span.iov

jit.off(true, true) -- C that calls back must not be called from compiled code

local serving = { core = core }
local world_meta, stream_meta, client_meta = {}, {}, {}
world_meta.__index, stream_meta.__index, client_meta.__index = world_meta, stream_meta, client_meta

local by_address = {} -- servers, streams and socks, by where they live

-- --- streams ----------------------------------------------------------------------------------------

local function over(s, how)
  local stream = by_address[key(s)]
  assert(stream, "an event of no stream")
  assert(not stream.inside, how .. " from inside a call")
  assert(not stream.over, "an event after the end")
  stream.received, stream.sent = tonumber(s.received), tonumber(s.sent)
  stream.over, stream.seen_again = how, text(s.request.target)
  by_address[key(s)] = nil
  return stream
end

local on_body = ffi.cast("void (*)(struct stream *, const struct iovec *, int, bool)", function(s, iov, n,
  ends)
  local stream = by_address[key(s)]
  assert(stream.reading, "content that nobody wanted")
  assert(not stream.ended, "content after its end")
  local pieces = {}
  for i = 0, n - 1 do pieces[#pieces + 1] = ffi.string(iov[i].iov_base, iov[i].iov_len) end
  local piece = table.concat(pieces)
  stream.body = stream.body .. piece
  stream.ended = ends
  if stream.on_body then stream.on_body(stream, piece, ends) end
end)

local on_writable = ffi.cast("void (*)(struct stream *)", function(s)
  local stream = by_address[key(s)]
  stream.writable = stream.writable + 1
  if stream.on_writable then stream.on_writable(stream) end
end)

local on_done = ffi.cast("void (*)(struct stream *)", function(s)
  local stream = over(s, "done")
  if stream.on_done then stream.on_done(stream) end
end)

local on_abort = ffi.cast("void (*)(struct stream *, const char *)", function(s, why)
  local stream = over(s, "abort")
  stream.why = ffi.string(why)
  stream.keep = nil -- what was borrowed may go now
end)

local events = ffi.new("struct stream_events", on_body, on_writable, on_done, on_abort)

local on_request = ffi.cast("server_request_fn *", function(owner, s)
  local world = by_address[key(owner)]
  local fields = {}
  for i = 0, s.request.fields.count - 1 do
    local field = s.request.fields.items[i]
    fields[#fields + 1] = { text(field.name), text(field.value) }
  end
  local stream = setmetatable({
    stream = s, world = world, method = text(s.request.method), target = text(s.request.target),
    path = text(s.request.parts.path), host = text(s.request.host), fields = fields, body = "", writable = 0,
    started = tonumber(s.started) / 1e9,
  }, stream_meta)
  by_address[key(s)] = stream
  s.events = events
  world.streams[#world.streams + 1] = stream
  world.handler(stream)
end)

function stream_meta:call(fn, ...)
  assert(not self.over, "the stream is over")
  self.inside = true
  local result = fn(self.stream, ...)
  self.inside = false
  return result
end

function stream_meta:read(on)
  self.reading = on
  self:call(core.stream_read, on)
end

--- Copies that live as long as the stream.
function stream_meta:fields_of(list)
  local a = self.stream.arena
  local fields = ffi.cast("struct fields *", core.arena_alloc(a, ffi.sizeof("struct fields")))
  core.fields_init(fields, a)
  for _, field in ipairs(list or {}) do
    core.field_add(fields, core.arena_copy(a, str(field[1])), core.arena_copy(a, str(field[2])))
  end
  return fields
end

--- options: fields ({ { name, value }, ... }), length, close, more (the content goes on). content: text or
-- list.
function stream_meta:respond(status, content, options)
  options = options or {}
  local pieces = type(content) == "table" and content or content and { content } or {}
  local iov, n = iov_of(pieces)
  local r = ffi.new("struct server_response", { status = status, fields = self:fields_of(options.fields),
    length = options.length or -1, close = options.close or false })
  self.keep = { pieces, iov }
  self:call(core.stream_respond, r, iov, n, not options.more)
end

--- fields: { { name, value }, ... }
function stream_meta:inform(status, list)
  self:call(core.stream_inform, status, self:fields_of(list))
end

function stream_meta:write(content, ends)
  local pieces = type(content) == "table" and content or content and { content } or {}
  local iov, n = iov_of(pieces)
  return self:call(core.stream_write, iov, n, ends or false)
end

function stream_meta:cut() self:call(core.stream_cut) end

function stream_meta:peer()
  local ip = self.stream.peer.ip
  return ffi.string(ip.ptr, ip.len)
end

-- --- clients ----------------------------------------------------------------------------------------

local scratch = ffi.new("char[65536]")

local on_sock_ready = ffi.cast("void (*)(struct sock *, unsigned)", function(sock, ready)
  local client = by_address[key(sock)]
  if not client then return end
  if bit.band(ready, 2) ~= 0 then client:flush() end
  if bit.band(ready, 1) == 0 or not client.sock then return end
  local got = ffi.new("size_t[1]")
  local io = core.sock_read(sock, scratch, 65536, got)
  if io == core.IO_OK then
    client.received = client.received .. ffi.string(scratch, got[0])
    client.writes = client.writes + 1
  elseif io ~= core.IO_AGAIN then
    client.ended = io == core.IO_EOF and "eof" or "reset"
    client.ended_at = client.world:now()
    client:close()
  end
end)

function client_meta:want()
  local wanted = (self.paused and 0 or 1) + (#self.queue > 0 and 2 or 0)
  core.sock_want(self.sock, wanted)
end

function client_meta:flush()
  local sent = ffi.new("size_t[1]")
  while #self.queue > 0 do
    local iov, n = iov_of({ self.queue })
    local io = core.sock_write(self.sock, iov, n, sent)
    if io ~= core.IO_OK then
      if io ~= core.IO_AGAIN then self.queue = "" end
      break
    end
    self.queue = self.queue:sub(tonumber(sent[0]) + 1)
  end
  self:want()
end

--- Sends and lets things happen.
function client_meta:send(bytes)
  if self.sock then
    self.queue = self.queue .. bytes
    self:flush()
  end
  self.world:advance(0.001)
  return self
end

function client_meta:shutdown()
  core.sock_shutdown(self.sock)
  self.world:advance(0.001)
end

function client_meta:pause(on)
  self.paused = on
  self:want()
  self.world:advance(0.001)
end

function client_meta:close(reset)
  if not self.sock then return end
  by_address[key(self.sock)] = nil
  local close = reset and core.sock_reset or core.sock_close
  close(self.sock)
  self.sock = nil
end

--- The responses among what was received: { status, reason, fields, body, raw }. methods: of the requests.
function client_meta:responses(methods)
  local list, rest = {}, self.received
  while #rest > 0 do
    local head, after = rest:match("^(.-\r\n)\r\n(.*)$")
    if not head then break end
    local line, lines = head:match("^(.-)\r\n(.*)$")
    local response = { status = tonumber(line:match("^HTTP/1%.1 (%d%d%d) ")), line = line, fields = {},
      names = {} }
    for name, value in lines:gmatch("([^:\r\n]+): ?([^\r\n]*)\r\n") do
      response.fields[name:lower()] = value
      response.names[#response.names + 1] = name
    end
    local length, coding = tonumber(response.fields["content-length"]), response.fields["transfer-encoding"]
    local method = methods and methods[#list + 1] or "GET"
    rest = after
    if response.status < 200 or response.status == 204 or response.status == 304 or method == "HEAD" then
      response.body = ""
    elseif coding then
      response.body, rest = serving.dechunk(rest)
    elseif length then
      response.body, rest = rest:sub(1, length), rest:sub(length + 1)
    else
      response.body, rest = rest, ""
    end
    list[#list + 1] = response
  end
  return list
end

--- The content of a chunked text, and what follows it; nil if it is not complete.
function serving.dechunk(bytes)
  local body = {}
  while true do
    local size, rest = bytes:match("^(%x+)\r\n(.*)$")
    if not size then return nil, "" end
    local n = tonumber(size, 16)
    if rest:sub(n + 1, n + 2) ~= "\r\n" then return nil, "" end
    body[#body + 1] = rest:sub(1, n)
    bytes = rest:sub(n + 3)
    if n == 0 then return table.concat(body), bytes end
  end
end

-- --- the world --------------------------------------------------------------------------------------

local on_accept = ffi.cast("void (*)(struct listener *, struct sock *)", function(listener, sock)
  local world = by_address[key(listener)]
  if world.fault then core.sim_fault_sock(sock, world.fault) end
  core.server_accept(world.server, sock)
end)

function world_meta:connect(bytes)
  local failure = ffi.new("int[1]")
  local sock = core.env_connect(self.env, self.at, nil, failure)
  local client = setmetatable({ world = self, sock = sock, queue = "", received = "", writes = 0 },
    client_meta)
  by_address[key(sock)] = client
  sock.on_ready = on_sock_ready
  self.clients[#self.clients + 1] = client
  client.queue = bytes or ""
  core.sock_want(sock, #client.queue > 0 and 3 or 1)
  self:advance(0.001)
  return client
end

function world_meta:advance(seconds) core.sim_advance(self.env, ffi.cast("int64_t", seconds * 1e9)) end

function world_meta:now() return tonumber(self.env.now) / 1e9 end

function world_meta:count() return tonumber(core.server_conn_count(self.server)) end

function world_meta:drain()
  core.server_drain(self.server)
  self:advance(0.001)
end

function world_meta:free_server()
  if self.server then core.server_free(self.server) end
  self.server = nil
end

function world_meta:close()
  self:free_server()
  for _, client in ipairs(self.clients) do client:close() end
  core.sim_free(self.env)
  core.arena_cache_fini(self.cache)
end

--- options: members of struct server_options, times in seconds; seed; fault: of what the server sends.
function serving.world(options)
  options = options or {}
  local o = ffi.new("struct server_options", { max_head = options.max_head or 1048576,
    max_target = options.max_target or 0 })
  for _, name in ipairs({ "read_timeout", "read_header_timeout", "write_timeout", "idle_timeout" }) do
    o[name] = (options[name] or 0) * 1e9
  end
  local at, err = ffi.new("struct addr"), ffi.new("struct error")
  assert(core.addr_parse(at, str("10.0.0.1"), 80))
  local world = setmetatable({
    env = core.sim_new(options.seed or 1), cache = ffi.new("struct arena_cache"), at = at, streams = {},
      clients = {},
    handler = function(stream) stream:respond(200, "ok") end, token = ffi.new("char[1]"),
    fault = options.fault and ffi.new("struct sim_fault", options.fault),
  }, world_meta)
  core.arena_cache_init(world.cache)
  by_address[key(world.token)] = world
  world.server = core.server_new(world.env, world.cache, o, on_request, world.token)
  local listener = core.sim_listen(world.env, at, on_accept, nil, err)
  assert(listener ~= nil, ffi.string(err.text))
  by_address[key(listener)] = world
  return world
end

return serving
