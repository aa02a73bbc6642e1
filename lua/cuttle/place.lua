--- The places at which a configuration attaches plugins, each with its settings: { scope, id, name, path, extra, ... }.
local place = {}

function place.service(service)
  return {
    scope = "service", id = 0, name = "service", path = "", log_name = "[SERVICE: Plugins]",
    extra = service.extra,
  }
end

--- index: from 0.
function place.endpoint(endpoint, index)
  return {
    scope = "endpoint", id = endpoint.id, name = ("%s %s"):format(endpoint.method, endpoint.path),
    endpoint = endpoint.path, timeout = endpoint.timeout, static = endpoint.static,
    path = ("endpoints[%d]"):format(index), log_name = ("[ENDPOINT: %s]"):format(endpoint.route),
    extra = endpoint.extra,
  }
end

--- index, position: from 0.
function place.backend(endpoint, index, backend, position)
  local result = {
    scope = "backend", id = backend.id, endpoint_id = endpoint.id,
    name = ("%s %s %d"):format(endpoint.method, endpoint.path, position),
    endpoint = endpoint.path, backend = backend.url_pattern, timeout = backend.timeout,
    path = ("endpoints[%d].backend[%d]"):format(index, position),
    log_name = ("[BACKEND: %s]"):format(backend.url_pattern),
    extra = backend.extra,
  }
  if backend.manipulation then
    result.extra[#result.extra + 1] = { "cuttle/manipulation", backend.manipulation }
  end
  return result
end

--- Where in the configuration the settings of a namespace are: 'endpoints[0].extra_config["team/x"]'.
function place.path_of(at, namespace)
  return ("%sextra_config[%q]"):format(at.path == "" and "" or at.path .. ".", namespace)
end

return place
