local ffi = require("ffi")
local net = require("spec.support.net")
local core = net.core

local function parse(text, port)
  local addr = ffi.new("struct addr")
  return core.addr_parse(addr, net.str(text), port or 80) and addr
end

local function format_ip(addr)
  local buf = ffi.new("char[64]")
  return ffi.string(buf, core.addr_format_ip(addr, buf))
end

describe("addr", function()
  local literals = {
    { "1.2.3.4", "1.2.3.4", "1.2.3.4:80" },
    { "255.255.255.255", "255.255.255.255", "255.255.255.255:80" },
    { "::1", "::1", "[::1]:80" },
    { "::", "::", "[::]:80" },
    { "2001:DB8::0:1", "2001:db8::1", "[2001:db8::1]:80" },
    { "::ffff:1.2.3.4", "1.2.3.4", "1.2.3.4:80" },
    { "::ffff:102:304", "1.2.3.4", "1.2.3.4:80" },
    { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:80" },
    { "64:ff9b::1.2.3.4", "64:ff9b::102:304", "[64:ff9b::102:304]:80" },
  }
  for _, case in ipairs(literals) do
    it("reads and writes " .. case[1], function()
      local addr = parse(case[1])
      assert.equal(case[2], format_ip(addr))
      assert.equal(case[3], net.format(addr))
      assert.is_true(core.addr_is_ip(net.str(case[1])))
    end)
  end

  local others = {
    "", " ", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "0x1.2.3.4",
    "1.2.3.4:80", "[::1]", "::1%eth0", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::",
    "g::", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\0", "1.2.3.-4", "::1.2.3", "::1.2.3.256",
    ("1"):rep(100),
  }
  for _, text in ipairs(others) do
    it(("does not take %q for an address"):format(text), function()
      assert.is_false(parse(text))
      assert.is_false(core.addr_is_ip(net.str(text)))
    end)
  end

  it("has a port that may be changed", function()
    local addr = parse("::1", 65535)
    assert.equal(65535, core.addr_port(addr))
    core.addr_set_port(addr, 8080)
    assert.equal("[::1]:8080", net.format(addr))
  end)

  it("of all interfaces is dual-stack", function()
    local addr = ffi.new("struct addr")
    core.addr_any(addr, 8080)
    assert.equal("[::]:8080", net.format(addr))
  end)

  it("without a family has no text and no port", function()
    local addr = ffi.new("struct addr")
    core.addr_set_port(addr, 80)
    assert.equal("", format_ip(addr))
    assert.equal(0, core.addr_port(addr))
    assert.is_false(core.addr_equal(addr, addr))
  end)

  it("equals its IPv4-mapped twin", function()
    assert.is_true(core.addr_equal(parse("1.2.3.4"), parse("::ffff:1.2.3.4")))
    assert.is_false(core.addr_equal(parse("1.2.3.4"), parse("1.2.3.5")))
    assert.is_false(core.addr_equal(parse("1.2.3.4", 80), parse("1.2.3.4", 81)))
  end)
end)

describe("addr_ip", function()
  it("is a literal and nothing else", function()
    for text, is_one in pairs({ ["1.2.3.4"] = true, ["::1"] = true, ["::ffff:1.2.3.4"] = true, [""] = false,
      x = false, ["1.2.3.4:80"] = false, ["1.2.3"] = false, ["::1%lo"] = false }) do
      assert.equal(is_one, core.addr_ip_parse(ffi.new("struct addr_ip"), net.str(text)), text)
      assert.equal(is_one, core.addr_is_ip(net.str(text)), text)
    end
  end)
end)

describe("addr_block", function()
  local function block(text)
    local b = ffi.new("struct addr_block")
    return core.addr_block_parse(b, net.str(text)) and b
  end

  local cases = {
    { "10.0.0.0/8", { "10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3" }, { "11.0.0.0", "::a00:1" } },
    { "10.1.2.3/8", { "10.0.0.0" }, { "11.0.0.0" } },
    { "192.168.4.0/22", { "192.168.4.0", "192.168.7.255" }, { "192.168.8.0", "192.168.3.255" } },
    { "127.0.0.1", { "127.0.0.1", "::ffff:7f00:1" }, { "127.0.0.2", "::1" } },
    { "1.2.3.4/32", { "1.2.3.4" }, { "1.2.3.5" } },
    { "0.0.0.0/0", { "1.2.3.4", "255.255.255.255", "::ffff:1.2.3.4" }, { "::1", "::" } },
    { "::1", { "::1", "0:0::1" }, { "::2", "1.2.3.4" } },
    { "fe80::/10", { "fe80::1", "febf::1" }, { "fec0::1", "fe00::" } },
    { "2001:db8::/33", { "2001:db8:7fff::1" }, { "2001:db8:8000::1" } },
    { "::/0", { "::1", "2001:db8::1" }, { "1.2.3.4", "::ffff:1.2.3.4" } },
    { "::ffff:10.0.0.0/104", { "10.9.9.9" }, { "11.0.0.0" } },
    { "10.0.0.0/008", { "10.9.9.9" }, { "11.0.0.0" } },
  }
  for _, case in ipairs(cases) do
    it("knows what is in " .. case[1], function()
      local b = block(case[1])
      local function has(text)
        local ip = ffi.new("struct addr_ip")
        assert(core.addr_ip_parse(ip, net.str(text)), text)
        return core.addr_block_has(b, ip)
      end
      for _, ip in ipairs(case[2]) do assert.is_true(has(ip), ip) end
      for _, ip in ipairs(case[3]) do assert.is_false(has(ip), ip) end
    end)
  end

  local others = {
    "", "/", "/8", "x", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
    "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0/8", "10.0.0.0/x", "10.0.0.0/99999999999999999999", "*", "localhost",
  }
  for _, text in ipairs(others) do
    it(("is not %q"):format(text), function() assert.is_false(block(text)) end)
  end
end)
