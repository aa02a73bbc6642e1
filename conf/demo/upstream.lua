--- Plays the backends of the demo: answers in the place of any backend, with what its settings say.
local upstream = {
  api = 1,
  namespace = "demo/upstream",
  scopes = { "endpoint" },
  schema = {
    type = "object",
    additionalProperties = false,
    properties = {
      status = { type = "integer", minimum = 200, maximum = 599, default = 200 },
      body = { type = "string", default = "{}" }, -- "{id}" stands for the path's parameter
    },
  },
}
upstream.__index = upstream

function upstream.new(config)
  return setmetatable({ status = config.status, body = config.body }, upstream)
end

function upstream:request(exchange)
  local id = exchange:param("id") or ""
  return {
    status = self.status,
    fields = { ["Content-Type"] = "application/json" },
    body = (self.body:gsub("{id}", id)),
  }
end

return upstream
