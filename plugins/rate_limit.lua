--- Limits how often an endpoint, each of its clients, or a backend may be asked: token buckets, one for all workers.
--
-- A bucket holds `capacity` tokens, is full at first and refilled continuously; it never lets more through than
-- capacity + rate * time.

-- Seconds that a bucket of an endpoint or a backend is kept unused: clients come and go, and however many come at
-- once, theirs make room in the store before these do.
local forever = 365 * 24 * 3600
local reason = "rate limit exceded" -- sic: as KrakenD writes it

--- A number of the settings; 0, as in KrakenD, where it is none. An integer beyond 2^53 is cdata.
local function number_of(value)
  if type(value) == "cdata" then return tonumber(value) end
  return type(value) == "number" and value or 0
end

--- Is it there, and no number? null is userdata.
local function is_wrong(value)
  local kind = type(value)
  return kind == "string" or kind == "boolean" or kind == "table"
end

--- Tokens a second, `value` of them each `every` seconds; nil: no limit.
local function rate_of(runtime, name, value, every)
  if is_wrong(value) then runtime.log.warning("%s is no number: there is no limit", name) end
  local rate = number_of(value) / every
  if rate > 0 and rate < math.huge then return rate end
end

--- nil: so large that there is no limit.
local function capacity_of(configured, otherwise)
  local capacity = number_of(configured)
  capacity = capacity < 0 and math.ceil(capacity) or math.floor(capacity)
  if capacity < 0 then return nil end
  if capacity == 0 then capacity = math.floor(otherwise) end
  return math.max(capacity, 1)
end

--- ttl: nil keeps it until it is full again.
local function bucket(store, rate, capacity, ttl)
  if rate and capacity then return store:bucket(rate, capacity, ttl) end
end

local function tell(runtime, whose, rate, capacity)
  if capacity then
    runtime.log.debug("Rate limit enabled. %sMaxRate: %f, Capacity: %.0f", whose, rate, capacity)
  end
end

-- --- whose bucket: strategies ---------------------------------------------------------------------

local function is_ipv4(text)
  local parts = { text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$") }
  if #parts == 0 then return false end
  for _, part in ipairs(parts) do
    if tonumber(part) > 255 or #part > 1 and part:sub(1, 1) == "0" then return false end
  end
  return true
end

--- To a bucket an exchange stands for its client's address.
local function client_ip(exchange)
  return exchange
end

--- The first address of a field, as far as it is an IPv4 one, perhaps with a port; the client's otherwise.
local function ip_in_field(name)
  return function(exchange)
    local address, gap, after = (exchange:field(name) or ""):match("^%s*([%d.]+)(%s*)(.?)")
    local ends = after == "" or after == "," or after == ":" and gap == ""
    return ends and is_ipv4(address) and address or exchange:client_ip()
  end
end

local function nobody()
  return ""
end

local strategies = {
  ip = function(key)
    return key == "" and client_ip or ip_in_field(key)
  end,
  header = function(key)
    if key == "" or key:lower() == "host" then return nobody end
    return function(exchange) return exchange:field(key) end
  end,
  param = function(key)
    if key == "" then return nobody end
    return function(exchange) return exchange:param(key) end
  end,
}

--- Whatever scalar it is, its text; "" for the rest.
local function key_of(config)
  local key = config.key
  local kind = type(key)
  if kind == "number" or kind == "boolean" then return tostring(key) end
  return kind == "string" and key or ""
end

local function strategy_of(config)
  local name = type(config.strategy) == "string" and config.strategy or ""
  local strategy = strategies[name:lower()]
  if not strategy then return nil, ("Unknown strategy %s: expected ip, header or param"):format(name) end
  return strategy(key_of(config))
end

-- --- qos/ratelimit/router -------------------------------------------------------------------------

local router = {
  api = 1,
  namespace = "qos/ratelimit/router",
  name = "rate_limit",
  log_name = "Ratelimit",
  scopes = { "endpoint" },
  schema = { type = "object" }, -- its settings are read leniently, as KrakenD does
}
router.__index = router

--- Seconds that rates are counted in; anything below one second is one.
local function router_every(config, runtime)
  local every = runtime.duration(config.every)
  return every and every >= 1 and every or 1
end

local too_many = { status = 429, reason = reason }
local unavailable = { status = 503, reason = reason }

function router.new(config, runtime)
  local every = router_every(config, runtime)
  local rate = rate_of(runtime, "max_rate", config.max_rate, every)
  local client_rate = rate_of(runtime, "client_max_rate", config.client_max_rate, every)
  local limits = {}
  if rate then
    local capacity = capacity_of(config.capacity, rate)
    limits.endpoint = bucket(runtime.store, rate, capacity, forever)
    tell(runtime, "", rate, capacity)
  end
  if client_rate then
    local problem
    limits.key_of, problem = strategy_of(config)
    if not limits.key_of then return nil, problem end
    -- The default asks for the endpoint's rate, not the client's: KrakenD's own way, and people rely on it.
    local default = (rate or 0) < 1 and 1 or client_rate
    local capacity = capacity_of(config.client_capacity, default)
    limits.client = bucket(runtime.store:part("clients"), client_rate, capacity)
    tell(runtime, ("Strategy: %s (key: %s), "):format(config.strategy, key_of(config)), client_rate, capacity)
  end
  if not limits.key_of and not limits.endpoint then return nil end
  return setmetatable(limits, router)
end

function router:request(exchange)
  local client, endpoint = self.client, self.endpoint
  if self.key_of then -- even a limit that lets everything through is for those who have a key
    local key = self.key_of(exchange)
    if not key or key == "" then return too_many end
    if client and client:take(key) > 0 then return too_many end
  end
  if endpoint and endpoint:take() > 0 then return unavailable end
end

-- --- qos/ratelimit/proxy --------------------------------------------------------------------------

local proxy = {
  api = 1,
  namespace = "qos/ratelimit/proxy",
  name = "rate_limit",
  log_name = "Ratelimit",
  scopes = { "backend" },
}
proxy.__index = proxy

--- Seconds that the rate is counted in: below one second too. A zero or negative one switches the limit off.
local function proxy_every(config, runtime)
  local every = runtime.duration(config.every)
  if not every then return 1 end
  return every > 0 and every or nil
end

function proxy.new(config, runtime)
  if runtime.json.type(config) ~= "object" then
    runtime.log.warning("the settings are no object: there is no limit")
    return nil
  end
  local every = proxy_every(config, runtime)
  local rate = every and rate_of(runtime, "max_rate", config.max_rate, every)
  local limit = rate and bucket(runtime.store, rate, capacity_of(config.capacity, rate), forever)
  if not limit then return nil end
  runtime.log.debug("Enabling the rate limiter")
  return setmetatable({ limit = limit }, proxy)
end

function proxy:call(call)
  if self.limit:take() > 0 then return call:fail(reason) end
end

return { router, proxy }
