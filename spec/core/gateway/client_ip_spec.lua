local ffi = require("ffi")
local core = require("spec.support.cdef").load("gateway/client_ip.h", "gateway/router.h")
local new_arena = require("spec.support.arena")

local str = require("spec.support.span").str

describe("client_ip", function()
  local arena, keep

  before_each(function()
    arena = new_arena()
    keep = {}
  end)

  local function hold(value)
    keep[#keep + 1] = value
    return value
  end

  local function list(items)
    local array = hold(ffi.new("struct str[?]", math.max(1, #items)))
    for i, item in ipairs(items) do array[i - 1] = str(hold(item)) end
    return ffi.new("struct str_list", array, #items)
  end

  --- settings: headers, trusted, off, app_engine. fields: { { name, value }, ... }
  local function find(fields, settings)
    settings = settings or {}
    local options = hold(ffi.new("struct router_options"))
    options.forwarded_by_client_ip = not settings.off
    options.app_engine = settings.app_engine or false
    options.remote_ip_headers = list(settings.headers or { "X-Forwarded-For", "X-Real-Ip" })
    local trusted = settings.trusted or {}
    local blocks = hold(ffi.new("struct addr_block[?]", math.max(1, #trusted)))
    for i, text in ipairs(trusted) do assert.is_true(core.addr_block_parse(blocks[i - 1], str(text))) end
    options.trusted_proxies, options.trusted_proxy_count = blocks, #trusted
    local section = hold(ffi.new("struct fields"))
    core.fields_init(section, arena)
    for _, field in ipairs(fields) do
      core.field_add(section, str(hold(field[1])), str(hold(field[2])))
    end
    local found = core.client_ip(options, section, str(hold(settings.peer or "127.0.0.1")))
    return found.len > 0 and ffi.string(found.ptr, found.len) or ""
  end

  local function forwarded(value) return { { "X-Forwarded-For", value } } end

  it("is the leftmost address while everybody is trusted", function()
    assert.equal("1.1.1.1", find(forwarded("1.1.1.1, 2.2.2.2")))
    assert.equal("1.1.1.1", find({ { "X-Forwarded-For", "1.1.1.1" }, { "x-forwarded-for", "2.2.2.2" } }))
  end)

  it("is the peer without a field that tells", function()
    assert.equal("127.0.0.1", find({}))
    assert.equal("127.0.0.1", find(forwarded("")))
  end)

  it("keeps the spelling", function()
    assert.equal("2001:DB8::0:1", find(forwarded("2001:DB8::0:1")))
    assert.equal("::ffff:1.2.3.4", find(forwarded("::ffff:1.2.3.4")))
  end)

  it("takes the next field when one holds what is no address", function()
    assert.equal("9.9.9.9", find({ { "X-Forwarded-For", "garbage" }, { "X-Real-IP", "9.9.9.9" } }))
    for _, bad in ipairs({ "1.2.3.4, garbage", "1.2.3.4,", ",,", "1.1.1.1:80", "unknown" }) do
      assert.equal("127.0.0.1", find(forwarded(bad)), bad)
    end
  end)

  it("walks from the right to the first that is no trusted proxy", function()
    local settings = { trusted = { "10.0.0.0/8" }, peer = "10.0.0.1" }
    assert.equal("9.9.9.9", find(forwarded("6.6.6.6, 9.9.9.9, 10.0.0.7"), settings))
    assert.equal("9.9.9.9", find(forwarded("unknown, 9.9.9.9"), settings))
  end)

  it("walks over the lines of a field as if they were one list", function()
    local function lines(...)
      local fields = { { "X-Real-IP", "8.8.8.8" } }
      for i, value in ipairs({ ... }) do
        fields[#fields + 1] = { i % 2 == 0 and "x-forwarded-for" or "X-Forwarded-For", value }
        fields[#fields + 1] = { "X-Other", "7.7.7.7" }
      end
      return find(fields, { trusted = { "10.0.0.0/8" }, peer = "10.0.0.1" })
    end
    assert.equal("9.9.9.9", lines("6.6.6.6, 9.9.9.9", "10.0.0.7", "10.0.0.8, 10.0.0.9"))
    assert.equal("9.9.9.9", lines("unknown", "9.9.9.9 ,10.0.0.3", "10.0.0.7"))
    assert.equal("10.0.0.2", lines("10.0.0.2,10.0.0.3", "10.0.0.4"))
    assert.equal("8.8.8.8", lines("9.9.9.9", "", "10.0.0.4"))
    assert.equal("8.8.8.8", lines("9.9.9.9", "10.0.0.4", ""))
    assert.equal("8.8.8.8", lines("", "10.0.0.4"))
  end)

  it("believes no peer that is not trusted", function()
    assert.equal("127.0.0.1", find(forwarded("1.1.1.1"), { trusted = { "10.0.0.0/8" } }))
  end)

  it("looks at no field when that is off", function()
    assert.equal("127.0.0.1", find(forwarded("1.1.1.1"), { off = true }))
  end)

  it("asks the fields that are configured", function()
    local fields = { { "X-Client", "6.6.6.6" }, { "X-Forwarded-For", "5.5.5.5" } }
    assert.equal("6.6.6.6", find(fields, { headers = { "X-Client" } }))
  end)

  it("takes App Engine's word first", function()
    local fields = { { "X-Appengine-Remote-Addr", "7.7.7.7" }, { "X-Forwarded-For", "5.5.5.5" } }
    assert.equal("7.7.7.7", find(fields, { app_engine = true, off = true }))
    assert.equal("5.5.5.5", find(fields))
  end)
end)
