--- Names against a name server of a few lines that lives in the same loop.
local ffi = require("ffi")
local net = require("spec.support.net")
local core, second, ms = net.core, net.second, net.millisecond

jit.off(true, true)

ffi.cdef([[
int socket(int domain, int type, int protocol);
int bind(int fd, const void *addr, unsigned len);
long recvfrom(int fd, void *buf, size_t len, int flags, void *from, unsigned *from_len);
long sendto(int fd, const void *buf, size_t len, int flags, const void *to, unsigned to_len);
int close(int fd);
]])

local AF_INET, SOCK_DGRAM = 2, 2
local A, AAAA, SRV = 1, 28, 33

local function u16(n) return string.char(math.floor(n / 256), n % 256) end

local function wire_name(name)
  return (name:gsub("([^.]+)%.?", function(label) return string.char(#label) .. label end)) .. "\0"
end

local function wire_ip(ip)
  local bytes = ffi.new("unsigned char[16]")
  core.addr_to_bytes(net.addr(ip), bytes)
  return ip:find(":") and ffi.string(bytes, 16) or ffi.string(bytes + 12, 4)
end

describe("dns", function()
  local env, fd, zone, asked, silent

  local function answer_to(query)
    local labels, at = {}, 13
    while query:byte(at) ~= 0 do
      labels[#labels + 1] = query:sub(at + 1, at + query:byte(at))
      at = at + query:byte(at) + 1
    end
    local name, kind = table.concat(labels, "."):lower(), query:byte(at + 2)
    asked[#asked + 1] = name .. " " .. kind
    if silent then return nil end
    local entry, answers = zone[name], {}
    for _, data in ipairs(entry and entry[kind] or {}) do
      answers[#answers + 1] = "\xc0\x0c" .. u16(kind) .. u16(1) .. u16(0) .. u16(entry.ttl or 60)
        .. u16(#data) .. data
    end
    local code = entry and (entry.code or 0) or 3
    return query:sub(1, 2) .. "\x81" .. string.char(0x80 + code) .. u16(1) .. u16(#answers) .. ("\0"):rep(4)
      .. query:sub(13, at + 4) .. table.concat(answers)
  end

  local function serve()
    local buf, from, len = ffi.new("char[2048]"), ffi.new("char[128]"), ffi.new("unsigned[1]", 128)
    local got = tonumber(ffi.C.recvfrom(fd, buf, 2048, 0, from, len))
    local answer = answer_to(ffi.string(buf, got))
    if answer then ffi.C.sendto(fd, answer, #answer, 0, from, len[0]) end
  end

  local function start(options)
    fd = ffi.C.socket(AF_INET, SOCK_DGRAM, 0)
    local here = net.addr("127.0.0.1", 0)
    assert.equal(0, ffi.C.bind(fd, here, here.len))
    local servers = "127.0.0.1:" .. core.listener_port(fd)
    options.dns_servers = servers
    options.dns_timeout = options.dns_timeout or 5 * second
    options.dns_cache_max = options.dns_cache_max or 30 * second
    env = core.loop_new(ffi.new("struct loop_options", options), nil)
    core.loop_watch_fd(env, fd, net.callback("void (*)(void *, int)", serve), nil)
    asked, silent = {}, false
    zone = {
      ["api.test"] = { [A] = { wire_ip("127.0.0.5"), wire_ip("127.0.0.6") }, [AAAA] = { wire_ip("::1") } },
      ["four.test"] = { [A] = { wire_ip("127.0.0.5") } },
      ["short.test"] = { [A] = { wire_ip("127.0.0.5") }, ttl = 0 },
      ["broken.test"] = { code = 2 },
      ["_http._tcp.api.test"] = { [SRV] = {
        u16(1) .. u16(10) .. u16(8080) .. wire_name("a.test"),
        u16(2) .. u16(20) .. u16(8081) .. wire_name("b.test"),
      } },
    }
  end

  before_each(function() start({}) end)

  after_each(function()
    core.loop_free(env)
    ffi.C.close(fd)
    net.finish()
  end)

  local function run(done)
    local late, is_late = ffi.new("struct timer"), false
    core.timer_init(late, net.callback("void (*)(struct timer *)", function()
      is_late = true
      core.loop_stop(env)
    end))
    core.timer_start(env, late, 10 * second)
    core.loop_run(env, net.callback("void (*)(void *)", function()
      if done() then core.loop_stop(env) end
    end), nil)
    core.timer_fini(env, late)
    assert.is_false(is_late, "nothing happened in time")
  end

  local function resolve(host)
    local list, err
    local r = net.resolve(env, host, function(...) list, err = ... end)
    assert.is_nil(list)
    run(function() return list end)
    assert.truthy(r)
    return list, err
  end

  local function sorted(list)
    table.sort(list)
    return list
  end

  it("asks for both kinds of addresses", function()
    assert.same({ "127.0.0.5:0", "127.0.0.6:0", "[::1]:0" }, sorted((resolve("api.test"))))
    assert.same({ "api.test 1", "api.test 28" }, sorted(asked))
  end)

  it("is content with one kind", function()
    assert.same({ "127.0.0.5:0" }, (resolve("four.test")))
  end)

  it("answers literals and localhost without asking", function()
    assert.same({ "1.2.3.4:0" }, (resolve("1.2.3.4")))
    assert.same({ "[2001:db8::1]:0" }, (resolve("2001:db8::1")))
    assert.same({ "[::1]:0", "127.0.0.1:0" }, (resolve("localhost")))
    assert.same({ "[::1]:0", "127.0.0.1:0" }, (resolve("api.LOCALHOST")))
    assert.same({}, asked)
  end)

  it("knows that impossible names do not exist, without asking", function()
    for _, name in ipairs({ "", "a\0b", ("a"):rep(300) }) do
      local list, err = resolve(name)
      assert.same({ {}, "no such host" }, { list, err })
    end
    assert.same({}, asked)
  end)

  it("keeps answers, whatever the case of the name", function()
    resolve("four.test")
    local count = #asked
    assert.same({ "127.0.0.5:0" }, (resolve("FOUR.test")))
    assert.equal(count, #asked)
  end)

  it("keeps no answer whose time to live is 0", function()
    resolve("short.test")
    local count = #asked
    resolve("short.test")
    assert.equal(2 * count, #asked)
  end)

  it("keeps answers no longer than the option says", function()
    core.loop_free(env)
    ffi.C.close(fd)
    start({ dns_cache_max = 0 })
    resolve("four.test")
    local count = #asked
    resolve("four.test")
    assert.equal(2 * count, #asked)
  end)

  it("keeps failures for a while", function()
    local list, err = resolve("none.test")
    assert.same({ {}, "no such host" }, { list, err })
    local count = #asked
    assert.same({ {}, "no such host" }, { resolve("none.test") })
    assert.equal(count, #asked)
  end)

  it("tells failures of the server from missing names", function()
    assert.same({ {}, "server misbehaving" }, { resolve("broken.test") })
  end)

  it("asks once for all who want the same name, and forgets who gave up", function()
    local answers, given_up = 0, false
    local first = net.resolve(env, "api.test", function() answers = answers + 1 end)
    local second_one = net.resolve(env, "API.test", function() answers = answers + 1 end)
    local third = net.resolve(env, "api.test", function() given_up = true end)
    core.env_resolve_cancel(third)
    run(function() return answers == 2 end)
    assert.equal(2, #asked)
    assert.is_false(given_up)
    assert.truthy(first and second_one)
  end)

  it("lets a callback ask for more", function()
    local second_list
    local inner
    local outer = net.resolve(env, "short.test", function()
      inner = net.resolve(env, "short.test", function(list) second_list = list end)
    end)
    run(function() return second_list end)
    assert.same({ "127.0.0.5:0" }, second_list)
    assert.truthy(outer and inner)
  end)

  it("keeps many names, and the last ones", function()
    local done, all = 0, {}
    for i = 1, 300 do
      zone[("n%d.test"):format(i)] = { [A] = { wire_ip("127.0.0.1") } }
    end
    for i = 1, 300 do
      all[i] = net.resolve(env, ("n%d.test"):format(i), function() done = done + 1 end)
      if i % 20 == 0 then run(function() return done == i end) end
    end
    local count = #asked
    resolve("n300.test")
    assert.equal(count, #asked)
    resolve("n1.test")
    assert.equal(count + 2, #asked)
    assert.equal(300, #all)
  end)

  it("gives up on a silent server", function()
    core.loop_free(env)
    ffi.C.close(fd)
    start({ dns_timeout = 10 * ms })
    silent = true
    local list, err = resolve("four.test")
    assert.same({ {}, "timeout" }, { list, err })
  end)

  it("may be freed while it asks", function()
    silent = true
    local called = false
    local r = net.resolve(env, "four.test", function() called = true end)
    local s = net.resolve_srv(env, "_http._tcp.api.test", function() called = true end)
    run(function() return #asked > 0 end)
    core.loop_free(env)
    env = nil
    core.env_resolve_cancel(r)
    core.env_resolve_srv_cancel(s)
    assert.is_false(called)
  end)

  describe("services", function()
    local function resolve_srv(name)
      local list, err
      local r = net.resolve_srv(env, name, function(...) list, err = ... end)
      assert.is_nil(list)
      run(function() return list end)
      assert.truthy(r)
      return list, err
    end

    it("come with port, priority and weight", function()
      assert.same({ "a.test:8080 1 10", "b.test:8081 2 20" }, sorted((resolve_srv("_http._tcp.api.test"))))
    end)

    it("are asked for each time", function()
      resolve_srv("_http._tcp.api.test")
      resolve_srv("_http._tcp.api.test")
      assert.equal(2, #asked)
    end)

    it("may be missing", function()
      assert.same({ {}, "no such host" }, { resolve_srv("_x._tcp.test") })
      assert.same({ {}, "no such host" }, { resolve_srv("four.test") })
      assert.same({ {}, "no such host" }, { resolve_srv("") })
    end)

    it("are not told to who gave up", function()
      local called = false
      core.env_resolve_srv_cancel(net.resolve_srv(env, "_http._tcp.api.test", function() called = true end))
      resolve_srv("_http._tcp.api.test")
      assert.is_false(called)
    end)
  end)
end)
