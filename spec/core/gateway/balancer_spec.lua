local ffi = require("ffi")
local kit = require("kit")
local core = require("spec.support.cdef").load("gateway/balancer.h")

describe("the weights of SRV records", function()
  local cases = {
    { { 1, 2 }, { 1, 2 } },
    { { 50, 50 }, { 1, 1 } },
    { { 25, 10000, 1000 }, { 0, 10, 1 } },
    { { 25, 1000, 10000, 65535 }, { 0, 1, 13, 85 } },
    { { 100, 500, 1000 }, { 6, 31, 62 } },
    { { 0, 0 }, { 1, 1 } },
    { { 0, 3 }, { 0, 1 } },
    { { 7 }, { 1 } },
  }

  for _, case in ipairs(cases) do
    it(table.concat(case[1], ", ") .. " mean repetitions", function()
      local n = #case[1]
      local counts = ffi.new("uint32_t[?]", n)
      core.balancer_scale_weights(ffi.new("uint16_t[?]", n, case[1]), n, counts)
      local have = {}
      for i = 1, n do have[i] = counts[i - 1] end
      assert.same(case[2], have)
    end)
  end
end)

describe("the hosts of a backend", function()
  it("take turns, and one that is listed twice has two", function()
    local one, two = kit.upstream(), kit.upstream()
    one:on("*", "*"):reply(200, { from = 1 })
    two:on("*", "*"):reply(200, { from = 2 })
    local gateway = kit.gateway({ endpoints = { {
      endpoint = "/a", backend = { { host = { one.url, two.url, two.url }, url_pattern = "/a" } } } } })
    for _ = 1, 30 do gateway:get("/a") end
    assert.equal(10, #one.requests)
    assert.equal(20, #two.requests)
  end)
end)
