--- What every byte stream promises, asked of the kernel's and of the simulator's.
local ffi = require("ffi")
local net = require("spec.support.net")
local core, second = net.core, net.second

jit.off(true, true)

ffi.cdef("int close(int fd);")

local ECONNREFUSED, EPIPE, EBADF = 111, 32, 9

local kernel, simulator = { name = "of the kernel" }, { name = "of the simulator" }

function kernel.start()
  kernel.env = core.loop_new(ffi.new("struct loop_options"), nil)
  return kernel.env
end

function kernel.listen(on_accept)
  kernel.fd = core.listener_open(net.str("127.0.0.1"), 0, false, nil)
  kernel.listener = core.loop_listen(kernel.env, kernel.fd, on_accept, nil)
  return net.addr("127.0.0.1", core.listener_port(kernel.fd))
end

function kernel.unlisten()
  core.listener_close(kernel.listener)
  ffi.C.close(kernel.fd)
end

function kernel.run(done) return net.run(kernel.env, done) end

function kernel.stop() core.loop_free(kernel.env) end

function simulator.start()
  simulator.env = core.sim_new(3)
  return simulator.env
end

function simulator.listen(on_accept)
  local at = ffi.new("struct addr")
  simulator.listener = core.sim_listen(simulator.env, net.addr("127.0.0.1", 0), on_accept, nil, nil)
  core.sim_listener_addr(simulator.listener, at)
  return at
end

function simulator.unlisten() core.listener_close(simulator.listener) end

function simulator.run(done)
  local is_done = net.callback("bool (*)(void *)", function() return done() and true or false end)
  return core.sim_run(simulator.env, is_done, nil, 5 * second)
end

function simulator.stop() core.sim_free(simulator.env) end

