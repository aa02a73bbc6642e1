--- Envs, socks and addresses of core/net through the FFI.
--
-- C calls back into Lua here, which compiled code must not do: specs that use this run interpreted.
local ffi = require("ffi")
local cdef = require("spec.support.cdef")

local net = {
  core = cdef.load("net/env.h", "net/loop.h", "net/listener.h", "net/sim/sim.h"),
  second = 1000000000LL,
  millisecond = 1000000LL,
}
local core = net.core
local kept, held, failure = {}, {}, nil

jit.off(true, true)

--- A C function pointer to fn. An error in it is kept for net.finish: none may cross C.
local function pointer_to(ctype, fn)
  return ffi.cast(ctype, function(...)
    local ok, result = pcall(fn, ...)
    if ok then return result end
    failure = failure or result
    return false
  end)
end

--- A C function pointer to fn, until net.finish, which raises what was an error in it.
function net.callback(ctype, fn)
  local pointer = pointer_to(ctype, fn)
  kept[#kept + 1] = pointer
  return pointer
end

--- An object that C goes on to use: it lives until net.finish.
local function hold(object)
  held[#held + 1] = object
  return object
end

local function raise_failure()
  local raised = failure
  failure = nil
  if raised then error(raised, 0) end
end

--- For after_each, when nothing of C's uses a callback, a timer, a task or a resolve any more.
function net.finish()
  for _, pointer in ipairs(kept) do pointer:free() end
  kept, held = {}, {}
  raise_failure()
end

function net.str(text)
  return ffi.new("struct str", text, #text)
end

function net.addr(ip, port)
  local addr = ffi.new("struct addr")
  assert(core.addr_parse(addr, net.str(ip), port or 0), ip)
  return addr
end

function net.format(addr)
  local buf = ffi.new("char[64]")
  return ffi.string(buf, core.addr_format(addr, buf))
end

function net.on_ready(sock, fn)
  sock.on_ready = net.callback("void (*)(struct sock *, unsigned)", fn)
end

local names = {
  [core.IO_OK] = "ok", [core.IO_AGAIN] = "again", [core.IO_EOF] = "eof", [core.IO_ERROR] = "error",
}

--- "ok", "again", "eof" or "error"; and the bytes.
function net.read(sock, cap)
  local buf, got = ffi.new("char[?]", cap or 65536), ffi.new("size_t[1]")
  local io = core.sock_read(sock, buf, cap or 65536, got)
  return names[tonumber(io)], ffi.string(buf, got[0])
end

--- The same; and how many bytes were taken.
function net.write(sock, ...)
  local parts, sent = { ... }, ffi.new("size_t[1]")
  local iov = ffi.new("struct iovec[?]", #parts)
  for i, part in ipairs(parts) do
    iov[i - 1].iov_base = ffi.cast("char *", part)
    iov[i - 1].iov_len = #part
  end
  local io = core.sock_write(sock, iov, #parts, sent)
  return names[tonumber(io)], tonumber(sent[0])
end

--- Starts connecting; nil and the errno if that failed at once.
function net.connect(env, addr)
  local error = ffi.new("int[1]")
  local sock = core.env_connect(env, addr, nil, error)
  if sock == nil then return nil, error[0] end
  return sock
end

--- Collects what a sock receives: { bytes, ended = "eof" or "error", reads = {...} }.
function net.collect(sock)
  local got = { bytes = "", reads = {} }
  net.on_ready(sock, function()
    local io, bytes = net.read(sock)
    if io == "ok" then
      got.bytes = got.bytes .. bytes
      got.reads[#got.reads + 1] = bytes
    elseif io ~= "again" then
      got.ended = io
      got.error = sock.error
      core.sock_want(sock, 0)
    end
  end)
  core.sock_want(sock, core.SOCK_READ)
  return got
end

--- A timer that does not run yet.
function net.timer(fn)
  local timer = hold(ffi.new("struct timer"))
  core.timer_init(timer, net.callback("void (*)(struct timer *)", fn))
  return timer
end

--- Calls fn after the delay.
function net.after(env, delay, fn)
  local timer = net.timer(fn)
  core.timer_start(env, timer, delay)
  return timer
end

--- A task that nobody has deferred yet.
function net.task(fn)
  local task = hold(ffi.new("struct task"))
  core.task_init(task, net.callback("void (*)(struct task *)", fn))
  return task
end

--- Turns a loop until done() is true; false if it is not within the limit (5 s). Raises what was an error in a
-- callback.
function net.run(env, done, limit)
  local timer, late = ffi.new("struct timer"), false
  local expire = pointer_to("void (*)(struct timer *)", function()
    late = true
    core.loop_stop(env)
  end)
  local on_turn = pointer_to("void (*)(void *)", function()
    local ok, over = pcall(done)
    if not ok then failure = failure or over end
    if failure or over then core.loop_stop(env) end
  end)
  core.timer_init(timer, expire)
  core.timer_start(env, timer, limit or 5 * net.second)
  core.loop_run(env, on_turn, nil)
  core.timer_fini(env, timer)
  expire:free()
  on_turn:free()
  raise_failure()
  return not late
end

--- Resolves and calls fn(list of texts, error).
function net.resolve(env, host, fn)
  local r = hold(ffi.new("struct resolve"))
  r.fn = net.callback("void (*)(struct resolve *, const struct addr *, size_t, const char *)",
    function(_, addrs, count, err)
      local list = {}
      for i = 1, tonumber(count) do list[i] = net.format(addrs + (i - 1)) end
      fn(list, err ~= nil and ffi.string(err) or nil)
    end)
  core.env_resolve(env, r, net.str(host))
  return r
end

--- The same for services: fn(list of "target:port priority weight", error).
function net.resolve_srv(env, name, fn)
  local r = hold(ffi.new("struct resolve_srv"))
  r.fn = net.callback("void (*)(struct resolve_srv *, const struct srv_record *, size_t, const char *)",
    function(_, records, count, err)
      local list = {}
      for i = 0, tonumber(count) - 1 do
        local record = records[i]
        list[i + 1] = ("%s:%d %d %d"):format(ffi.string(record.target.ptr, record.target.len), record.port,
          record.priority, record.weight)
      end
      fn(list, err ~= nil and ffi.string(err) or nil)
    end)
  core.env_resolve_srv(env, r, net.str(name))
  return r
end

return net
