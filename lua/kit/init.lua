--- The kit: specs that run the real gateway in milliseconds, without a network and without sleeping.
--
--     local kit = require("kit")
--
--     it("greets", function()
--       local users = kit.upstream()
--       users:on("GET", "/u/1"):reply(200, { name = "Ada" }):after("40ms")
--       local gateway = kit.gateway({ endpoints = { {
--         endpoint = "/hello/{id}", backend = { { host = users.url, url_pattern = "/u/{id}" } } } } })
--       assert.equal("Ada", gateway:get("/hello/1"):json().name)
--     end)
--
-- Everything made in one `it` (and its before_each) lives in one world of virtual time, which is gone when it ends.
local gateway = require("kit.gateway")
local json = require("kit.json")
local upstream = require("kit.upstream")
local world = require("kit.world")

local kit = {
  advance = world.advance, -- ("1s"): lets time pass
  wait = world.wait,       -- (condition[, "10s"]): lets time pass until it is true
  upstream = upstream.new,
  name = world.name,       -- ("a.test", {"192.0.2.9"}[, "1s"]): what a host name resolves to
  fault = world.fault,     -- (ip, port, up, down): what goes wrong with connections to there
  json = json,
  array = json.array,
  null = json.null,
}

--- A started gateway; raises when it does not start. See kit.gateway.
function kit.gateway(config, options)
  local started, problem = gateway.new(config, options)
  if not started then error("the gateway does not start: " .. problem, 2) end
  return started
end

--- Why a configuration does not start; nil if it does.
function kit.refusal(config, options)
  local started, problem = gateway.new(config, options)
  if started then started:stop() end
  return problem
end

--- Begins the world anew with that seed: the same seed and the same steps give the same run.
function kit.seed(seed)
  world.renew(seed)
end

--- Monotonic seconds of the world.
function kit.now()
  return world.get():now()
end

--- The world itself (kit.core): byte streams, timers, names, faults.
function kit.world()
  return world.get()
end

return kit
