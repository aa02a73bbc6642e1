--- A script for wrk: two paths in turn, a slice of time each, on the same connections to the same process; what the
-- process spent on a request of each. Neighbours on the machine change what a request costs by far more than what is
-- looked for here, but not between one slice and the next.
--
--     wrk -t1 -c32 -d30s -s alternate.lua URL -- PID PATH PATH
--
-- luacheck: globals wrk setup init request done slices
local ffi = require("ffi")

ffi.cdef([[
struct timespec { long seconds, nanoseconds; };
int clock_gettime(int clock, struct timespec *time);
int clock_getcpuclockid(int pid, int *clock);
]])

local MONOTONIC = 1
local SLICE, SETTLE = 0.05, 0.003 -- seconds; requests of the other path are still in flight at first

local time = ffi.new("struct timespec")
local cpu_clock, requests, turn, since, count, cpu
local load
slices = "" -- microseconds a request of one path, then of the other, and so on; wrk hands strings on to done

local function now(clock)
  ffi.C.clock_gettime(clock, time)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

function setup(thread)
  load = thread
end

function init(args)
  local id = ffi.new("int[1]")
  assert(ffi.C.clock_getcpuclockid(tonumber(args[1]), id) == 0, "no such process")
  cpu_clock = id[0]
  requests = { wrk.format("GET", args[2]), wrk.format("GET", args[3]) }
  turn, since = 1, now(MONOTONIC)
end

local function end_slice(at)
  slices = ("%s %.4f"):format(slices, (now(cpu_clock) - cpu) * 1e6 / count)
  turn, since, count = 3 - turn, at, nil
end

function request()
  local at = now(MONOTONIC)
  if not count and at - since >= SETTLE then
    count, cpu = 0, now(cpu_clock)
  elseif count and count > 0 and at - since >= SLICE then
    end_slice(at)
  end
  if count then count = count + 1 end
  return requests[turn]
end

local function quantile(list, q)
  return list[math.max(1, math.ceil(#list * q))]
end

function done(summary)
  local one, other, differences, mean = {}, {}, {}, 0
  for first, second in load:get("slices"):gmatch("(%S+) (%S+)") do
    one[#one + 1], other[#other + 1] = tonumber(first), tonumber(second)
  end
  for i = 2, #one do -- between its two neighbours, so that a drift falls out
    differences[i - 1] = other[i - 1] - (one[i - 1] + one[i]) / 2
  end
  table.sort(one)
  table.sort(other)
  table.sort(differences)
  local errors = summary.errors
  assert(errors.connect + errors.read + errors.write + errors.status + errors.timeout == 0, "errors under load")
  for _, difference in ipairs(differences) do mean = mean + difference / #differences end
  print(("%.2f us and %.2f us a request (medians), over it: %.2f us (median of %d slices; mean %.2f)"):format(
    quantile(one, 0.5), quantile(other, 0.5), quantile(differences, 0.5), #differences, mean))
end
