local ffi = require("ffi")
local net = require("spec.support.net")
local core, second, ms = net.core, net.second, net.millisecond

jit.off(true, true)

local ECONNREFUSED, ECONNRESET, EPIPE, EBADF = 111, 104, 32, 9

describe("sim", function()
  local env, accepted

  before_each(function()
    env, accepted = core.sim_new(1), {}
  end)

  after_each(function()
    core.sim_free(env)
    env = nil
    net.finish()
  end)

  local function restart(seed)
    core.sim_free(env)
    env, accepted = core.sim_new(seed), {}
  end

  local function listen(at, fn)
    local on_accept = net.callback("void (*)(struct listener *, struct sock *)", function(_, sock)
      accepted[#accepted + 1] = sock
      if fn then fn(sock) end
    end)
    local err = ffi.new("struct error")
    local listener = core.sim_listen(env, at, on_accept, nil, err)
    if listener == nil then return nil, ffi.string(err.text) end
    return listener
  end

  local function run(done, limit)
    local is_done = done and net.callback("bool (*)(void *)", done) or nil
    return core.sim_run(env, is_done, nil, limit or 10 * second)
  end

  local function timer(delay, fn)
    return net.after(env, delay, fn)
  end

  --- A connected pair: client, server.
  local function pair(at, from)
    at = at or net.addr("10.0.0.1", 80)
    local listener = listen(at)
    local error = ffi.new("int[1]")
    local client = core.sim_connect_from(env, from, at, error)
    local count = #accepted
    run(function() return #accepted > count end)
    core.listener_close(listener)
    return client, accepted[#accepted]
  end

  local function fault(fields) return ffi.new("struct sim_fault", fields) end

  describe("time", function()
    it("stands still, then jumps to the next timer", function()
      local start, fired = env.now, nil
      timer(3600 * second, function() fired = env.now - start end)
      assert.is_false(run(nil, 3599 * second))
      assert.equal(3599 * second, env.now - start)
      assert.is_nil(fired)
      run()
      assert.equal(3600 * second, fired)
      assert.equal(3600 * second, env.now - start)
    end)

    it("starts at a fixed date and moves both clocks", function()
      assert.equal(1767225600LL * second, env.wall)
      core.sim_advance(env, 1500 * ms)
      assert.equal(1767225600LL * second + 1500 * ms, env.wall)
    end)

    it("does not pass when nothing is left to happen", function()
      local start = env.now
      assert.is_false(run())
      assert.equal(start, env.now)
    end)

    it("ends a run of somebody who spins", function()
      local task = net.task(function(t) core.env_defer(env, t) end)
      core.env_defer(env, task)
      assert.is_false(run())
      core.task_cancel(task)
    end)
  end)

  describe("chance", function()
    local function draws(seed)
      restart(seed)
      local list = {}
      for i = 1, 4 do list[i] = tostring(core.env_random(env)) end
      return list
    end

    it("follows from the seed", function()
      assert.same(draws(7), draws(7))
      assert.not_same(draws(7), draws(8))
    end)
  end)

  describe("connecting", function()
    it("is told by SOCK_WRITE, and the other side knows the addresses", function()
      local at = net.addr("10.0.0.1", 80)
      listen(at)
      local client, ready = net.connect(env, at), nil
      net.on_ready(client, function(_, events)
        ready = events
        core.sock_want(client, 0)
      end)
      core.sock_want(client, core.SOCK_WRITE)
      run()
      assert.equal(core.SOCK_WRITE, ready)
      assert.is_true(core.sock_connected(client))
      local peer, here = ffi.new("struct addr"), ffi.new("struct addr")
      core.sock_peer(accepted[1], peer)
      core.sock_local(client, here)
      assert.equal(net.format(here), net.format(peer))
      assert.truthy(net.format(peer):match("^127%.0%.0%.1:%d+$"))
      core.sock_local(accepted[1], here)
      assert.equal("10.0.0.1:80", net.format(here))
    end)

    it("may come from any address", function()
      local _, server = pair(net.addr("::1", 80), net.addr("2001:db8::5", 0))
      local peer = ffi.new("struct addr")
      core.sock_peer(server, peer)
      assert.truthy(net.format(peer):match("^%[2001:db8::5%]:%d+$"))
    end)

    local function refused(at)
      local client = net.connect(env, at)
      local told
      net.on_ready(client, function()
        told = not core.sock_connected(client) and client.error
        core.sock_want(client, 0)
      end)
      core.sock_want(client, core.SOCK_WRITE)
      run()
      return told
    end

    it("is refused where nobody listens", function()
      assert.equal(ECONNREFUSED, refused(net.addr("10.0.0.1", 80)))
    end)

    it("is refused by a fault, after its delay", function()
      local at, start = net.addr("10.0.0.1", 80), env.now
      listen(at)
      core.sim_fault_addr(env, at, fault({ refuse = true, connect_delay = 5 * ms }), nil)
      assert.equal(ECONNREFUSED, refused(at))
      assert.equal(5 * ms, env.now - start)
      core.sim_fault_addr(env, at, nil, nil)
      assert.is_false(refused(at))
    end)

    it("never ends when it hangs", function()
      local at = net.addr("10.0.0.1", 80)
      listen(at)
      core.sim_fault_addr(env, at, fault({ hang = true }), nil)
      assert.is_nil(refused(at))
      assert.equal(0, #accepted)
    end)

    it("may be given up meanwhile", function()
      local at = net.addr("10.0.0.1", 80)
      listen(at)
      core.sim_fault_addr(env, at, fault({ connect_delay = 5 * ms }), nil)
      core.sock_close(net.connect(env, at))
      run()
      assert.equal(0, #accepted)
    end)

    it("reaches a listener on all addresses, unless one is nearer", function()
      local where = {}
      listen(net.addr("::", 80), function() where[#where + 1] = "any" end)
      listen(net.addr("10.0.0.2", 80), function() where[#where + 1] = "10.0.0.2" end)
      net.connect(env, net.addr("10.0.0.1", 80))
      run()
      net.connect(env, net.addr("10.0.0.2", 80))
      run()
      assert.same({ "any", "10.0.0.2" }, where)
    end)

    it("resets those whom a closing listener has not accepted", function()
      local at = net.addr("10.0.0.1", 80)
      local listener = listen(at)
      local client = net.connect(env, at)
      local got = net.collect(client)
      core.listener_close(listener)
      run()
      assert.equal("error", got.ended)
      assert.equal(ECONNRESET, got.error)
    end)
  end)

  describe("listening", function()
    it("draws a port for 0, another one each time", function()
      local first, other = ffi.new("struct addr"), ffi.new("struct addr")
      core.sim_listener_addr(listen(net.addr("127.0.0.1", 0)), first)
      core.sim_listener_addr(listen(net.addr("127.0.0.1", 0)), other)
      assert.is_true(core.addr_port(first) > 0 and core.addr_port(first) ~= core.addr_port(other))
    end)

    it("fails where somebody listens", function()
      local listener = listen(net.addr("127.0.0.1", 80))
      local again, why = listen(net.addr("127.0.0.1", 80))
      assert.is_nil(again)
      assert.equal("listen tcp 127.0.0.1:80: bind: address already in use", why)
      core.listener_close(listener)
      assert.truthy(listen(net.addr("127.0.0.1", 80)))
    end)
  end)

  describe("a byte stream", function()
    it("carries bytes both ways, then an end", function()
      local client, server = pair()
      local up, down = net.collect(server), net.collect(client)
      assert.same({ "ok", 11 }, { net.write(client, "hello", " ", "world") })
      assert.same({ "ok", 2 }, { net.write(server, "ok") })
      core.sock_shutdown(client)
      run()
      assert.same({ "hello world", "eof" }, { up.bytes, up.ended })
      assert.same({ "ok", nil }, { down.bytes, down.ended })
      core.sock_close(server)
      run()
      assert.equal("eof", down.ended)
    end)

    it("gathers what was written before it is read, and gives no more than asked for", function()
      local client, server = pair()
      net.write(client, "abc")
      net.write(client, "def")
      assert.same({ "ok", "abcd" }, { net.read(server, 4) })
      assert.same({ "ok", "ef" }, { net.read(server, 4) })
      assert.same({ "again", "" }, { net.read(server, 4) })
    end)

    it("is ready as long as there is something, for what is wanted only", function()
      local client, server = pair()
      local calls, events = 0, 0
      net.on_ready(server, function(_, ready)
        calls, events = calls + 1, ready
        net.read(server, 1)
        if calls == 2 then core.sock_want(server, 0) end
      end)
      net.write(client, "abc")
      run()
      assert.equal(0, calls)
      core.sock_want(server, core.SOCK_READ)
      run()
      assert.same({ 2, 1 }, { calls, events })
      core.sock_want(server, core.SOCK_READ)
      run()
      assert.equal(3, calls)
    end)

    it("holds a window of bytes: a slow reader stops the writer", function()
      local client, server = pair()
      core.sim_fault_sock(client, fault({ window = 10 }))
      assert.same({ "ok", 10 }, { net.write(client, ("x"):rep(7), ("y"):rep(7)) })
      assert.same({ "again", 0 }, { net.write(client, "z") })
      local writable = 0
      net.on_ready(client, function()
        writable = writable + 1
        core.sock_want(client, 0)
      end)
      core.sock_want(client, core.SOCK_WRITE)
      run()
      assert.equal(0, writable)
      assert.same({ "ok", "xxxxxxx" }, { net.read(server, 7) })
      run()
      assert.equal(1, writable)
      assert.same({ "ok", 7 }, { net.write(client, ("z"):rep(8)) })
      assert.same({ "ok", "yyyzzzzzzz" }, { net.read(server) })
    end)

    it("is 256 KiB wide by default", function()
      local client = pair()
      assert.same({ "ok", 262144 }, { net.write(client, ("x"):rep(300000)) })
    end)

    it("is reset by closing with bytes unread", function()
      local client, server = pair()
      local got = net.collect(client)
      net.write(client, "question")
      net.write(server, "answer")
      core.sock_close(server)
      run()
      assert.same({ "answer", "error", ECONNRESET }, { got.bytes, got.ended, got.error })
      assert.same({ "error", 0 }, { net.write(client, "x") })
    end)

    it("is reset by sending to a closed end; who has read the end does not see that", function()
      local client, server = pair()
      core.sock_close(server)
      assert.same({ "ok", 1 }, { net.write(client, "x") })
      assert.same({ "error", 0 }, { net.write(client, "x") })
      assert.equal(ECONNRESET, client.error)
      assert.same({ "eof", "" }, { net.read(client) })
    end)

    it("is reset by sock_reset, behind the bytes before it", function()
      local client, server = pair()
      net.write(client, "abc")
      core.sock_reset(client)
      assert.same({ "ok", "abc" }, { net.read(server) })
      assert.same({ "error", "" }, { net.read(server) })
    end)

    it("takes no writes after its shutdown", function()
      local client = pair()
      core.sock_shutdown(client)
      assert.same({ "error", 0 }, { net.write(client, "x") })
      assert.equal(EPIPE, client.error)
    end)

    it("that is closed answers until the turn is over, and may be closed again", function()
      local client, server = pair()
      local io, code, second_want
      net.on_ready(server, function()
        core.sock_close(server)
        io = net.read(server)
        code = server.error
        core.sock_want(server, core.SOCK_READ)
        second_want = server.want
        core.sock_shutdown(server)
        core.sock_close(server)
        core.sock_reset(server)
      end)
      core.sock_want(server, core.SOCK_READ)
      net.write(client, "x")
      run()
      assert.same({ "error", EBADF, 0 }, { io, code, second_want })
    end)
  end)

  describe("a fault", function()
    it("delays each write, the end too", function()
      local client, server = pair()
      local start, log = env.now, {}
      core.sim_fault_sock(client, fault({ delay = 20 * ms }))
      net.on_ready(server, function()
        local io, bytes = net.read(server)
        log[#log + 1] = ("%s%s@%d"):format(io, bytes, tonumber((env.now - start) / ms))
        if io == "eof" then core.sock_want(server, 0) end
      end)
      core.sock_want(server, core.SOCK_READ)
      net.write(client, "a")
      timer(5 * ms, function() net.write(client, "b") end)
      timer(10 * ms, function() core.sock_shutdown(client) end)
      run()
      assert.same({ "oka@20", "okb@25", "eof@30" }, log)
    end)

    it("splits writes into pieces that are read one by one", function()
      local client, server = pair()
      core.sim_fault_sock(client, fault({ split = 2 }))
      local got = net.collect(server)
      net.write(client, "abc", "de")
      net.write(client, "fgh")
      core.sock_shutdown(client)
      run()
      assert.same({ "ab", "cd", "e", "fg", "h" }, got.reads)
      assert.equal("eof", got.ended)
    end)

    it("dribbles: pieces, each so long after the one before", function()
      local client, server = pair()
      local start, times = env.now, {}
      core.sim_fault_sock(client, fault({ split = 1, delay = 100 * ms }))
      net.on_ready(server, function()
        local _, bytes = net.read(server)
        times[#times + 1] = bytes .. tostring(tonumber((env.now - start) / ms))
      end)
      core.sock_want(server, core.SOCK_READ)
      net.write(client, "ab")
      net.write(client, "c")
      run()
      assert.same({ "a100", "b200", "c300" }, times)
    end)

    it("stalls after so many bytes: neither more nor the end arrives", function()
      local client, server = pair()
      core.sim_fault_sock(client, fault({ stall_at = 4, window = 8 }))
      local got = net.collect(server)
      assert.same({ "ok", 6 }, { net.write(client, "abcdef") })
      run()
      assert.equal("abcd", got.bytes)
      assert.same({ "ok", 6 }, { net.write(client, "123456789") })
      assert.same({ "again", 0 }, { net.write(client, "x") })
      core.sock_shutdown(client)
      run()
      assert.same({ "abcd", nil }, { got.bytes, got.ended })
    end)

    it("resets both ends after so many bytes", function()
      local client, server = pair()
      core.sim_fault_sock(client, fault({ reset_at = 4 }))
      local up, down = net.collect(server), net.collect(client)
      assert.same({ "ok", 3 }, { net.write(client, "abc") })
      run()
      assert.same({ "abc", nil }, { up.bytes, up.ended })
      net.write(client, "def")
      run()
      assert.same({ "abcd", "error", ECONNRESET }, { up.bytes, up.ended, up.error })
      assert.same({ "error", ECONNRESET }, { down.ended, down.error })
      assert.same({ "error", 0 }, { net.write(client, "x") })
      assert.same({ "error", 0 }, { net.write(server, "x") })
    end)

    it("never loses, reorders or invents a byte", function()
      for seed = 1, 60 do
        restart(seed)
        local function draw(n) return tonumber(core.env_random(env) % n) end
        local faults = {
          delay = draw(3) * ms,
          split = draw(4) * draw(50),
          window = draw(2) * (1 + draw(100)),
          reset_at = draw(4) == 0 and 1 + draw(3000) or 0,
          stall_at = draw(4) == 0 and 1 + draw(3000) or 0,
        }
        local client, server = pair()
        core.sim_fault_sock(client, fault(faults))
        local got, sent, failed = net.collect(server), {}, false
        net.on_ready(client, function()
          if #sent == 40 then
            core.sock_shutdown(client)
            return core.sock_want(client, 0)
          end
          local bytes = ("%d,"):format(draw(1000000)):rep(1 + draw(30))
          local io, count = net.write(client, bytes)
          sent[#sent + 1] = bytes:sub(1, count)
          if io == "error" then
            failed = true
            core.sock_want(client, 0)
          end
        end)
        core.sock_want(client, core.SOCK_WRITE)
        run(nil, 3600 * second)
        local all = table.concat(sent)
        assert.equal(all:sub(1, #got.bytes), got.bytes)
        local cut = math.min(faults.reset_at > 0 and faults.reset_at or #all,
          faults.stall_at > 0 and faults.stall_at or #all)
        assert.equal(math.min(cut, #all), #got.bytes, "seed " .. seed)
        if faults.reset_at == 0 and faults.stall_at == 0 then
          assert.same({ "eof", false }, { got.ended, failed })
        end
      end
    end)

    it("of an address works for both directions of new connections", function()
      local at = net.addr("10.0.0.1", 80)
      core.sim_fault_addr(env, at, fault({ split = 1 }), fault({ split = 2 }))
      local client, server = pair(at)
      local up, down = net.collect(server), net.collect(client)
      net.write(client, "abc")
      net.write(server, "abc")
      run()
      assert.same({ { "a", "b", "c" }, { "ab", "c" } }, { up.reads, down.reads })
    end)
  end)

  describe("names", function()
    local function resolve(host)
      local list, err, at
      local start = env.now
      net.resolve(env, host, function(...)
        list, err = ...
        at = tonumber((env.now - start) / ms)
      end)
      assert.is_nil(at)
      run()
      return list, err, at
    end

    it("are answered as entered, after their delay", function()
      local addrs = ffi.new("struct addr[2]", { net.addr("10.0.0.1"), net.addr("::5") })
      core.sim_name(env, net.str("api.test"), addrs, 2, 7 * ms)
      local list, err, at = resolve("API.test")
      assert.same({ "10.0.0.1:0", "[::5]:0" }, list)
      assert.same({ nil, 7 }, { err, at })
      core.sim_name(env, net.str("api.test"), addrs + 1, 1, 0)
      assert.same({ "[::5]:0" }, (resolve("api.test")))
    end)

    it("without an entry do not exist", function()
      local list, err = resolve("api.test")
      assert.same({ {}, "no such host" }, { list, err })
    end)

    it("that are literals or localhost need no entry", function()
      assert.same({ "1.2.3.4:0" }, (resolve("1.2.3.4")))
      assert.same({ "[::1]:0", "127.0.0.1:0" }, (resolve("localhost")))
    end)

    it("are not answered to who gave up", function()
      local called
      core.env_resolve_cancel(net.resolve(env, "localhost", function() called = true end))
      core.env_resolve_cancel(ffi.new("struct resolve"))
      run()
      assert.is_nil(called)
    end)

    it("have services", function()
      local records = ffi.new("struct srv_record[2]", {
        { target = net.str("a.test"), port = 80, priority = 1, weight = 2 },
        { target = net.str("b.test"), port = 81, priority = 3, weight = 4 },
      })
      core.sim_srv(env, net.str("_http._tcp.test"), records, 2)
      local list, err
      net.resolve_srv(env, "_http._tcp.test", function(...) list, err = ... end)
      run()
      assert.same({ { "a.test:80 1 2", "b.test:81 3 4" }, nil }, { list, err })
      net.resolve_srv(env, "_x._tcp.test", function(...) list, err = ... end)
      run()
      assert.same({ {}, "no such host" }, { list, err })
      local called
      core.env_resolve_srv_cancel(net.resolve_srv(env, "_http._tcp.test", function() called = true end))
      run()
      assert.is_nil(called)
    end)
  end)

  describe("a run", function()
    --- Ten clients talk to an echo at once. The order in which the echo hears them, and the trace.
    local function play(seed)
      restart(seed)
      local at, order, served = net.addr("10.0.0.1", 80), {}, 0
      listen(at, function(sock)
        net.on_ready(sock, function()
          local io, bytes = net.read(sock)
          if io == "ok" then
            order[#order + 1] = bytes
            net.write(sock, bytes)
          else
            core.sock_close(sock)
            served = served + 1
          end
        end)
        core.sock_want(sock, core.SOCK_READ)
      end)
      for i = 0, 9 do
        local client = net.connect(env, at)
        net.on_ready(client, function(_, ready)
          if bit.band(ready, core.SOCK_WRITE) ~= 0 then
            net.write(client, tostring(i))
            core.sock_want(client, core.SOCK_READ)
          else
            net.read(client)
            core.sock_close(client)
          end
        end)
        core.sock_want(client, core.SOCK_WRITE)
      end
      assert.is_true(run(function() return served == 10 end))
      return table.concat(order), tostring(core.sim_trace(env))
    end

    it("is the same for the same seed", function()
      local order, trace = play(42)
      local again, trace_again = play(42)
      assert.same({ order, trace }, { again, trace_again })
    end)

    it("differs in order by seed", function()
      local orders, count = {}, 0
      for seed = 1, 20 do orders[(play(seed))] = true end
      for order in pairs(orders) do
        count = count + 1
        assert.equal(10, #order)
      end
      assert.is_true(count > 15)
    end)

    it("lets timers of one instant fire in an order drawn from the seed", function()
      local orders, count = {}, 0
      for seed = 1, 20 do
        restart(seed)
        local order = {}
        for i = 1, 4 do timer(1 * second, function() order[#order + 1] = i end) end
        run()
        orders[table.concat(order)] = true
      end
      for order in pairs(orders) do
        count = count + 1
        assert.equal(4, #order)
      end
      assert.is_true(count > 5)
    end)
  end)
end)
