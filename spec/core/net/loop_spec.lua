local ffi = require("ffi")
local net = require("spec.support.net")
local core, second, ms = net.core, net.second, net.millisecond

jit.off(true, true)

ffi.cdef([[
int pipe(int fds[2]);
int socketpair(int domain, int type, int protocol, int fds[2]);
long write(int fd, const void *buf, size_t len);
long read(int fd, void *buf, size_t len);
int close(int fd);
int raise(int signal);
int fork(void);
int waitpid(int pid, int *status, int options);
void _exit(int status);
]])

local ECONNREFUSED, SIGUSR1, AF_UNIX, SOCK_STREAM = 111, 10, 1, 1

describe("loop", function()
  local env, listener_fd, accepted, port

  before_each(function()
    local err = ffi.new("struct error")
    env = core.loop_new(ffi.new("struct loop_options", { dns_cache_max = second }), err)
    assert(env ~= nil, ffi.string(err.text))
    accepted = {}
  end)

  after_each(function()
    core.loop_free(env)
    if listener_fd then ffi.C.close(listener_fd) end
    listener_fd = nil
    net.finish()
  end)

  local function timer(delay, fn) return net.after(env, delay, fn) end

  local function run(done)
    assert.is_true(net.run(env, done), "nothing happened in time")
  end

  local function listen(fn)
    local err = ffi.new("struct error")
    listener_fd = core.listener_open(net.str("127.0.0.1"), 0, false, err)
    assert(listener_fd ~= -1, ffi.string(err.text))
    port = core.listener_port(listener_fd)
    return core.loop_listen(env, listener_fd, net.callback("void (*)(struct listener *, struct sock *)",
      function(listener, sock)
        accepted[#accepted + 1] = sock
        if fn then fn(sock, listener) end
      end), nil)
  end

  local function echo(sock)
    net.on_ready(sock, function()
      local io, bytes = net.read(sock)
      if io == "ok" then net.write(sock, bytes) else core.sock_close(sock) end
    end)
    core.sock_want(sock, core.SOCK_READ)
  end

  local function connect(fn, to_port)
    local client = assert(net.connect(env, net.addr("127.0.0.1", to_port or port)))
    net.on_ready(client, fn)
    core.sock_want(client, core.SOCK_WRITE)
    return client
  end

  it("connects, writes and reads", function()
    local listener = listen(echo)
    local answer, connected
    local client
    client = connect(function(sock, ready)
      if ready == core.SOCK_WRITE then
        connected = core.sock_connected(sock)
        core.sock_want(sock, core.SOCK_READ)
        net.write(sock, "hello", " ", "world")
      else
        local _, bytes = net.read(sock)
        answer = bytes
      end
    end)
    run(function() return answer end)
    assert.is_true(connected)
    assert.equal("hello world", answer)
    core.sock_close(client)
    core.sock_close(accepted[1])
    core.listener_close(listener)
  end)

  it("knows both addresses of a connection", function()
    local listener = listen()
    local client = connect(function(sock) core.sock_want(sock, 0) end)
    run(function() return #accepted == 1 end)
    local a, b = ffi.new("struct addr"), ffi.new("struct addr")
    core.sock_peer(accepted[1], a)
    core.sock_local(client, b)
    assert.equal(net.format(b), net.format(a))
    core.sock_peer(client, a)
    core.sock_local(accepted[1], b)
    assert.equal("127.0.0.1:" .. port, net.format(a))
    assert.equal("127.0.0.1:" .. port, net.format(b))
    core.sock_close(client)
    core.sock_close(accepted[1])
    core.listener_close(listener)
  end)

  it("reports why connecting failed", function()
    local listener = listen()
    local free = port
    ffi.C.close(listener_fd)
    listener_fd = nil
    local code
    local client = connect(function(sock)
      code = not core.sock_connected(sock) and sock.error
      core.sock_want(sock, 0)
    end, free)
    run(function() return code end)
    assert.equal(ECONNREFUSED, code)
    core.sock_close(client)
    core.listener_close(listener)
  end)

  it("tells ends and resets apart", function()
    local listener = listen()
    local closed
    connect(function(sock)
      core.sock_close(sock)
      closed = true
    end)
    run(function() return #accepted == 1 and closed end)
    local ended = net.collect(accepted[1])
    run(function() return ended.ended end)
    assert.equal("eof", ended.ended)
    connect(function(sock) core.sock_reset(sock) end)
    run(function() return #accepted == 2 end)
    ended = net.collect(accepted[2])
    run(function() return ended.ended end)
    assert.equal("error", ended.ended)
    core.sock_close(accepted[1])
    core.sock_close(accepted[2])
    core.listener_close(listener)
  end)

  it("is told when a full sock can be written again, and gets every byte across", function()
    local listener = listen()
    local got, sent, chunk, done = 0, 0, ("x"):rep(1000000), false
    local client = connect(function(sock)
      local io, n = net.write(sock, chunk)
      if io == "ok" then sent = sent + n end
      if sent >= 8000000 then
        core.sock_want(sock, 0)
        core.sock_shutdown(sock)
      end
    end)
    run(function() return #accepted == 1 end)
    net.on_ready(accepted[1], function(sock)
      local io, bytes = net.read(sock, 500000)
      got = got + #bytes
      if io == "eof" then
        core.sock_want(sock, 0)
        done = true
      end
    end)
    core.sock_want(accepted[1], core.SOCK_READ)
    net.on_ready(client, function(sock)
      local io, n = net.write(sock, chunk)
      if io == "ok" then sent = sent + n end
      if sent >= 8000000 then
        core.sock_want(sock, 0)
        core.sock_shutdown(sock)
      end
    end)
    run(function() return done end)
    assert.equal(sent, got)
    core.sock_close(client)
    core.sock_close(accepted[1])
    core.listener_close(listener)
  end)

  it("calls connected socks before accepted ones, when both are ready", function()
    local listener, connected, order = listen(), {}, {}
    for i = 1, 2 do connect(function(sock)
      core.sock_want(sock, 0)
      connected[i] = sock
    end) end
    run(function() return #accepted == 2 and connected[1] and connected[2] end)
    for name, socks in pairs({ connected = connected, accepted = accepted }) do
      for _, sock in ipairs(socks) do
        net.on_ready(sock, function()
          net.read(sock)
          order[#order + 1] = name
        end)
        core.sock_want(sock, core.SOCK_READ)
      end
    end
    for _ = 1, 3 do
      for first = 1, 2 do
        order = {}
        net.write(first == 1 and connected[1] or accepted[1], "x")
        net.write(first == 1 and accepted[1] or connected[1], "x")
        run(function() return #order == 2 end)
        assert.same({ "connected", "accepted" }, order)
      end
    end
    for i = 1, 2 do
      core.sock_close(connected[i])
      core.sock_close(accepted[i])
    end
    core.listener_close(listener)
  end)

  it("fires timers not before their time, and stands still within a turn", function()
    local start, fired = env.now, nil
    timer(20 * ms, function() fired = env.now end)
    run(function() return fired end)
    assert.is_true(fired - start >= 20 * ms)
    assert.is_true(fired - start < 2 * second)
  end)

  it("wakes for a timer that was moved earlier while another waits", function()
    local fired
    local far = timer(3600 * second, function() fired = "far" end)
    timer(1 * ms, function() core.timer_start(env, far, 5 * ms) end)
    run(function() return fired end)
    assert.equal("far", fired)
  end)

  it("shows the wall clock", function()
    assert.is_true(math.abs(tonumber(env.wall / second) - os.time()) <= 2)
  end)

  it("runs io, then timers, then tasks, then collects", function()
    local order = {}
    local fds = ffi.new("int[2]")
    ffi.C.pipe(fds)
    local task = net.task(function() order[#order + 1] = "task" end)
    local release = net.callback("void (*)(void *)", function() order[#order + 1] = "garbage" end)
    local on_timer = net.timer(function() order[#order + 1] = "timer" end)
    local watch
    watch = core.loop_watch_fd(env, fds[0], net.callback("void (*)(void *, int)", function()
      if #order > 0 then return end
      order[1] = "io"
      core.env_release_with(env, release, nil)
      core.env_defer(env, task)
      core.loop_unwatch_fd(watch)
    end), nil)
    core.timer_start(env, on_timer, 0)
    ffi.C.write(fds[1], "x", 1)
    local at_turn
    run(function()
      at_turn = at_turn or table.concat(order, " ")
      return #order == 4
    end)
    assert.equal("io timer task garbage", at_turn)
    ffi.C.close(fds[0])
    ffi.C.close(fds[1])
  end)

  it("watches descriptors until told otherwise", function()
    local fds, calls, seen = ffi.new("int[2]"), 0, nil
    ffi.C.pipe(fds)
    local watch = core.loop_watch_fd(env, fds[0], net.callback("void (*)(void *, int)", function(_, fd)
      calls, seen = calls + 1, fd
    end), nil)
    ffi.C.write(fds[1], "x", 1)
    run(function() return calls == 2 end)
    assert.equal(fds[0], seen)
    core.loop_watch_want(watch, 0)
    local later = false
    timer(5 * ms, function() later = true end)
    run(function() return later end)
    assert.equal(2, calls)
    core.loop_unwatch_fd(watch)
    ffi.C.close(fds[0])
    ffi.C.close(fds[1])
  end)

  it("calls for signals", function()
    local seen
    local on_signal = net.callback("void (*)(void *, int)", function(_, signal) seen = signal end)
    local watch = core.loop_watch_signal(env, SIGUSR1, on_signal, nil)
    ffi.C.raise(SIGUSR1)
    run(function() return seen end)
    assert.equal(SIGUSR1, seen)
    core.loop_unwatch_signal(watch)
  end)

  it("is left by a child process without harm to its parent", function()
    local fds, seen, status = ffi.new("int[2]"), 0, ffi.new("int[1]")
    ffi.C.pipe(fds)
    local on_fd = net.callback("void (*)(void *, int)", function() seen = seen + 1 end)
    local on_signal = net.callback("void (*)(void *, int)", function() seen = -1000 end)
    core.loop_watch_fd(env, fds[0], on_fd, nil)
    core.loop_watch_signal(env, SIGUSR1, on_signal, nil)
    timer(0, function() end)
    run(function() return true end)
    local child = ffi.C.fork()
    if child == 0 then
      core.loop_free(env)
      local own, heard = core.loop_new(ffi.new("struct loop_options"), nil), false
      core.loop_watch_signal(own, SIGUSR1, net.callback("void (*)(void *, int)", function()
        heard = true
        core.loop_stop(own)
      end), nil)
      ffi.C.raise(SIGUSR1)
      core.loop_run(own, nil, nil)
      core.loop_free(own)
      ffi.C._exit(heard and 7 or 1)
    end
    assert.equal(child, ffi.C.waitpid(child, status, 0))
    assert.equal(7 * 256, status[0])
    ffi.C.write(fds[1], "x", 1)
    run(function() return seen ~= 0 end)
    assert.is_true(seen > 0)
    ffi.C.close(fds[0])
    ffi.C.close(fds[1])
  end)

  it("takes over a connected descriptor", function()
    local fds, seen = ffi.new("int[2]"), nil
    ffi.C.socketpair(AF_UNIX, SOCK_STREAM, 0, fds)
    local sock = core.loop_adopt_fd(env, fds[0])
    assert.equal("again", (net.read(sock)))
    net.on_ready(sock, function()
      local _, bytes = net.read(sock)
      seen = bytes
    end)
    core.sock_want(sock, core.SOCK_READ)
    ffi.C.write(fds[1], "abc", 3)
    run(function() return seen end)
    assert.equal("abc", seen)
    core.sock_close(sock)
    local buf = ffi.new("char[1]")
    assert.equal(0, tonumber(ffi.C.read(fds[1], buf, 1)))
    ffi.C.close(fds[1])
  end)

  it("draws numbers from the kernel", function()
    local seen = {}
    for _ = 1, 100 do seen[tostring(core.env_random(env))] = true end
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.equal(100, count)
  end)
end)
