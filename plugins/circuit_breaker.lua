--- Spares a failing backend: after `max_errors` + 1 failures in a row its calls fail at once, for `timeout` seconds.
--
--     closed ── max_errors + 1 consecutive failures ──► open
--     open ── timeout has passed, at the next call ──► half-open, and that call is the probe
--     half-open ── the probe succeeds ──► closed
--     half-open ── the probe fails ──► open
--
-- The state is one record in the store, so all workers have one breaker. A generation counts windows and states: what
-- a call that began in an earlier one has to tell is not heard.
local circuit_breaker = {
  api = 1,
  namespace = "qos/circuit-breaker",
  log_name = "CB",
  scopes = { "backend" },
}
circuit_breaker.__index = circuit_breaker

local closed, open, half_open = 0, 1, 2
local names = { [closed] = "closed", [open] = "open", [half_open] = "half-open" }

local default_timeout = 60
local forever = 365 * 24 * 3600 -- how long a record is kept without a call, seconds

--- A whole number of the settings; 0, as in KrakenD, where it is none.
local function whole(config, name, log)
  local value = config[name]
  if type(value) == "cdata" then value = tonumber(value) end -- an integer beyond 2^53
  if type(value) == "number" then return value < 0 and math.ceil(value) or math.floor(value) end
  if value ~= nil and type(value) ~= "userdata" then log.warning("%s is no number: it counts as 0", name) end
  return 0
end

function circuit_breaker.new(config, runtime)
  local log = runtime.log
  if runtime.json.type(config) ~= "object" then
    log.warning("the settings are no object: there is no circuit breaker")
    return nil
  end
  local interval, timeout = whole(config, "interval", log), whole(config, "timeout", log)
  local max_errors = whole(config, "max_errors", log)
  local name = type(config.name) == "string" and config.name or ""
  local logs = config.log_status_change == true
  -- Nothing configured, nothing breaks.
  if interval == 0 and timeout == 0 and max_errors == 0 and name == "" and not logs then return nil end
  local self = setmetatable({
    interval = interval,
    timeout = timeout > 0 and timeout or default_timeout,
    max_errors = max_errors,
    name = name,
    logs = logs,
    -- A probe whose worker died never reports; when no call can be that old, another may probe.
    probe_time = (runtime.place.timeout or 0) + 1,
    now = runtime.now, store = runtime.store, log = log,
    generations = setmetatable({}, { __mode = "k" }), -- call -> generation it began in
  }, circuit_breaker)
  self.first_window = self:window_end(runtime.now())
  log.debug("Creating the circuit breaker named '%s'", name)
  return self
end

--- When a window that begins now ends; 0: never.
function circuit_breaker:window_end(now)
  return self.interval > 0 and now + self.interval or 0
end

--- The record as it is now: a window that has ended is a fresh one, an open breaker whose time is over is half-open.
--- changed: it is not what the store holds.
function circuit_breaker:read(now)
  local version, failures, state, ends, generation = self.store:read("")
  if version == 0 then ends = self.first_window end
  local record = { version = version, failures = failures, state = state, ends = ends, generation = generation }
  if state == closed and ends ~= 0 and ends < now then
    record.failures, record.ends = 0, self:window_end(now)
    record.generation, record.changed = generation + 1, true
  elseif state == open and ends < now then
    record.was, record.state = open, half_open
    record.ends = 0 -- no probe is under way
    record.generation, record.changed = generation + 1, true
  end
  return record
end

--- Stores a changed record. False: another call was faster, read again.
function circuit_breaker:write(record)
  if not self.store:write("", record.version, record.failures, record.state, record.ends, record.generation,
      forever) then
    return false
  end
  if record.was and self.logs then
    self.log.warning("Circuit breaker named '%s' went from '%s' to '%s'", self.name, names[record.was],
      names[record.state])
  end
  return true
end

local function move(record, state, ends)
  record.was, record.state, record.ends = record.state, state, ends
  record.failures = 0
  record.generation = record.generation + 1
end

--- In half-open, `ends` is until when the slot of the probe is taken; 0: it is free.
function circuit_breaker:begin(now)
  local record = self:read(now)
  if record.state == open then return nil, "circuit breaker is open" end
  if record.state == half_open then
    if record.ends > now then return nil, "too many requests" end
    if record.ends ~= 0 then record.generation = record.generation + 1 end
    record.ends, record.changed = now + self.probe_time, true
  end
  if not record.changed or self:write(record) then return record.generation end
  return self:begin(now)
end

function circuit_breaker:call(call)
  local generation, refusal = self:begin(self.now())
  if not generation then return call:fail(refusal) end
  self.generations[call] = generation
end

function circuit_breaker:succeeded(record, now)
  if record.state == half_open then
    move(record, closed, self:window_end(now))
  elseif record.failures > 0 then
    record.failures = 0
  else
    return false
  end
  return true
end

function circuit_breaker:failed(record, now)
  record.failures = record.failures + 1
  if record.state == half_open or self.max_errors >= 0 and record.failures > self.max_errors then
    move(record, open, now + self.timeout)
  end
  return true
end

--- Neither a success nor a failure: a probe leaves its slot to another.
local function excluded(record)
  if record.state ~= half_open then return false end
  record.ends = 0
  return true
end

--- True: the record changed.
function circuit_breaker:hear(record, now, failure, cancelled)
  if cancelled then return excluded(record) end
  if failure then return self:failed(record, now) end
  return self:succeeded(record, now)
end

function circuit_breaker:settle(generation, failure, cancelled)
  local now = self.now()
  repeat
    local record = self:read(now)
    local changed = record.changed -- a window begins with what ends in it, too
    if record.generation == generation then changed = self:hear(record, now, failure, cancelled) end
  until not changed or self:write(record)
end

function circuit_breaker:reply(call)
  local generation = self.generations[call]
  if not generation then return end
  self.generations[call] = nil
  self:settle(generation, call:failure())
end

return circuit_breaker
