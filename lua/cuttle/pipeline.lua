--- The order of everything that may be attached, outermost first: KrakenD's, as data.
--
-- A phase on the way in (request, proxy, call) runs a list from its first line to its last, a phase on the way out
-- (reply, merged, response, log) from its last to its first, like the layers of an onion.
--
--     { "namespace", plugin = "file" }   ours: plugins/file.lua; without `plugin` there is none yet
--     { names = "namespace" }            plugins by name, in the order of the list that stands there
--     { team = true }                    all other plugins that this place configures, in the order of the file
--     { core = "static" }                a step of the gateway itself, in its place
--
-- outer: around the router, so redirects and /__health pass through it too.
local pipeline = {}

pipeline.service = {
  { "security/cors", outer = true },
  { names = "plugin/http-server", last_first = true, phases = { "request", "response", "log" }, outer = true },
  { "security/http" },
  { "modifier/lua-endpoint" },
  { "security/bot-detector" },
  { team = true },
}

pipeline.endpoint = {
  { "security/bot-detector" },
  { "auth/validator" },
  { "auth/signer" },
  { "modifier/lua-endpoint" },
  { "qos/ratelimit/router", plugin = "rate_limit" },
  { "modifier/lua-proxy" },
  { "validation/cel" },
  { "validation/json-schema" },
  { core = "static" },
  { names = "plugin/req-resp-modifier", list_order = true, phases = { "proxy", "merged" } },
  { team = true },
}

pipeline.backend = {
  { "backend/graphql" },
  { names = "plugin/req-resp-modifier", list_order = true, phases = { "call", "reply" } },
  { team = true },
  { "qos/circuit-breaker", plugin = "circuit_breaker" },
  { "qos/ratelimit/proxy", plugin = "rate_limit" },
  { "modifier/lua-backend" },
  { "validation/cel" },
  { "cuttle/manipulation", plugin = "manipulation" }, -- target, allow, deny, mapping, group
  { "backend/lambda" },
  { "backend/amqp/consumer" },
  { "backend/amqp/producer" },
  { "backend/pubsub/subscriber" },
  { "backend/pubsub/publisher" },
  { "modifier/martian" },
  { names = "plugin/http-client", one = true, phases = { "call" } },
  { "qos/http-cache" },
  { "auth/client-credentials" },
}

pipeline.scopes = { "service", "endpoint", "backend" }

--- Which phases a scope has, on the way in and on the way out.
pipeline.phases = {
  service = { way_in = { "request" }, way_out = { "response", "log" } },
  endpoint = { way_in = { "request", "proxy" }, way_out = { "merged", "response", "log" } },
  backend = { way_in = { "call" }, way_out = { "reply" } },
}

--- Does a plugin run that phase at that scope?
function pipeline.has_phase(scope, phase)
  for _, way in pairs(pipeline.phases[scope]) do
    for _, name in ipairs(way) do
      if name == phase then return true end
    end
  end
  return false
end

--- The place of a namespace in a scope's list; nil if it has none of its own.
function pipeline.component(scope, namespace)
  for position, component in ipairs(pipeline[scope]) do
    if component[1] == namespace or component.names == namespace then return component, position end
  end
end

return pipeline
