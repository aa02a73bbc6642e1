local json = require("kit.json")
local kit = require("kit")

describe("circuit_breaker", function()
  local upstream, gateway

  local function start(settings, more)
    upstream = kit.upstream()
    local backend = { host = upstream.url, url_pattern = "/", extra_config = { ["qos/circuit-breaker"] = settings } }
    for key, value in pairs(more or {}) do backend[key] = value end
    gateway = kit.gateway({
      extra_config = { router = { return_error_msg = true } },
      endpoints = { { endpoint = "/x", timeout = "3s", backend = { backend } } },
    })
    return gateway
  end

  --- Plays "f" (the backend fails), "s" (it succeeds), "." (it is not to be asked): what is wrong, or nil.
  local function play(steps)
    for i = 1, #steps do
      local step = steps:sub(i, i)
      local asked = #upstream.requests
      upstream.routes = {}
      upstream:on("GET", "/"):reply(step == "f" and 500 or 200, { ok = true })
      local response = gateway:get("/x")
      local was_asked = #upstream.requests > asked
      if was_asked ~= (step ~= ".") then
        return ("step %d (%s): the backend was %sasked: %s"):format(i, step, was_asked and "" or "not ", response.body)
      end
      if (response.status == 200) ~= (step == "s") then return ("step %d (%s): %d"):format(i, step, response.status) end
    end
  end

  it("opens with one failure more than max_errors, all in a row", function()
    start({ max_errors = 1, timeout = 60 })
    assert.is_nil(play("fsfsff..."))
    assert.equal("circuit breaker is open", gateway:get("/x").body)
    start({ max_errors = 0, timeout = 60 })
    assert.is_nil(play("sf.."))
  end)

  it("probes after its timeout: a success closes it, a failure opens it for as long again", function()
    start({ max_errors = 2, timeout = 10, interval = 60 })
    assert.is_nil(play("ffsfff."))
    kit.advance("9s")
    assert.is_nil(play("."))
    kit.advance("1100ms")
    assert.is_nil(play("f."))
    kit.advance("9s")
    assert.is_nil(play("."))
    kit.advance("1100ms")
    assert.is_nil(play("sffsff"))
  end)

  it("stays open for a minute where its timeout is none", function()
    for _, settings in ipairs({ { max_errors = 0, name = "x" }, { max_errors = 0, timeout = -5 } }) do
      start(settings)
      assert.is_nil(play("f"))
      kit.advance("59s")
      assert.is_nil(play("."))
      kit.advance("1100ms")
      assert.is_nil(play("s"))
    end
  end)

  it("counts in whole numbers, rounded toward 0, however large", function()
    start({ max_errors = -0.9, timeout = 60 })
    assert.is_nil(play("f."))
    start({ max_errors = 1.9, timeout = 60 })
    assert.is_nil(play("ff."))
    start(json.decode('{"max_errors": 9007199254740993, "timeout": 60}', { numbers = "text" }))
    assert.is_nil(play("ffff"))
    assert.falsy((gateway:logged("no number")))
  end)

  it("says so when it cannot be built as it is written", function()
    for _, settings in ipairs({ kit.array({}), "1", 1, true }) do
      start(settings)
      assert.is_nil(play("fff"))
      assert.truthy(gateway:logged("WARNING: .*%[CB%] the settings are no object: there is no circuit breaker"))
    end
    start({ max_errors = "3", timeout = 60, interval = kit.null })
    assert.is_nil(play("f."))
    assert.truthy(gateway:logged("WARNING: .*%[CB%] max_errors is no number: it counts as 0"))
    assert.falsy((gateway:logged("interval")))
  end)

  it("lets one call probe, and tells the others", function()
    start({ max_errors = 0, timeout = 1 })
    assert.is_nil(play("f"))
    kit.advance("1100ms")
    upstream.routes = {}
    upstream:on("GET", "/"):reply(200, { ok = true }):after("500ms")
    local first, second = unpack(gateway:parallel({ { method = "GET", path = "/x" }, { method = "GET", path = "/x" } }))
    assert.same({ 200, 500 }, { math.min(first.status, second.status), math.max(first.status, second.status) })
    assert.truthy((first.body .. second.body):find("too many requests", 1, true))
    assert.is_nil(play("ss"))
  end)

  it("lets another call probe when the client of the first went away", function()
    start({ max_errors = 0, timeout = 1 })
    assert.is_nil(play("f"))
    kit.advance("1100ms")
    upstream.routes = {}
    upstream:on("GET", "/"):silence()
    local connection = gateway:connect()
    local asked = #upstream.requests
    connection:request({ method = "GET", path = "/x" })
    kit.wait(function() return #upstream.requests > asked end)
    connection:close()
    kit.advance("200ms")
    assert.is_nil(play("ss"))
  end)

  it("forgets the failures of an earlier window", function()
    start({ max_errors = 1, interval = 1, timeout = 60 })
    assert.is_nil(play("f"))
    kit.advance("1100ms")
    assert.is_nil(play("ff."))
    start({ max_errors = 1, interval = 0, timeout = 60 })
    assert.is_nil(play("f"))
    kit.advance("1h")
    assert.is_nil(play("f."))
  end)

  it("does not hear what began in an earlier window", function()
    start({ max_errors = 0, interval = 1, timeout = 60 })
    upstream:on("GET", "/"):reply(500, {}):after("1500ms")
    gateway:get("/x")
    assert.is_nil(play("s"))
  end)

  it("is open no longer for a call that began before it opened, and fails late", function()
    start({ max_errors = 0, timeout = 2, name = "x", log_status_change = true })
    upstream:on("GET", "/"):reply(500, {}):then_reply(500, {}):after("1500ms")
    gateway:parallel({ { path = "/x" }, { path = "/x" } })
    kit.advance("600ms")
    assert.is_nil(play("s"))
    assert.falsy((gateway:logged("from 'open' to 'open'", true)))
  end)

  it("begins a window with a call that ends after the last one, too", function()
    start({ max_errors = 0, interval = 1, timeout = 60 })
    upstream:on("GET", "/"):reply(200, { ok = true }):after("1300ms"):then_reply(500, {}):after("400ms")
    gateway:get("/x")
    kit.advance("700ms")
    gateway:get("/x") -- ends in the window after that one
    assert.is_nil(play("s"))
  end)

  it("waits for a shadow's probe as long as the shadow may take", function()
    local real = kit.upstream()
    real:on("GET", "/"):reply(200, { ok = true })
    start()
    upstream:on("GET", "/"):reply(500):then_reply(200, {}):after("5s")
    local settings = { max_errors = 0, timeout = 1, log_status_change = true }
    gateway = kit.gateway({ endpoints = { { endpoint = "/x", timeout = "1s", backend = {
      { host = real.url, url_pattern = "/" },
      { host = upstream.url, url_pattern = "/", extra_config = {
        proxy = { shadow = true, shadow_timeout = "9s" }, ["qos/circuit-breaker"] = settings } },
    } } } })
    gateway:get("/x")
    kit.advance("1100ms")
    gateway:get("/x")
    kit.advance("3s")
    gateway:get("/x")
    kit.advance("3s")
    assert.equal(2, #upstream.requests)
    assert.truthy(gateway:logged("went from 'half%-open' to 'closed'"))
  end)

  it("hears timeouts, limits and broken answers as failures", function()
    start({ max_errors = 0, timeout = 60 })
    upstream:on("GET", "/"):silence()
    assert.equal(500, gateway:get("/x").status)
    assert.is_nil(play("."))
    start({ max_errors = 0, timeout = 60 })
    upstream:on("GET", "/"):reply(200, "no json")
    assert.equal(500, gateway:get("/x").status)
    assert.is_nil(play("."))
    start(nil, { extra_config = {
      ["qos/circuit-breaker"] = { max_errors = 0, timeout = 60 },
      ["qos/ratelimit/proxy"] = { max_rate = 1, every = "1h" },
    } })
    assert.is_nil(play("s"))
    assert.equal("rate limit exceded", gateway:get("/x").body)
    assert.equal("circuit breaker is open", gateway:get("/x").body)
  end)

  it("does not exist where nothing is set, and never opens with a negative max_errors", function()
    for _, settings in ipairs({ { interval = 0, timeout = 0, max_errors = 0 }, { timeout = "60" }, { name = "" },
      { log_status_change = false }, kit.array({}), { max_errors = -1, timeout = 60 } }) do
      start(settings)
      assert.is_nil(play("ffff"))
    end
    for _, settings in ipairs({ { name = "x" }, { log_status_change = true }, { interval = -5 }, { timeout = 5 } }) do
      start(settings)
      assert.is_nil(play("f."))
    end
  end)

  it("logs its changes where it is told to", function()
    start({ max_errors = 0, timeout = 1, name = "users", log_status_change = true })
    assert.is_nil(play("f"))
    assert.truthy(gateway:logged("DEBUG: [BACKEND: /][CB] Creating the circuit breaker named 'users'", true))
    assert.truthy(gateway:logged("WARNING: .*%[CB%] Circuit breaker named 'users' went from 'closed' to 'open'"))
    kit.advance("1100ms")
    assert.is_nil(play("s"))
    assert.truthy(gateway:logged("went from 'open' to 'half%-open'"))
    assert.truthy(gateway:logged("went from 'half%-open' to 'closed'"))
  end)

  describe("with a store that others write to", function()
    local breaker = require("plugins.circuit_breaker")
    local now, record

    local function worker()
      local store = {
        read = function() return record.version, unpack(record, 1, 4) end,
        write = function(_, _, version, ...)
          if version ~= record.version then return false end
          record = { version = version + 1, ... }
          return true
        end,
      }
      return breaker.new({ max_errors = 0, timeout = 10 }, {
        now = function() return now end, store = store, place = { timeout = 2 },
        log = { debug = function() end },
        json = { type = function() return "object" end },
      })
    end

    local function call(failure, cancelled)
      return {
        fail = function(_, text) return text end,
        failure = function() return failure, cancelled end,
      }
    end

    before_each(function()
      now, record = 100, { version = 0, 0, 0, 0, 0 }
    end)

    it("opens for all workers", function()
      local one, two = worker(), worker()
      local failing = call("no")
      assert.is_nil(one:call(failing))
      one:reply(failing)
      assert.equal("circuit breaker is open", two:call(call()))
    end)

    it("writes nothing while it is closed and calls succeed", function()
      local one = worker()
      for _ = 1, 3 do
        local fine = call()
        one:call(fine)
        one:reply(fine)
      end
      assert.equal(0, record.version)
    end)

    it("lets another worker probe when the one that did so is gone", function()
      local one, two = worker(), worker()
      local failing = call("no")
      one:call(failing)
      one:reply(failing)
      now = 110
      assert.equal("circuit breaker is open", two:call(call())) -- its time is not over yet
      now = 111
      local lost = call()
      assert.is_nil(one:call(lost))
      assert.equal("too many requests", two:call(call()))
      now = 115
      local probe = call()
      assert.is_nil(two:call(probe))
      one:reply(lost) -- late: of an earlier generation
      assert.equal("too many requests", two:call(call()))
      two:reply(probe)
      assert.is_nil(one:call(call()))
    end)
  end)
end)
