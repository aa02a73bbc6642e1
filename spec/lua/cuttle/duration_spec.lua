local duration = require("cuttle.duration")

describe("duration", function()
  it("reads what krakend.json writes", function()
    for text, seconds in pairs({
      ["0"] = 0, ["1s"] = 1, ["250ms"] = 0.25, ["1h30m"] = 5400, ["1.5s"] = 1.5, [".5s"] = 0.5, ["-1s"] = -1,
      ["+2s"] = 2,
      ["1h30m5.5s"] = 5405.5, ["3us"] = 3e-6, ["3µs"] = 3e-6, ["7ns"] = 7e-9, ["-0"] = 0, ["1m1m"] = 120,
      ["2562047h"] = 2562047 * 3600,
    }) do
      assert.is_near(seconds, assert(duration.parse(text)), 1e-12, text)
    end
  end)

  it("refuses the rest and says why", function()
    for text, why in pairs({
      [""] = "invalid duration", ["s"] = "invalid duration", ["1"] = "missing unit in duration",
      ["1d"] = "unknown unit", ["1S"] = "unknown unit", ["1 s"] = "unknown unit", [" 1s"] = "invalid duration",
      ["1..2s"] = "invalid duration", ["."] = "invalid duration", ["1s2"] = "missing unit in duration",
      ["-"] = "invalid duration",
      ["1.2.3s"] = "invalid duration", ["--1s"] = "invalid duration",
      ["9999999h"] = "invalid duration", ["2562047h1h"] = "invalid duration", ["-2562048h"] = "invalid duration",
    }) do
      local seconds, problem = duration.parse(text)
      assert.is_nil(seconds, text)
      assert.equal(why, problem, text)
    end
    assert.same({ nil, "expected a text, got number" }, { duration.parse(5) })
    assert.same({ nil, "expected a text, got nil" }, { duration.parse(nil) })
  end)
end)