for _, world in ipairs({ kernel, simulator }) do
  describe("a sock " .. world.name, function()
    local env, client, server, open

    local function run(done) assert.is_true(world.run(done), "nothing happened in time") end

    before_each(function()
      env, server = world.start(), nil
      local at = world.listen(net.callback("void (*)(struct listener *, struct sock *)", function(_, sock)
        server = sock
      end))
      local connected = false
      client = net.connect(env, at)
      net.on_ready(client, function()
        connected = core.sock_connected(client)
        core.sock_want(client, 0)
      end)
      core.sock_want(client, core.SOCK_WRITE)
      run(function() return server and connected end)
      open = { client, server }
    end)

    after_each(function()
      for _, sock in ipairs(open) do core.sock_close(sock) end
      world.unlisten()
      world.stop()
      net.finish()
    end)

    local function close(sock)
      for i, other in ipairs(open) do
        if other == sock then table.remove(open, i) end
      end
      core.sock_close(sock)
    end

    it("has nothing to read at first", function()
      assert.same({ "again", "" }, { net.read(server) })
    end)

    it("carries gathered writes in order", function()
      local got = net.collect(server)
      assert.same({ "ok", 6 }, { net.write(client, "ab", "", "cd", "ef") })
      run(function() return #got.bytes == 6 end)
      assert.equal("abcdef", got.bytes)
    end)

    it("reads no more than asked for, and is ready for the rest", function()
      local reads = {}
      net.on_ready(server, function()
        local _, bytes = net.read(server, 2)
        reads[#reads + 1] = bytes
      end)
      core.sock_want(server, core.SOCK_READ)
      net.write(client, "abcde")
      run(function() return #reads == 3 end)
      assert.same({ "ab", "cd", "e" }, reads)
    end)

    it("is ready to write at once, and as often as it wants that", function()
      local calls = 0
      net.on_ready(client, function(_, ready)
        assert.equal(core.SOCK_WRITE, ready)
        calls = calls + 1
      end)
      core.sock_want(client, core.SOCK_WRITE)
      run(function() return calls == 3 end)
      core.sock_want(client, 0)
    end)

    it("tells nothing that is not wanted", function()
      local called = false
      net.on_ready(server, function() called = true end)
      core.sock_want(server, core.SOCK_READ)
      core.sock_want(server, 0)
      net.write(client, "x")
      local passed = false
      net.after(env, 5 * net.millisecond, function() passed = true end)
      run(function() return passed end)
      assert.is_false(called)
      core.sock_want(server, core.SOCK_READ)
      run(function() return called end)
      core.sock_want(server, 0)
      assert.same({ "ok", "x" }, { net.read(server) })
    end)

    it("pushes back when nobody reads, and says when to go on", function()
      local chunk, total, full = ("x"):rep(1000000), 0, false
      while not full and total < 100000000 do
        local io, sent = net.write(client, chunk)
        total, full = total + sent, io == "again"
      end
      assert.is_true(full)
      local writable = false
      net.on_ready(client, function()
        writable = true
        core.sock_want(client, 0)
      end)
      core.sock_want(client, core.SOCK_WRITE)
      local got = 0
      net.on_ready(server, function()
        local _, bytes = net.read(server)
        got = got + #bytes
      end)
      core.sock_want(server, core.SOCK_READ)
      run(function() return writable and got == total end)
    end)

    it("half closes: the other side reads an end and may still answer", function()
      local up, down = net.collect(server), net.collect(client)
      net.write(client, "question")
      core.sock_shutdown(client)
      run(function() return up.ended end)
      assert.same({ "question", "eof" }, { up.bytes, up.ended })
      net.write(server, "answer")
      close(server)
      run(function() return down.ended end)
      assert.same({ "answer", "eof" }, { down.bytes, down.ended })
      assert.same({ "error", 0 }, { net.write(client, "x") })
      assert.equal(EPIPE, client.error)
    end)

    it("stays at its end", function()
      local ends = 0
      net.on_ready(server, function()
        if net.read(server) == "eof" then ends = ends + 1 end
      end)
      core.sock_want(server, core.SOCK_READ)
      close(client)
      run(function() return ends == 3 end)
      core.sock_want(server, 0)
    end)

    it("sees a reset behind the bytes before it", function()
      net.write(client, "abc")
      local got = net.collect(server)
      run(function() return got.bytes == "abc" end)
      core.sock_reset(client)
      table.remove(open, 1)
      run(function() return got.ended end)
      assert.equal("error", got.ended)
      assert.equal("error", (net.write(server, "x")))
    end)

    it("sees a reset when the other side closed without reading", function()
      local got = net.collect(client)
      net.write(client, "question")
      net.on_ready(server, function() close(server) end)
      core.sock_want(server, core.SOCK_READ)
      run(function() return got.ended end)
      assert.equal("error", got.ended)
    end)

    it("that has read the end fails to write, sooner or later", function()
      local got = net.collect(client)
      close(server)
      run(function() return got.ended == "eof" end)
      net.write(client, "lost")
      local failed
      net.on_ready(client, function() failed = net.write(client, "x") == "error" end)
      core.sock_want(client, core.SOCK_WRITE)
      run(function() return failed end)
      core.sock_want(client, 0)
    end)

    it("is told no more once it is closed, though it was ready too", function()
      local calls = 0
      for _, sock in ipairs({ client, server }) do
        net.on_ready(sock, function()
          calls = calls + 1
          close(client)
          close(server)
        end)
        core.sock_want(sock, core.SOCK_WRITE)
      end
      run(function() return calls > 0 end)
      local passed = false
      net.after(env, 1 * net.millisecond, function() passed = true end)
      run(function() return passed end)
      assert.equal(1, calls)
    end)

    it("answers until the turn is over once it is closed", function()
      local seen
      net.on_ready(server, function()
        close(server)
        seen = { (net.read(server)), server.error, (net.write(server, "x")), core.sock_connected(server) }
        core.sock_shutdown(server)
        core.sock_close(server)
      end)
      core.sock_want(server, core.SOCK_WRITE)
      run(function() return seen end)
      assert.same({ "error", EBADF, "error", false }, seen)
    end)

    it("is refused where nobody listens", function()
      local at, code = ffi.new("struct addr"), nil
      core.sock_local(client, at) -- a port that connects, so nobody listens there
      local other = net.connect(env, at)
      if other then
        open[#open + 1] = other
        net.on_ready(other, function()
          code = not core.sock_connected(other) and other.error
          core.sock_want(other, 0)
        end)
        core.sock_want(other, core.SOCK_WRITE)
        run(function() return code ~= nil end)
        assert.equal(ECONNREFUSED, code)
      end
    end)
  end)
end
