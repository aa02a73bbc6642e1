local fetching = require("spec.support.fetching")
local ok = fetching.ok

describe("dial", function()
  local world

  local function start(options)
    if world then world:close() end
    world = fetching.world(options)
  end

  before_each(function() start() end)

  after_each(function()
    world:close()
    world = nil
  end)

  local function listen(...)
    for _, ip in ipairs({ ... }) do world:origin(ip, 80):answer(ok(ip)) end
  end

  --- Who answered, and after how many seconds.
  local function get(url)
    local from = world:now()
    local fetch = world:finish(world:get(url))
    return fetch.text or fetch.body, world:now() - from, fetch
  end

  it("resolves a name", function()
    listen("10.0.0.1")
    world:name("a.test", { "10.0.0.1" }, 0.5)
    local who, took = get("http://a.test/")
    assert.equal("10.0.0.1", who)
    assert.near(0.5, took, 0.05)
  end)

  it("takes IPv6 literals", function()
    listen("2001:db8::1")
    assert.equal("2001:db8::1", (get("http://[2001:db8::1]/")))
  end)

  it("tells an unknown name", function()
    local text, _, fetch = get("http://nohost.test/p")
    assert.equal('Get "http://nohost.test/p": dial tcp: lookup nohost.test: no such host', text)
    assert.equal("resolve", fetch.failure)
  end)

  it("tells a refused connection", function()
    local text, _, fetch = get("http://10.0.0.9:81/")
    assert.equal('Get "http://10.0.0.9:81/": dial tcp 10.0.0.9:81: connect: connection refused', text)
    assert.equal("connect", fetch.failure)
    assert.equal('Get "http://[2001:db8::9]/": dial tcp [2001:db8::9]:80: connect: connection refused',
      (get("http://[2001:db8::9]/")))
  end)

  it("tries one address after the other", function()
    listen("10.0.0.3")
    world:name("a.test", { "10.0.0.1", "10.0.0.2", "10.0.0.3" })
    assert.equal("10.0.0.3", (get("http://a.test/")))
  end)

  it("tells the first of several failures", function()
    world:name("a.test", { "10.0.0.1", "10.0.0.2" })
    local text = get("http://a.test/")
    assert.equal('Get "http://a.test/": dial tcp 10.0.0.1:80: connect: connection refused', text)
  end)

  it("begins with the family of the first address", function()
    listen("2001:db8::1", "10.0.0.1")
    world:name("six.test", { "2001:db8::1", "10.0.0.1" })
    world:name("four.test", { "10.0.0.1", "2001:db8::1" })
    assert.equal("2001:db8::1", (get("http://six.test/")))
    assert.equal("10.0.0.1", (get("http://four.test/")))
  end)

  it("lets the other family join after 300 ms", function()
    listen("2001:db8::1", "10.0.0.1")
    world:fault("2001:db8::1", 80, { hang = true })
    world:name("a.test", { "2001:db8::1", "10.0.0.1" })
    local who, took = get("http://a.test/")
    assert.equal("10.0.0.1", who)
    assert.near(0.3, took, 0.05)
  end)

  it("lets the other family join after the delay that was set", function()
    start({ dialer_fallback_delay = 2 })
    listen("2001:db8::1", "10.0.0.1")
    world:fault("2001:db8::1", 80, { hang = true })
    world:name("a.test", { "2001:db8::1", "10.0.0.1" })
    local who, took = get("http://a.test/")
    assert.equal("10.0.0.1", who)
    assert.near(2, took, 0.05)
  end)

  it("keeps the first family in the race", function()
    listen("2001:db8::1", "10.0.0.1")
    world:fault("2001:db8::1", 80, { connect_delay = 500000000LL })
    world:fault("10.0.0.1", 80, { connect_delay = 500000000LL })
    world:name("a.test", { "2001:db8::1", "10.0.0.1" })
    local who, took = get("http://a.test/")
    assert.equal("2001:db8::1", who)
    assert.near(0.5, took, 0.05)
  end)

  it("does not wait for the delay when the first family has failed", function()
    listen("10.0.0.1")
    world:name("a.test", { "2001:db8::1", "2001:db8::2", "10.0.0.1" })
    local who, took = get("http://a.test/")
    assert.equal("10.0.0.1", who)
    assert.is_true(took < 0.1)
  end)

  it("lets the other family join once, however it began", function()
    listen("10.0.0.1")
    world:fault("10.0.0.1", 80, { connect_delay = 500000000LL })
    world:name("a.test", { "2001:db8::1", "10.0.0.1" })
    local who, took = get("http://a.test/")
    assert.equal("10.0.0.1", who)
    assert.near(0.5, took, 0.05)
  end)

  it("runs no race with a negative delay", function()
    start({ dialer_fallback_delay = -1, dialer_timeout = 10 })
    listen("10.0.0.1")
    world:origin("2001:db8::1", 80)
    world:fault("2001:db8::1", 80, { hang = true })
    world:name("a.test", { "2001:db8::1", "10.0.0.1" })
    local who, took = get("http://a.test/")
    assert.equal("10.0.0.1", who)
    assert.near(5, took, 0.1) -- half of the time
  end)

  it("shares its time among the addresses, two seconds each at least", function()
    start({ dialer_timeout = 5 })
    listen("10.0.0.3")
    for _, ip in ipairs({ "10.0.0.1", "10.0.0.2" }) do
      world:origin(ip, 80)
      world:fault(ip, 80, { hang = true })
    end
    world:name("a.test", { "10.0.0.1", "10.0.0.2", "10.0.0.3" })
    local who, took = get("http://a.test/")
    assert.equal("10.0.0.3", who)
    assert.near(4, took, 0.1)
  end)

  it("gives up after its time", function()
    start({ dialer_timeout = 3 })
    world:origin("10.0.0.1", 80)
    world:fault("10.0.0.1", 80, { hang = true })
    local text, took, fetch = get("http://10.0.0.1/")
    assert.equal('Get "http://10.0.0.1/": dial tcp 10.0.0.1:80: i/o timeout', text)
    assert.equal("connect", fetch.failure)
    assert.near(3, took, 0.01)
  end)

  it("gives up after its time where one family has failed, or neither answers", function()
    start({ dialer_timeout = 3 })
    world:origin("10.0.0.1", 80)
    world:fault("10.0.0.1", 80, { hang = true })
    world:name("a.test", { "2001:db8::1", "10.0.0.1" })
    local text, took = get("http://a.test/")
    assert.equal('Get "http://a.test/": dial tcp [2001:db8::1]:80: connect: connection refused', text)
    assert.near(3, took, 0.01)
    world:origin("2001:db8::1", 80)
    world:fault("2001:db8::1", 80, { hang = true })
    text, took = get("http://a.test/")
    assert.equal('Get "http://a.test/": dial tcp [2001:db8::1]:80: i/o timeout', text)
    assert.near(3, took, 0.01)
  end)

  it("gives up at once with a negative time", function()
    start({ dialer_timeout = -1 })
    listen("10.0.0.1")
    world:name("a.test", { "10.0.0.1" })
    local text, took = get("http://10.0.0.1/")
    assert.equal('Get "http://10.0.0.1/": dial tcp 10.0.0.1:80: i/o timeout', text)
    assert.equal(0, took)
    assert.equal('Get "http://a.test/": dial tcp: lookup a.test: i/o timeout', (get("http://a.test/")))
  end)

  it("counts the resolving into its time", function()
    start({ dialer_timeout = 3 })
    world:name("a.test", { "10.0.0.1" }, 60)
    local text, took = get("http://a.test/")
    assert.equal('Get "http://a.test/": dial tcp: lookup a.test: i/o timeout', text)
    assert.near(3, took, 0.01)
  end)

  it("has no limit of its own", function()
    listen("10.0.0.1")
    world:fault("10.0.0.1", 80, { connect_delay = 100000000000LL })
    local who, took = get("http://10.0.0.1/")
    assert.equal("10.0.0.1", who)
    assert.near(100, took, 0.1)
  end)

  it("can be cancelled while it resolves, while it connects, while it races", function()
    listen("2001:db8::1", "10.0.0.1")
    world:fault("2001:db8::1", 80, { hang = true })
    world:fault("10.0.0.1", 80, { connect_delay = 1000000000LL })
    world:name("a.test", { "2001:db8::1", "10.0.0.1" }, 1)
    for tenths = 0, 22 do
      local fetch = world:get("http://a.test/")
      world:advance(tenths / 10)
      fetch:cancel()
      fetch:free()
      world:advance(5)
    end
    assert.equal(0, world:idle())
  end)
end)
