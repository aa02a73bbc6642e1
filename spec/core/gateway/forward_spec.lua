--- What of a client's request a backend gets.
local kit = require("kit")

local function start(endpoint, backend)
  local back = kit.upstream()
  back:on("*", "*"):reply(200, { ok = true })
  backend.host, backend.url_pattern = back.url, "/"
  endpoint.endpoint, endpoint.backend = "/a", { backend }
  return kit.gateway({ endpoints = { endpoint } }), back
end

describe("User-Agent", function()
  local cases = {
    { "a", "b", want = { "a" } }, { "a", "a", want = { "a" } }, { "a", "", want = { "a" } },
    { "", "b", want = {} }, { "", want = {} }, { "a", want = { "a" } },
  }
  for _, case in ipairs(cases) do
    it("goes out in one line, the first: " .. table.concat(case, "|"), function()
      for _, of_backend in ipairs({ false, { "User-Agent" } }) do
        local gateway, back = start({ input_headers = { "User-Agent" } }, { input_headers = of_backend or nil })
        local list = {}
        for i, value in ipairs(case) do list[i] = { "User-Agent", value } end
        gateway:get("/a", { fields = list })
        assert.same(case.want, back.requests[1].fields:all("User-Agent"))
      end
    end)
  end
end)
