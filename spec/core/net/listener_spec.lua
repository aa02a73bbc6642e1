local ffi = require("ffi")
local net = require("spec.support.net")
local core = net.core

jit.off(true, true)

ffi.cdef([[
int close(int fd);
struct rlimit { unsigned long cur, max; };
int getrlimit(int resource, struct rlimit *limit);
int setrlimit(int resource, const struct rlimit *limit);
int dup(int fd);
]])

local RLIMIT_NOFILE, EMFILE = 7, 24

local function open(ip, port, reuse_port)
  local err = ffi.new("struct error")
  local fd = core.listener_open(net.str(ip), port, reuse_port or false, err)
  if fd == -1 then return nil, ffi.string(err.text) end
  return fd
end

describe("listener_open", function()
  local fds

  before_each(function() fds = {} end)
  after_each(function()
    for _, fd in ipairs(fds) do ffi.C.close(fd) end
    net.finish()
  end)

  local function opened(...)
    local fd = assert(open(...))
    fds[#fds + 1] = fd
    return fd
  end

  it("takes any free port for 0", function()
    assert.is_true(core.listener_port(opened("127.0.0.1", 0)) > 0)
    assert.is_true(core.listener_port(opened("::1", 0)) > 0)
  end)

  it("tells that the port is taken", function()
    local port = core.listener_port(opened("127.0.0.1", 0))
    local fd, why = open("127.0.0.1", port)
    assert.is_nil(fd)
    assert.equal(("listen tcp 127.0.0.1:%d: bind: address already in use"):format(port), why)
    port = core.listener_port(opened("", 0))
    assert.equal(("listen tcp :%d: bind: address already in use"):format(port), select(2, open("", port)))
    why = select(2, open("::", port))
    assert.equal(("listen tcp [::]:%d: bind: address already in use"):format(port), why)
  end)

  it("shares the port of those who agreed to, and of no others", function()
    local port = core.listener_port(opened("127.0.0.1", 0, true))
    assert.equal(port, core.listener_port(opened("127.0.0.1", port, true)))
    assert.is_nil((open("127.0.0.1", port)))
  end)

  local bad = {
    { "", 70000, "listen tcp: address 70000: invalid port" },
    { "", -1, "listen tcp: address -1: invalid port" },
    { "localhost", 80, "listen tcp: address localhost: invalid ip address" },
    { "192.0.2.1", 8080, "listen tcp 192.0.2.1:8080: bind: cannot assign requested address" },
    { "2001:db8::1", 8080, "listen tcp [2001:db8::1]:8080: bind: cannot assign requested address" },
  }
  for _, case in ipairs(bad) do
    it(("refuses %q, %d"):format(case[1], case[2]), function()
      assert.equal(case[3], select(2, open(case[1], case[2])))
    end)
  end
end)

describe("loop_listen", function()
  local env, clients

  before_each(function()
    env = core.loop_new(ffi.new("struct loop_options"), nil)
    clients = {}
  end)

  after_each(function()
    for _, client in ipairs(clients) do core.sock_close(client) end
    core.loop_free(env)
    net.finish()
  end)

  local function run(done)
    assert.is_true(net.run(env, done), "nothing happened in time")
  end

  local function listen(fd, fn)
    return core.loop_listen(env, fd, net.callback("void (*)(struct listener *, struct sock *)", fn), nil)
  end

  local function connect(ip, port)
    clients[#clients + 1] = assert(net.connect(env, net.addr(ip, port)))
  end

  for _, ip in ipairs({ "", "0.0.0.0", "::" }) do
    it(("serves IPv4 and IPv6 on %q, and shows IPv4 clients as IPv4"):format(ip), function()
      local fd, peers = assert(open(ip, 0)), {}
      local listener = listen(fd, function(_, sock)
        local addr, buf = ffi.new("struct addr"), ffi.new("char[64]")
        core.sock_peer(sock, addr)
        peers[#peers + 1] = ffi.string(buf, core.addr_format_ip(addr, buf))
        core.sock_close(sock)
      end)
      connect("127.0.0.1", core.listener_port(fd))
      connect("::1", core.listener_port(fd))
      run(function() return #peers == 2 end)
      table.sort(peers)
      assert.same({ "127.0.0.1", "::1" }, peers)
      core.listener_close(listener)
      ffi.C.close(fd)
    end)
  end

  it("accepts many at once", function()
    local fd, count = assert(open("127.0.0.1", 0)), 0
    local listener = listen(fd, function(_, sock)
      count = count + 1
      core.sock_close(sock)
    end)
    for _ = 1, 200 do connect("127.0.0.1", core.listener_port(fd)) end
    run(function() return count == 200 end)
    core.listener_close(listener)
    ffi.C.close(fd)
  end)

  it("accepts all that is queued before it finishes", function()
    local fd, count = assert(open("127.0.0.1", 0)), 0
    local listener = listen(fd, function(_, sock)
      count = count + 1
      core.sock_close(sock)
    end)
    for _ = 1, 200 do connect("127.0.0.1", core.listener_port(fd)) end
    core.loop_listener_finish(listener)
    assert.equal(200, count)
    ffi.C.close(fd)
  end)

  it("leaves the descriptor open when it is closed, for the next to accept from", function()
    local fd, first, next_count = assert(open("127.0.0.1", 0)), 0, 0
    local port = core.listener_port(fd)
    listen(fd, function(listener, sock)
      first = first + 1
      core.sock_close(sock)
      core.listener_close(listener)
      core.listener_close(listener)
    end)
    for _ = 1, 3 do connect("127.0.0.1", port) end
    run(function() return first == 1 end)
    local listener = listen(fd, function(_, sock)
      next_count = next_count + 1
      core.sock_close(sock)
    end)
    run(function() return next_count == 2 end)
    assert.equal(1, first)
    core.listener_close(listener)
    ffi.C.close(fd)
  end)

  it("waits for descriptors without spinning when there are none left", function()
    local fd, count, turns, told = assert(open("127.0.0.1", 0)), 0, 0, nil
    local listener = listen(fd, function(_, sock)
      count = count + 1
      core.sock_close(sock)
    end)
    listener.on_pause = net.callback("void (*)(struct listener *, int)", function(_, number) told = number end)
    connect("127.0.0.1", core.listener_port(fd))
    -- no descriptor above those that are open
    local limit = ffi.new("struct rlimit")
    ffi.C.getrlimit(RLIMIT_NOFILE, limit)
    local before = limit.cur
    local top = ffi.C.dup(fd)
    ffi.C.close(top)
    limit.cur = top
    ffi.C.setrlimit(RLIMIT_NOFILE, limit)
    net.after(env, 30 * net.millisecond, function()
      limit.cur = before
      ffi.C.setrlimit(RLIMIT_NOFILE, limit)
    end)
    run(function()
      turns = turns + 1
      return count == 1
    end)
    assert.is_true(turns < 10, turns .. " turns")
    assert.equal(EMFILE, told)
    core.listener_close(listener)
    ffi.C.close(fd)
  end)
end)
