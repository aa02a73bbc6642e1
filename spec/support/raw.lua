--- Raw bytes against a gateway in the simulator: what came back, whether the connection closed, what upstream saw.
local kit = require("kit")

local raw = {}

local function endpoint(method, path, encoding)
  return {
    endpoint = path, method = method, output_encoding = encoding, input_headers = { "*" },
    input_query_strings = { "*" }, backend = { { url_pattern = path, encoding = encoding } },
  }
end

--- A gateway with GET, POST, PUT and DELETE on /a (no-op) and GET, POST on /j (json), and the upstream behind it.
function raw.gateway(more)
  local origin = kit.upstream()
  origin:on("*", "*"):reply(200, '{"ok":true}', { ["Content-Type"] = "application/json" })
  local config = {
    host = origin.url,
    endpoints = {
      endpoint("GET", "/a", "no-op"), endpoint("POST", "/a", "no-op"), endpoint("PUT", "/a", "no-op"),
      endpoint("DELETE", "/a", "no-op"), endpoint("GET", "/j", "json"), endpoint("POST", "/j", "json"),
      endpoint("GET", "/p/{id}", "no-op"),
    },
  }
  for key, value in pairs(more or {}) do config[key] = value end
  return kit.gateway(config), origin
end

--- Sends bytes (in pieces of `split` bytes, if given) and takes every response that comes.
-- methods: of the requests in it, for HEAD and the like. half_close: the client ends its side after the bytes.
function raw.send(gateway, bytes, options)
  options = options or {}
  local connection = gateway:connect()
  if options.split then
    for at = 1, #bytes, options.split do
      connection:send(bytes:sub(at, at + options.split - 1))
      kit.advance("1ms")
    end
  else
    connection:send(bytes)
  end
  if options.half_close then connection.sock:shutdown() end
  local responses = {}
  while true do
    local response = connection:receive(options.methods and options.methods[#responses + 1], options.wait or "3s")
    if not response or response.error == "closed" then break end
    responses[#responses + 1] = response
    if response.error then break end
  end
  local result = {
    responses = responses, closed = connection.ended, interim = connection.interim, interims = connection.interims,
  }
  connection:close()
  kit.advance("1s")
  return result
end

--- The statuses of the responses, in order.
function raw.statuses(result)
  local list = {}
  for i, response in ipairs(result.responses) do list[i] = response.status end
  return list
end

return raw
