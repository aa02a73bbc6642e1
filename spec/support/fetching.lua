--- Fetches in the simulator, or on real sockets (real = true): a client, backends that are scripts, and a
-- record of what happened.
--
--     local world = fetching.world({ max_idle_connections_per_host = 1 })
--     local origin = world:origin("10.0.0.1", 80)
--     origin:answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
--     local fetch = world:get("http://10.0.0.1/")
--     world:finish(fetch)                  -- fetch.status, fetch.body, fetch.failure
local ffi = require("ffi")
local net = require("spec.support.net")
local span = require("spec.support.span")
local core = require("spec.support.cdef").load("http/client.h", "net/sim/sim.h", "net/loop.h")

local key, str, text, iov_of = span.address, span.str, span.text, span.iov

jit.off(true, true) -- C that calls back must not be called from compiled code

ffi.cdef("int close(int fd);")

local fetching = { core = core, failures = {
  [0] = "ok", "resolve", "connect", "closed", "malformed", "timeout", "redirects", "decode", "cut", "too_large",
} }
local world_meta, origin_meta, conn_meta, fetch_meta = {}, {}, {}, {}
world_meta.__index, origin_meta.__index, conn_meta.__index, fetch_meta.__index =
  world_meta, origin_meta, conn_meta, fetch_meta

local by_address = {} -- listeners, socks and fetches, by where they live

fetching.str, fetching.text = str, text

local function addr(ip, port)
  local a = ffi.new("struct addr")
  assert(core.addr_parse(a, str(ip), port), ip)
  return a
end

fetching.addr = addr

-- --- backends ---------------------------------------------------------------------------------------

