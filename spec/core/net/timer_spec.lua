local ffi = require("ffi")
local net = require("spec.support.net")
local core = net.core

jit.off(true, true)

describe("timer", function()
  local env, fired

  before_each(function()
    env, fired = ffi.new("struct env"), {}
    core.env_init(env, nil)
    env.now = 1000
  end)

  after_each(function()
    core.env_fini(env)
    net.finish()
  end)

  local function timer(name, fn)
    return net.timer(function(t)
      fired[#fired + 1] = name
      if fn then fn(t) end
    end)
  end

  local function run_at(now)
    env.now = now
    core.env_run_timers(env)
    local names = table.concat(fired, " ")
    fired = {}
    return names
  end

  it("fires in the order of the deadlines", function()
    for _, delay in ipairs({ 50, 10, 40, 30, 20 }) do core.timer_start(env, timer(tostring(delay)), delay) end
    assert.equal("10 20 30", run_at(1030))
    assert.equal("", run_at(1039))
    assert.equal("40 50", run_at(1050))
  end)

  it("tells whether it runs, and fires once", function()
    local t = timer("t")
    assert.is_false(core.timer_is_running(t))
    core.timer_start(env, t, 5)
    assert.is_true(core.timer_is_running(t))
    assert.equal("t", run_at(1005))
    assert.is_false(core.timer_is_running(t))
    assert.equal("", run_at(9999))
  end)

  it("moves later when it is restarted", function()
    local t = timer("t")
    core.timer_start(env, t, 10)
    core.timer_start(env, t, 100)
    assert.equal("", run_at(1010))
    assert.equal("t", run_at(1100))
  end)

  it("moves earlier when it is restarted", function()
    local t = timer("t")
    core.timer_start(env, timer("other"), 50)
    core.timer_start(env, t, 100)
    core.timer_start(env, t, 10)
    assert.equal("t", run_at(1010))
    assert.equal("other", run_at(1100))
  end)

  it("does not fire once it is stopped, and starts again", function()
    local t = timer("t")
    core.timer_start(env, t, 10)
    core.timer_stop(env, t)
    assert.is_false(core.timer_is_running(t))
    assert.equal(ffi.cast("int64_t", 0x7fffffffffffffffLL), core.env_next_deadline(env))
    core.timer_start(env, t, 10)
    assert.equal("t", run_at(1010))
  end)

  it("may be finished before or after it was started", function()
    local never, started, other = timer("never"), timer("started"), timer("other")
    core.timer_fini(env, never)
    core.timer_start(env, started, 10)
    core.timer_start(env, other, 20)
    core.timer_fini(env, started)
    assert.is_false(core.timer_is_running(started))
    core.timer_fini(env, started)
    assert.equal("other", run_at(2000))
  end)

  it("may stop, finish and restart others from its callback", function()
    local b, c, d = timer("b"), timer("c"), timer("d")
    core.timer_start(env, timer("a", function()
      core.timer_fini(env, b)
      core.timer_stop(env, c)
      core.timer_start(env, d, 5)
    end), 10)
    core.timer_start(env, b, 10)
    core.timer_start(env, c, 11)
    core.timer_start(env, d, 12)
    assert.equal("a", run_at(1012))
    assert.equal("d", run_at(1017))
  end)

  it("may restart itself without keeping the turn from ending", function()
    core.timer_start(env, timer("t", function(t) core.timer_start(env, t, 0) end), 0)
    assert.equal("t", run_at(1001))
    assert.equal("t", run_at(1002))
  end)

  it("takes any delay", function()
    local far, past = timer("far"), timer("past")
    core.timer_start(env, far, 0x7fffffffffffffffLL)
    core.timer_start(env, past, -5)
    assert.is_true(core.timer_is_running(far))
    assert.equal("past", run_at(1001))
  end)

  it("wakes early rather than late for what moved later", function()
    local t = timer("t")
    core.timer_start(env, t, 10)
    core.timer_start(env, t, 100)
    assert.equal(1010LL, core.env_next_wakeup(env))
    assert.equal(1100LL, core.env_next_deadline(env))
    assert.equal(1100LL, core.env_next_wakeup(env))
  end)

  it("keeps its order through thousands of random moves", function()
    local random, due, all = math.random, {}, {}
    math.randomseed(7)
    for i = 1, 300 do all[i] = timer(tostring(i), function() due[i] = nil end) end
    for _ = 1, 5000 do
      local i, act = random(300), random(10)
      if act <= 6 then
        local delay = random(1000)
        core.timer_start(env, all[i], delay)
        due[i] = tonumber(env.now) + delay
      elseif act == 7 then
        core.timer_stop(env, all[i])
        due[i] = nil
      elseif act == 8 then
        core.timer_fini(env, all[i])
        due[i] = nil
      else
        local expected = {}
        local now = tonumber(env.now) + random(20)
        for j, at in pairs(due) do
          if at <= now then expected[#expected + 1] = tostring(j) end
        end
        table.sort(expected)
        env.now = now
        core.env_run_timers(env)
        table.sort(fired)
        assert.same(expected, fired)
        fired = {}
      end
    end
  end)
end)
