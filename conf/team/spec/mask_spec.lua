--- `cuttle test conf/team` runs this: the real gateway, simulated.
local kit = require("kit")

local settings = { paths = { "email", "address.street", "orders.card" }, reveal_to = { "support" } }

local function account()
  return {
    id = 7, email = "ada@example.com", address = { street = "12 St James", city = "London" },
    orders = { { sku = "a1", card = 4242 }, { sku = "b2" } },
  }
end

local function gateway_with(mask, answer)
  local accounts = kit.upstream()
  accounts:on("GET", "/accounts/7"):reply(200, answer or account())
  return kit.gateway({
    plugin = { folder = "conf/team/plugins" },
    endpoints = { {
      endpoint = "/accounts/{id}",
      backend = { { host = accounts.url, url_pattern = "/accounts/{id}" } },
      extra_config = { ["accounts/mask"] = mask },
    } },
  })
end

describe("accounts/mask", function()
  it("masks what its paths lead to, in arrays too, and nothing else", function()
    local seen = gateway_with(settings):get("/accounts/7"):json()
    assert.same({
      id = 7, email = "a**************", address = { street = "1**********", city = "London" },
      orders = { { sku = "a1", card = "*" }, { sku = "b2" } },
    }, seen)
  end)

  it("shows everything to the teams of reveal_to", function()
    local gateway = gateway_with(settings)
    assert.equal("ada@example.com", gateway:get("/accounts/7", { fields = { ["X-Team"] = "support" } }):json().email)
    assert.equal("a**************", gateway:get("/accounts/7", { fields = { ["X-Team"] = "sales" } }):json().email)
  end)

  it("leaves members alone that are not there, or null", function()
    local seen = gateway_with(settings, { id = 7, email = kit.null }):get("/accounts/7"):json()
    assert.equal(kit.null, seen.email)
    assert.is_nil(seen.orders)
  end)

  it("does not let a gateway start with settings that mask nothing", function()
    local problem = kit.refusal({
      plugin = { folder = "conf/team/plugins" },
      endpoints = { {
        endpoint = "/a", backend = { { host = "http://192.0.2.9", url_pattern = "/" } },
        extra_config = { ["accounts/mask"] = { paths = { 5 } } },
      } },
    })
    assert.matches('endpoints[0].extra_config["accounts/mask"].paths[0]: expected string, got number', problem, 1, true)
  end)
end)
