--- Questions to a small name server in the same loop.
local net = require("spec.support.net")
local name_server = require("spec.support.name_server")
local core, ms = net.core, net.millisecond
local SRV = name_server.SRV

jit.off(true, true)

local service = "_http._tcp.api.test"

local function zone()
  local hosts = name_server.zone()
  hosts["broken.test"] = { code = 2 }
  hosts[service] = { [SRV] = {
    name_server.service("a.test", 8080, 1, 10),
    name_server.service("b.test", 8081, 2, 20),
  } }
  return hosts
end

local function sorted(list)
  table.sort(list)
  return list
end

describe("dns", function()
  local server

  before_each(function() server = name_server.start(zone()) end)

  after_each(function()
    server:stop()
    net.finish()
  end)

  local function restart(options)
    server:stop()
    server = name_server.start(zone(), options)
  end

  it("asks for both kinds of addresses", function()
    assert.same({ "127.0.0.5:0", "127.0.0.6:0", "[::1]:0" }, sorted((server:resolve("api.test"))))
    assert.same({ "api.test 1", "api.test 28" }, sorted(server.asked))
  end)

  it("is content with one kind", function()
    assert.same({ "127.0.0.5:0" }, (server:resolve("four.test")))
  end)

  it("tells failures of the server from missing names", function()
    assert.same({ {}, "server misbehaving" }, { server:resolve("broken.test") })
  end)

  it("gives up on a silent server", function()
    restart({ dns_timeout = 10 * ms })
    server.silent = true
    local list, err = server:resolve("four.test")
    assert.same({ {}, "timeout" }, { list, err })
  end)

  it("may be freed while it asks", function()
    server.silent = true
    local called = false
    local r = net.resolve(server.env, "four.test", function() called = true end)
    local s = net.resolve_srv(server.env, service, function() called = true end)
    server:run(function() return #server.asked > 0 end)
    core.loop_free(server.env)
    server.env = nil
    core.env_resolve_cancel(r)
    core.env_resolve_srv_cancel(s)
    assert.is_false(called)
  end)

  describe("services", function()
    it("come with port, priority and weight", function()
      local list = server:resolve_srv(service)
      assert.same({ "a.test:8080 1 10", "b.test:8081 2 20" }, sorted(list))
    end)

    it("are asked for each time", function()
      server:resolve_srv(service)
      server:resolve_srv(service)
      assert.equal(2, #server.asked)
    end)

    it("may be missing", function()
      assert.same({ {}, "no such host" }, { server:resolve_srv("_x._tcp.test") })
      assert.same({ {}, "no such host" }, { server:resolve_srv("four.test") })
      assert.same({ {}, "no such host" }, { server:resolve_srv("") })
    end)

    it("are not told to who gave up", function()
      local called = false
      core.env_resolve_srv_cancel(net.resolve_srv(server.env, service, function() called = true end))
      server:resolve_srv(service)
      assert.is_false(called)
    end)
  end)
end)
