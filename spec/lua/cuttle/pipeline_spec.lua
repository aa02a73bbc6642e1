local pipeline = require("cuttle.pipeline")

describe("pipeline", function()
  local function position(scope, namespace)
    local _, at = pipeline.component(scope, namespace)
    return assert(at, namespace)
  end

  local function in_order(scope, namespaces)
    for i = 2, #namespaces do
      assert.is_true(position(scope, namespaces[i - 1]) < position(scope, namespaces[i]), namespaces[i])
    end
  end

  it("has KrakenD's order", function()
    in_order("service", { "security/cors", "plugin/http-server", "security/http", "modifier/lua-endpoint",
      "security/bot-detector" })
    in_order("endpoint", { "security/bot-detector", "auth/validator", "modifier/lua-endpoint", "qos/ratelimit/router",
      "modifier/lua-proxy", "validation/cel", "validation/json-schema", "plugin/req-resp-modifier" })
    in_order("backend", { "backend/graphql", "plugin/req-resp-modifier", "qos/circuit-breaker", "qos/ratelimit/proxy",
      "modifier/lua-backend", "validation/cel", "cuttle/manipulation", "modifier/martian", "plugin/http-client",
      "qos/http-cache", "auth/client-credentials" })
  end)

  it("names each component once, and has one place for teams in each scope", function()
    for _, scope in ipairs(pipeline.scopes) do
      local seen, teams = {}, 0
      for _, component in ipairs(pipeline[scope]) do
        local name = component[1] or component.names or component.core
        if name then
          assert.is_nil(seen[name], name)
          seen[name] = true
        end
        if component.team then teams = teams + 1 end
      end
      assert.equal(1, teams, scope)
    end
  end)

  it("says where a phase runs", function()
    assert.is_true(pipeline.has_phase("backend", "reply"))
    assert.is_false(pipeline.has_phase("backend", "request"))
    assert.is_true(pipeline.has_phase("service", "log"))
    assert.is_false(pipeline.has_phase("service", "merged"))
  end)

  it("has a plugin behind each component that is said to be there", function()
    for _, scope in ipairs(pipeline.scopes) do
      for _, component in ipairs(pipeline[scope]) do
        if component.plugin then
          local file = io.open("plugins/" .. component.plugin .. ".lua")
          assert.truthy(file, component.plugin)
          file:close()
        end
      end
    end
  end)
end)
