local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/clock.h")

local str = require("spec.support.span").str

describe("a duration", function()
  local ns, err = ffi.new("int64_t[1]"), ffi.new("struct error")

  local read = {
    ["0"] = 0, ["-0"] = 0, ["0s"] = 0, ["5s"] = 5e9, ["-5s"] = -5e9, ["+5s"] = 5e9, ["1478s"] = 1478e9,
    ["5.0s"] = 5e9, ["5.6s"] = 5.6e9, ["5.s"] = 5e9, [".5s"] = 5e8, ["1.004s"] = 1.004e9, ["10ns"] = 10,
    ["11us"] = 11e3, ["12µs"] = 12e3, ["12μs"] = 12e3, ["13ms"] = 13e6, ["15m"] = 900e9, ["16h"] = 57600e9,
    ["3h30m"] = 12600e9, ["10.5s4m"] = 250.5e9, ["-2m3.4s"] = -123.4e9, ["1h2m3s4ms5us6ns"] = 3723004005006LL,
    ["39h9m14.425s"] = 140954425e6, ["9007199254740993ns"] = 9007199254740993LL,
    ["9223372036854775807ns"] = 9223372036854775807LL, ["0.3333333333333333333h"] = 1200e9,
    ["9223372036s775ms807us"] = 9223372036775807000LL,
  }
  for text, expected in pairs(read) do
    it(("is read from %q"):format(text), function()
      assert.is_true(core.duration_parse(str(text), ns, err))
      assert.is_true(ns[0] == ffi.cast("int64_t", expected))
    end)
  end

  it("reaches down to the smallest of 64 bits", function()
    assert.is_true(core.duration_parse(str("-9223372036854775808ns"), ns, err))
    assert.is_true(ns[0] == -9223372036854775807LL - 1)
  end)

  local refused = {
    [""] = 'time: invalid duration ""',
    ["3"] = 'time: missing unit in duration "3"',
    ["1s3"] = 'time: missing unit in duration "1s3"',
    ["-"] = 'time: invalid duration "-"',
    ["s"] = 'time: invalid duration "s"',
    ["."] = 'time: invalid duration "."',
    ["-."] = 'time: invalid duration "-."',
    [".s"] = 'time: invalid duration ".s"',
    ["3x"] = 'time: unknown unit "x" in duration "3x"',
    ["1 s"] = 'time: unknown unit " s" in duration "1 s"',
    ["3000000h"] = 'time: invalid duration "3000000h"',
    ["9223372036854775808ns"] = 'time: invalid duration "9223372036854775808ns"',
    ["9223372036854775808ns9223372036854775808ns"] =
      'time: invalid duration "9223372036854775808ns9223372036854775808ns"',
    ["20000000000000000000ns"] = 'time: invalid duration "20000000000000000000ns"',
    ["92233720368547758080ns"] = 'time: invalid duration "92233720368547758080ns"',
    ["99999999999999999999s"] = 'time: invalid duration "99999999999999999999s"',
    ["9223372036854775807ns1ns"] = 'time: invalid duration "9223372036854775807ns1ns"',
  }
  for text, why in pairs(refused) do
    it(("is not %q"):format(text), function()
      assert.is_false(core.duration_parse(str(text), ns, err))
      assert.equal(why, ffi.string(err.text))
    end)
  end

  local written = {
    [0] = "0s", [1] = "1ns", [1100] = "1.1µs", [2200000] = "2.2ms", [3300000000] = "3.3s", [250e6] = "250ms",
    [1e9] = "1s", [305e9] = "5m5s", [3600e9] = "1h0m0s",
    [5400.5e9] = "1h30m0.5s", [-1e9] = "-1s", [-1] = "-1ns",
  }
  for span, text in pairs(written) do
    it("is written as " .. text, function()
      local buf = ffi.new("char[32]")
      assert.equal(#text, tonumber(core.duration_format(buf, span)))
      assert.equal(text, ffi.string(buf))
    end)
  end

  it("is written at both ends of 64 bits", function()
    local buf = ffi.new("char[32]")
    core.duration_format(buf, 9223372036854775807LL)
    assert.equal("2562047h47m16.854775807s", ffi.string(buf))
    core.duration_format(buf, -9223372036854775807LL - 1)
    assert.equal("-2562047h47m16.854775808s", ffi.string(buf))
  end)

  local short = {
    [732753] = "732.753µs", [1000000] = "1ms", [12345678] = "12.34ms", [1e9] = "1s", [1234567890] = "1.23s",
    [60e9] = "1m0s", [61.5e9] = "1m0s", [75e9] = "1m10s",
  }
  for span, text in pairs(short) do
    it("is shortened to " .. text, function()
      local buf = ffi.new("char[32]")
      core.duration_format_short(buf, span)
      assert.equal(text, ffi.string(buf))
    end)
  end
end)

describe("a wall time", function()
  it("is written for a field of HTTP", function()
    local buf = ffi.new("char[30]")
    core.wall_format_http(buf, 784111777LL * 1000000000)
    assert.equal("Sun, 06 Nov 1994 08:49:37 GMT", ffi.string(buf))
    core.wall_format_http(buf, -1)
    assert.equal("Wed, 31 Dec 1969 23:59:59 GMT", ffi.string(buf))
  end)

  it("is written by a pattern, with milliseconds", function()
    local buf, seconds = ffi.new("char[64]"), 1700000000
    local len = core.wall_format(buf, 64, "%Y/%m/%d - %H:%M:%S.%3N|", seconds * 1000000000LL + 45000000)
    assert.equal(os.date("%Y/%m/%d - %H:%M:%S", seconds) .. ".045|", ffi.string(buf, len))
    assert.equal(0, tonumber(core.wall_format(buf, 4, "%Y/%m/%d", 0)))
  end)
end)
