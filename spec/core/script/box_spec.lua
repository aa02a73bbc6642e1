--- What Lua keeps of exchanges and calls is used again for the next ones.
local kit = require("kit")

describe("what is kept of an exchange", function()
  it("may be of a call next, and of an exchange again", function()
    local back = kit.upstream()
    back:on("GET", "/u"):reply(200, { a = 1, b = 2 })
    local function endpoint(path, extra, more)
      local backend = { host = back.url, url_pattern = "/u" }
      for key, value in pairs(more) do backend[key] = value end
      return { endpoint = path, extra_config = extra, backend = { backend } }
    end
    local gateway = kit.gateway({ endpoints = {
      endpoint("/exchange", { ["qos/ratelimit/router"] = { max_rate = 100 } }, {}),
      endpoint("/call", nil, { deny = { "b" } }),
    } })
    for _ = 1, 2 do
      assert.same({ a = 1, b = 2 }, gateway:get("/exchange"):json())
      assert.same({ a = 1 }, gateway:get("/call"):json())
    end
  end)
end)
