local ffi = require("ffi")
local net = require("spec.support.net")
local core = net.core

jit.off(true, true)

describe("env", function()
  local env, log

  before_each(function()
    env, log = ffi.new("struct env"), {}
    core.env_init(env, nil)
  end)

  after_each(function()
    core.env_fini(env)
    net.finish()
  end)

  local function said()
    local text = table.concat(log, " ")
    log = {}
    return text
  end

  local function task(name, fn)
    return net.task(function(t)
      log[#log + 1] = name
      if fn then fn(t) end
    end)
  end

  describe("tasks", function()
    it("run in the order they were deferred, once", function()
      local a, b = task("a"), task("b")
      core.env_defer(env, b)
      core.env_defer(env, a)
      core.env_defer(env, b)
      core.env_run_tasks(env)
      assert.equal("b a", said())
      core.env_run_tasks(env)
      assert.equal("", said())
    end)

    it("run in the next turn when a task defers them", function()
      local b = task("b")
      local a = task("a", function(self)
        core.env_defer(env, b)
        core.env_defer(env, self)
      end)
      core.env_defer(env, a)
      core.env_run_tasks(env)
      assert.equal("a", said())
      core.env_run_tasks(env)
      assert.equal("b a", said())
      core.task_cancel(a)
      core.task_cancel(b)
    end)

    it("do not run once they are cancelled, even by a task of the same turn", function()
      local b, c = task("b"), task("c")
      core.env_defer(env, task("a", function() core.task_cancel(b) end))
      core.env_defer(env, b)
      core.env_defer(env, c)
      core.env_run_tasks(env)
      assert.equal("a c", said())
    end)

    it("that are zeroed memory may be cancelled", function()
      core.task_cancel(ffi.new("struct task"))
    end)
  end)

  describe("garbage", function()
    it("is collected after the turn, what it releases too", function()
      local release
      release = net.callback("void (*)(void *)", function(ptr)
        local number = tonumber(ffi.cast("intptr_t", ptr))
        log[#log + 1] = tostring(number)
        if number > 1 then core.env_release_with(env, release, ffi.cast("void *", number - 1)) end
      end)
      core.env_release_with(env, release, ffi.cast("void *", 3))
      assert.equal("", said())
      core.env_collect(env)
      assert.equal("3 2 1", said())
      core.env_collect(env)
      assert.equal("", said())
    end)

    it("is collected once, though its release collects too", function()
      local name = net.callback("void (*)(void *)", function(ptr)
        log[#log + 1] = tostring(tonumber(ffi.cast("intptr_t", ptr)))
        core.env_collect(env)
      end)
      for i = 1, 3 do core.env_release_with(env, name, ffi.cast("void *", i)) end
      core.env_collect(env)
      assert.equal("1 2 3", said())
    end)

    it("and tasks that are left are done by env_fini", function()
      local release = net.callback("void (*)(void *)", function() log[#log + 1] = "freed" end)
      core.env_defer(env, task("a", function() core.env_release_with(env, release, nil) end))
      core.env_fini(env)
      assert.equal("a freed", said())
    end)
  end)
end)
