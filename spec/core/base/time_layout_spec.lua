local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/time_layout.h")

ffi.cdef([[
int setenv(const char *name, const char *value, int replace);
int unsetenv(const char *name);
void tzset(void);
]])

describe("a time layout", function()
  local before = os.getenv("TZ")

  local function zone(name)
    if name then ffi.C.setenv("TZ", name, 1) else ffi.C.unsetenv("TZ") end
    ffi.C.tzset()
  end

  setup(function() zone("XYZ-05:30") end) -- east of Greenwich
  teardown(function() zone(before) end)

  local function format(layout, cap)
    local buf = ffi.new("char[128]")
    local wall = 1136189045LL * 1000000000 + 120030000 -- 2006-01-02T08:04:05.12003Z, a Monday
    local len = core.time_layout_format(buf, cap or 128, ffi.new("struct str", { layout, #layout }), wall)
    assert.equal(tonumber(len), #ffi.string(buf))
    return ffi.string(buf, len)
  end

  local cases = {
    ["2006-01-02T15:04:05.000Z07:00"] = "2006-01-02T13:34:05.120+05:30",
    ["2006/01/02 - 15:04:05"] = "2006/01/02 - 13:34:05",
    ["Mon Monday Jan January"] = "Mon Monday Jan January",
    ["Janet"] = "Janet",
    ["3:04PM 03 pm"] = "1:34PM 01 pm",
    ["1/2/06 002 _2"] = "1/2/06 002  2",
    [".000000 .999999 ,99 .9"] = ".120030 .12003 ,12 .1",
    ["-07 -0700 -07:00 -07:00:00 Z0700 MST"] = "+05 +0530 +05:30 +05:30:00 +0530 XYZ",
    ["T.01"] = "T.01",
    [""] = "",
  }
  for layout, text in pairs(cases) do
    it(("%q writes %q"):format(layout, text), function() assert.equal(text, format(layout)) end)
  end

  it("writes Z for Greenwich", function()
    zone("UTC")
    assert.equal("08:04:05Z", format("15:04:05Z07:00"))
    zone("XYZ-05:30")
  end)

  it("is cut to what fits", function() assert.equal("2006-", format("2006-01-02", 6)) end)
end)
