local ffi = require("ffi")
local span = require("spec.support.span")
local core = require("spec.support.cdef").load("base/integer.h")

local value = ffi.new("long[1]")

local function parse(text)
  value[0] = 7
  local read = core.integer_parse(span.str(text), value)
  if read == core.INTEGER_FINE then return value[0] end
  assert.equal(7, tonumber(value[0]))
  return nil, ffi.string(core.integer_fault(read))
end

describe("integer", function()
  local fine = { ["0"] = 0, ["00"] = 0, ["12"] = 12, ["+8"] = 8, ["-8"] = -8, ["-0"] = 0, ["007"] = 7, ["0x1F"] = 31,
    ["0X1f"] = 31, ["-0x10"] = -16, ["0o17"] = 15, ["0O17"] = 15, ["0b101"] = 5, ["0B11"] = 3, ["1_000"] = 1000,
    ["0x_1"] = 1, ["0_7"] = 7, ["0b1_0"] = 2 }
  for text, number in pairs(fine) do
    it("reads " .. text, function()
      assert.equal(number, tonumber((parse(text))))
    end)
  end

  for _, text in ipairs({ "", "+", "-", "--1", "x", "0x", "0b", "0b2", "0o8", "08", "1_", "_1", "1__0", "0x1_", "1.5",
    "1e3", " 1", "1 ", "1\0", "0x_", "+-1", "1f" }) do
    it(("refuses %q"):format(text), function()
      assert.same({ nil, "invalid syntax" }, { parse(text) })
    end)
  end

  it("keeps to the range of 64 bits", function()
    assert.is_true(parse("9223372036854775807") == 9223372036854775807LL)
    assert.is_true(parse("-9223372036854775808") == -9223372036854775807LL - 1)
    assert.is_true(parse("-0x8000000000000000") == -9223372036854775807LL - 1)
    for _, text in ipairs({ "9223372036854775808", "-9223372036854775809", "0x8000000000000000",
      ("9"):rep(40) }) do
      assert.same({ nil, "value out of range" }, { parse(text) })
    end
  end)
end)
