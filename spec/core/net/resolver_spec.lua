--- What is answered without a question, and what is kept.
local net = require("spec.support.net")
local name_server = require("spec.support.name_server")
local core = net.core
local ip = name_server.ip

jit.off(true, true)

describe("resolver", function()
  local server

  before_each(function() server = name_server.start(name_server.zone()) end)

  after_each(function()
    server:stop()
    net.finish()
  end)

  local function restart(options)
    server:stop()
    server = name_server.start(name_server.zone(), options)
  end

  it("answers literals and localhost without asking", function()
    assert.same({ "1.2.3.4:0" }, (server:resolve("1.2.3.4")))
    assert.same({ "[2001:db8::1]:0" }, (server:resolve("2001:db8::1")))
    assert.same({ "[::1]:0", "127.0.0.1:0" }, (server:resolve("localhost")))
    assert.same({ "[::1]:0", "127.0.0.1:0" }, (server:resolve("api.LOCALHOST")))
    assert.same({}, server.asked)
  end)

  it("knows that impossible names do not exist, without asking", function()
    for _, name in ipairs({ "", "a\0b", ("a"):rep(300) }) do
      local list, err = server:resolve(name)
      assert.same({ {}, "no such host" }, { list, err })
    end
    assert.same({}, server.asked)
  end)

  it("keeps answers, whatever the case of the name", function()
    server:resolve("four.test")
    local count = #server.asked
    assert.same({ "127.0.0.5:0" }, (server:resolve("FOUR.test")))
    assert.equal(count, #server.asked)
  end)

  it("keeps no answer whose time to live is 0", function()
    server:resolve("short.test")
    local count = #server.asked
    server:resolve("short.test")
    assert.equal(2 * count, #server.asked)
  end)

  it("keeps answers no longer than the option says", function()
    restart({ dns_cache_max = 0 })
    server:resolve("four.test")
    local count = #server.asked
    server:resolve("four.test")
    assert.equal(2 * count, #server.asked)
  end)

  it("keeps failures for a while", function()
    local list, err = server:resolve("none.test")
    assert.same({ {}, "no such host" }, { list, err })
    local count = #server.asked
    assert.same({ {}, "no such host" }, { server:resolve("none.test") })
    assert.equal(count, #server.asked)
  end)

  it("asks once for all who want the same name, and forgets who gave up", function()
    local answers, given_up = 0, false
    local first = net.resolve(server.env, "api.test", function() answers = answers + 1 end)
    local second_one = net.resolve(server.env, "API.test", function() answers = answers + 1 end)
    local third = net.resolve(server.env, "api.test", function() given_up = true end)
    core.env_resolve_cancel(third)
    server:run(function() return answers == 2 end)
    assert.equal(2, #server.asked)
    assert.is_false(given_up)
    assert.truthy(first and second_one)
  end)

  it("lets a callback ask for more", function()
    local second_list
    local inner
    local outer = net.resolve(server.env, "short.test", function()
      inner = net.resolve(server.env, "short.test", function(list) second_list = list end)
    end)
    server:run(function() return second_list end)
    assert.same({ "127.0.0.5:0" }, second_list)
    assert.truthy(outer and inner)
  end)

  it("keeps many names, and the last ones", function()
    local done, all = 0, {}
    for i = 1, 300 do
      server.zone[("n%d.test"):format(i)] = { [name_server.A] = { ip("127.0.0.1") } }
    end
    for i = 1, 300 do
      all[i] = net.resolve(server.env, ("n%d.test"):format(i), function() done = done + 1 end)
      if i % 20 == 0 then server:run(function() return done == i end) end
    end
    local count = #server.asked
    server:resolve("n300.test")
    assert.equal(count, #server.asked)
    server:resolve("n1.test")
    assert.equal(count + 2, #server.asked)
    assert.equal(300, #all)
  end)
end)