--- Reads chunks from a position on; nil: not complete. Returns the content and where it ends.
local function take_chunks(bytes, at)
  local body = {}
  if bytes:sub(-5) ~= "0\r\n\r\n" then return nil end
  while true do
    local size, start = bytes:match("^(%x+)\r\n()", at)
    size = size and tonumber(size, 16)
    if not size or #bytes < start + size + 1 then return nil end
    body[#body + 1] = bytes:sub(start, start + size - 1)
    at = start + size + 2
    if size == 0 then return table.concat(body), at end
  end
end

--- The first complete request of the bytes and what follows it; nil: not complete.
local function take_request(bytes)
  local head_end = bytes:find("\r\n\r\n", 1, true)
  if not head_end then return nil end
  local head = bytes:sub(1, head_end + 1)
  local request = { line = head:match("^(.-)\r\n"), head = head, fields = {} }
  for name, value in head:gmatch("\r\n([^:\r\n]+): ?([^\r\n]*)") do request.fields[name:lower()] = value end
  local at = head_end + 4
  if request.fields["transfer-encoding"] then
    request.body, at = take_chunks(bytes, at)
    if not request.body then return nil end
    return request, bytes:sub(at)
  end
  local length = tonumber(request.fields["content-length"] or 0)
  if #bytes < at + length - 1 then return nil end
  request.body = bytes:sub(at, at + length - 1)
  return request, bytes:sub(at + length)
end

function conn_meta:write(bytes)
  self.queue = self.queue .. bytes
  self:flush()
end

function conn_meta:flush()
  local sent = ffi.new("size_t[1]")
  while #self.queue > 0 and self.sock do
    local iov, n = iov_of({ self.queue })
    local io = core.sock_write(self.sock, iov, n, sent)
    if io == core.IO_AGAIN then break end
    if io ~= core.IO_OK then self.queue = "" return end
    self.queue = self.queue:sub(tonumber(sent[0]) + 1)
  end
  if #self.queue == 0 and self.closing and self.sock then return self:close() end
  if self.sock then core.sock_want(self.sock, #self.queue > 0 and 3 or 1) end
end

--- Closes when everything is written.
function conn_meta:close_after()
  self.closing = true
  self:flush()
end

function conn_meta:close()
  if not self.sock then return end
  by_address[key(self.sock)] = nil
  core.sock_close(self.sock)
  self.sock = nil
end

function conn_meta:reset()
  by_address[key(self.sock)] = nil
  core.sock_reset(self.sock)
  self.sock = nil
end

local function serve(conn)
  while conn.sock do
    local request, rest = take_request(conn.input)
    if not request then return end
    conn.input = rest
    request.conn = conn.number
    conn.count = conn.count + 1
    local origin = conn.origin
    origin.requests[#origin.requests + 1] = request
    local answers = origin.answers
    local answer = #answers > 1 and table.remove(answers, 1) or answers[1]
    if type(answer) == "function" then
      answer(conn, request)
    elseif answer then
      conn:write(answer)
    end
  end
end

local scratch = ffi.new("char[65536]")

local on_sock_ready = ffi.cast("void (*)(struct sock *, unsigned)", function(sock, ready)
  local conn = by_address[key(sock)]
  if not conn then return end
  if bit.band(ready, 2) ~= 0 then conn:flush() end
  if bit.band(ready, 1) == 0 or not conn.sock then return end
  local got = ffi.new("size_t[1]")
  local io = core.sock_read(sock, scratch, 65536, got)
  if io == core.IO_AGAIN then return end
  if io ~= core.IO_OK then
    conn.ended = io == core.IO_EOF and "eof" or "reset"
    return conn:close()
  end
  local bytes = ffi.string(scratch, got[0])
  conn.received = conn.received .. bytes
  conn.input = conn.input .. bytes
  conn.reads = conn.reads + 1
  if conn.origin.on_bytes then conn.origin.on_bytes(conn, bytes) end
  serve(conn)
end)

local on_accept = ffi.cast("void (*)(struct listener *, struct sock *)", function(listener, sock)
  local origin = by_address[key(listener)]
  local conn = setmetatable({
    origin = origin, sock = sock, input = "", received = "", queue = "", count = 0, reads = 0,
    number = #origin.conns + 1,
  }, conn_meta)
  origin.conns[conn.number] = conn
  by_address[key(sock)] = conn
  sock.on_ready = on_sock_ready
  if origin.fault then core.sim_fault_sock(sock, origin.fault) end
  core.sock_want(sock, 1)
  if origin.on_open then origin.on_open(conn) end
end)

--- Adds answers, one per request; the last stays. Bytes, or a function(conn, request).
function origin_meta:answer(...)
  for _, answer in ipairs({ ... }) do self.answers[#self.answers + 1] = answer end
  return self
end

--- Replaces the answers.
function origin_meta:now(...)
  self.answers = { ... }
  return self
end

function origin_meta:targets()
  local lines = {}
  for i, request in ipairs(self.requests) do lines[i] = request.line:gsub(" HTTP/1.1$", "") end
  return lines
end

--- A response with a body.
function fetching.ok(body, fields)
  return ("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s"):format(fields or "", #body, body)
end

-- --- fetches ------------------------------------------------------------------------------------------

local on_response = ffi.cast("void (*)(struct fetch *, bool, const struct iovec *, int, bool)",
  function(f, head, iov, n, ends)
    local fetch = by_address[key(f)]
    if not fetch then return end
    local piece = {}
    for i = 0, n - 1 do piece[#piece + 1] = ffi.string(iov[i].iov_base, iov[i].iov_len) end
    piece = table.concat(piece)
    assert(not fetch.over, "an event after the end")
    assert(head == (#fetch.events == 0), "the head comes first, and once")
    fetch.events[#fetch.events + 1] = { head = head, bytes = #piece, ends = ends, spans = n }
    fetch.body = fetch.body .. piece
    if head then
      fetch.status = f.response.status
      fetch.reused = f.reused
      fetch.final_url = text(f.final_url)
      fetch.fields = {}
      for i = 0, f.response.fields.count - 1 do
        local field = f.response.fields.items[i]
        fetch.fields[text(field.name):lower()] = text(field.value)
      end
    end
    if ends then fetch.over = true end
    if fetch.on_piece then fetch.on_piece(fetch, piece, ends) end
  end)

local on_fail = ffi.cast("void (*)(struct fetch *, enum fetch_failure, const char *)", function(f, why, words)
  local fetch = by_address[key(f)]
  if not fetch then return end
  assert(not fetch.over, "an event after the end")
  fetch.over = true
  fetch.failure = fetching.failures[tonumber(why)]
  fetch.text = ffi.string(words)
  if fetch.on_failure then fetch.on_failure(fetch) end
end)

local on_writable = ffi.cast("void (*)(struct fetch *)", function(f)
  local fetch = by_address[key(f)]
  assert(not fetch.over, "an event after the end")
  fetch.writable = (fetch.writable or 0) + 1
  if fetch.on_writable then fetch.on_writable(fetch) end
end)

local on_interim = ffi.cast("void (*)(struct fetch *)", function(f)
  local fetch = by_address[key(f)]
  assert(not fetch.over and #fetch.events == 0, "an informational response after the final one")
  local fields = {}
  for i = 0, f.response.fields.count - 1 do
    local field = f.response.fields.items[i]
    fields[text(field.name):lower()] = text(field.value)
  end
  fetch.interims[#fetch.interims + 1] = { status = f.response.status, fields = fields }
  fetch.positions[#fetch.interims] = tostring(fetch.arena.pos)
  if fetch.on_interim then fetch.on_interim(fetch) end
end)

local events = ffi.new("struct fetch_events", on_response, on_fail, on_writable, on_interim)

function fetch_meta:write(bytes, ends)
  local iov, n = iov_of(bytes and { bytes } or {})
  return core.fetch_write(self.fetch, iov, n, ends or false)
end

function fetch_meta:pause() core.fetch_pause(self.fetch) end

function fetch_meta:resume() core.fetch_resume(self.fetch) end

function fetch_meta:cancel()
  core.fetch_cancel(self.fetch)
  self.over = true
end

--- What an exchange does when it is over: its memory goes, at once.
function fetch_meta:free()
  if not self.arena then return end
  by_address[key(self.fetch)] = nil
  core.arena_fini(self.arena)
  self.arena = nil
end

--- Starts a fetch. options: method; fields ({ { name, value }, ... }), body (text, or a list of texts),
-- stream, way (of the URL), and the members of struct fetch_request.
function world_meta:fetch(url, options)
  options = options or {}
  local a = ffi.new("struct arena")
  core.arena_init(a, nil)
  local function keep(s) return core.arena_copy(a, str(s)) end
  local r = ffi.cast("struct fetch_request *", core.arena_zalloc(a, ffi.sizeof("struct fetch_request")))
  local err = ffi.new("struct error")
  assert(core.url_parse(a, keep(url), r.url, err), ffi.string(err.text))
  if options.way then r.url.way = options.way end
  r.method = keep(options.method or "GET")
  local fields = ffi.cast("struct fields *", core.arena_zalloc(a, ffi.sizeof("struct fields")))
  core.fields_init(fields, a)
  for _, field in ipairs(options.fields or {}) do core.field_add(fields, keep(field[1]), keep(field[2])) end
  r.fields = fields
  r.length = options.length or -1
  r.body = options.stream and core.FETCH_STREAM or options.body and core.FETCH_BYTES or core.FETCH_NO_BODY
  if options.body then
    local pieces = type(options.body) == "table" and options.body or { options.body }
    local iov = ffi.cast("struct iovec *", core.arena_zalloc(a, #pieces * ffi.sizeof("struct iovec") + 1))
    for i, piece in ipairs(pieces) do
      local copy = keep(piece)
      iov[i - 1].iov_base, iov[i - 1].iov_len = ffi.cast("void *", copy.ptr), copy.len
    end
    r.iov, r.iov_count = iov, #pieces
  end
  for _, name in ipairs({ "chunked", "empty_length", "body_on_redirect", "final_307", "gunzip_always",
    "expects_continue" }) do
    r[name] = options[name] or false
  end
  r.collect = options.collect or 0
  local fetch = setmetatable({ world = self, arena = a, events = {}, interims = {}, positions = {}, body = "" },
    fetch_meta)
  fetch.fetch = core.fetch_start(self.client, a, r, events, nil)
  by_address[key(fetch.fetch)] = fetch
  self.fetches[#self.fetches + 1] = fetch
  return fetch
end

--- As documents are fetched.
function world_meta:get(url, options)
  options = options or {}
  options.collect = options.collect or 1e6
  return self:fetch(url, options)
end

-- --- the world ----------------------------------------------------------------------------------------

local SECOND = 1000000000LL

--- Runs until done() is true, or at most limit seconds of virtual time; returns whether it was.
function world_meta:run(done, limit)
  if self.real then return net.run(self.env, done, SECOND * 10) end -- what has gone wrong takes so long
  local wanted
  local check = ffi.cast("bool (*)(void *)", function()
    if not wanted and done() then wanted = true end
    return wanted or false
  end)
  core.sim_run(self.env, check, nil, SECOND * (limit or 600))
  check:free()
  return done() and true or false
end

--- Runs until the fetches are over.
function world_meta:finish(...)
  local fetches = { ... }
  assert(self:run(function()
    for _, fetch in ipairs(fetches) do
      if not fetch.over then return false end
    end
    return true
  end), "the fetch does not end")
  return ...
end

function world_meta:advance(seconds) core.sim_advance(self.env, ffi.cast("int64_t", seconds * 1e9)) end

function world_meta:now() return tonumber(self.env.now) / 1e9 end

--- A backend; on real sockets the port is drawn by the kernel: origin.port.
function world_meta:origin(ip, port)
  local err = ffi.new("struct error")
  local origin = { world = self, answers = {}, requests = {}, conns = {}, port = port }
  setmetatable(origin, origin_meta)
  local listener
  if self.real then
    origin.fd = core.listener_open(str(ip), 0, false, err)
    assert(origin.fd >= 0, ffi.string(err.text))
    origin.port = core.listener_port(origin.fd)
    listener = core.loop_listen(self.env, origin.fd, on_accept, nil)
  else
    listener = core.sim_listen(self.env, addr(ip, port), on_accept, nil, err)
    assert(listener ~= nil, ffi.string(err.text))
  end
  origin.listener = listener
  self.origins[#self.origins + 1] = origin
  by_address[key(listener)] = origin
  return origin
end

function world_meta:name(name, ips, delay)
  local addrs = ffi.new("struct addr[?]", math.max(1, #ips))
  for i, ip in ipairs(ips) do addrs[i - 1] = addr(ip, 0) end
  core.sim_name(self.env, str(name), addrs, #ips, SECOND * 0 + (delay or 0) * 1e9)
end

local function fault_of(members) return members and ffi.new("struct sim_fault", members) end

fetching.fault_of = fault_of

--- Faults of the connections to an address: what the client sends, and what it receives.
function world_meta:fault(ip, port, up, down)
  core.sim_fault_addr(self.env, addr(ip, port), fault_of(up), fault_of(down))
end

function world_meta:idle() return tonumber(core.client_idle_count(self.client)) end

function world_meta:close()
  if self.client then core.client_free(self.client) end
  for _, fetch in ipairs(self.fetches) do fetch:free() end
  if not self.real then return core.sim_free(self.env) end
  for _, origin in ipairs(self.origins) do
    for _, conn in ipairs(origin.conns) do conn:close() end
    core.listener_close(origin.listener)
    ffi.C.close(origin.fd)
  end
  core.loop_free(self.env)
end

local function new_loop()
  local err = ffi.new("struct error")
  local env = core.loop_new(ffi.new("struct loop_options"), err)
  assert(env ~= nil, ffi.string(err.text))
  return env
end

--- options: the members of struct client_options, durations in seconds; seed; real.
function fetching.world(options)
  local o = ffi.new("struct client_options")
  local seed, real = 1, false
  for name, value in pairs(options or {}) do
    if name == "seed" then
      seed = value
    elseif name == "real" then
      real = value
    elseif name:match("timeout$") or name:match("^dialer") then
      o[name] = value * 1e9
    else
      o[name] = value
    end
  end
  local env = real and new_loop() or core.sim_new(seed)
  local world = { env = env, real = real, client = core.client_new(env, o), fetches = {}, origins = {} }
  return setmetatable(world, world_meta)
end

--- The same in the place of a world that has been, if any, with a backend at 10.0.0.1:80; both.
function fetching.restart(world, options)
  if world then world:close() end
  world = fetching.world(options)
  return world, world:origin("10.0.0.1", 80)
end

return fetching
