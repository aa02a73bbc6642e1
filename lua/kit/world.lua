--- The world of the spec that runs now: made when first asked for, gone with the spec.
local core = require("kit.core")
local duration = require("kit.duration")

local world = { seed = 1 }

local current
local next_ip
local tellers = {}

--- A world of the given seed in the place of the present one.
function world.renew(seed)
  world.close()
  world.present_seed = seed or world.seed
end

function world.close()
  if current then current:close() end
  current, next_ip, tellers = nil, 1, {}
end

--- fn() gives a text that may explain why the spec failed, or nil.
function world.tell(fn)
  table.insert(tellers, fn)
end

--- What those of this world tell.
function world.stories()
  local texts = {}
  for _, fn in ipairs(tellers) do texts[#texts + 1] = fn() end
  return texts
end

--- The simulated world (a kit.core world).
function world.get()
  if not current then
    current = core.world({ seed = world.present_seed or world.seed })
    next_ip = next_ip or 1
  end
  return current
end

--- What a host name resolves to: a list of addresses, empty for "no such host"; after a span, if one is given.
function world.name(name, ips, span)
  world.get():name(name, ips, duration.seconds(span or 0))
end

local function fault_of(given)
  if not given then return nil end
  local copy = {}
  for key, value in pairs(given) do
    copy[key] = (key == "delay" or key == "connect_delay") and duration.seconds(value) or value
  end
  return copy
end

--- Faults of connections to an address that are made from now on: of what the connecting side sends (up), and of what
-- it receives (down). Each is nil, or a table of
--   delay           each write arrives so much later ("40ms")
--   split           arrives in pieces of so many bytes
--   stall_at        after so many bytes nothing arrives any more
--   reset_at        after so many bytes both ends see a reset
--   window          so many bytes may wait unread
-- and in up also refuse, hang (booleans) and connect_delay, for connecting itself.
function world.fault(ip, port, up, down)
  world.get():fault(ip, port, fault_of(up), fault_of(down))
end

--- An address nobody has yet.
function world.new_ip()
  world.get()
  next_ip = next_ip + 1
  return ("192.0.2.%d"):format(next_ip)
end

--- Lets that much time pass, and all that happens meanwhile.
function world.advance(span)
  world.get():advance(duration.seconds(span))
end

--- Runs until condition() is true, at most for a span of virtual time (default 60 s); returns whether it became so.
function world.wait(condition, span)
  return world.get():run(duration.seconds(span or 60), condition)
end

return world
