local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/store.h")

ffi.cdef([[
int fork(void);
int waitpid(int pid, int *status, int options);
int kill(int pid, int signal);
void _exit(int status);
int clock_gettime(int clock, int64_t time[2]);
]])

local SECOND = 1000000000LL
local HOUR = 3600 * SECOND

local held -- texts are borrowed, and the collector may come between

local function key_of(store, text)
  held = text
  return core.store_key(store, ffi.new("struct str", { held, #held }))
end

local function now()
  local time = ffi.new("int64_t[2]")
  ffi.C.clock_gettime(1, time)
  return time[0] * SECOND + time[1]
end

--- A process that runs body, whose number (0 to 255) is what it ends with.
local function start(body)
  local pid = ffi.C.fork()
  if pid == 0 then
    local ok, status = pcall(body)
    ffi.C._exit(ok and status or 255)
  end
  return pid
end

local function wait_for(pid)
  local status = ffi.new("int[1]")
  assert(ffi.C.waitpid(pid, status, 0) == pid)
  return bit.rshift(status[0], 8)
end

describe("store", function()
  local store

  local function new(entries)
    local err = ffi.new("struct error")
    store = core.store_new(entries, err)
    assert.equal("", ffi.string(err.text))
  end

  before_each(function() new(1000) end)
  after_each(function() core.store_free(store) end)

  it("cannot be larger than memory can be", function()
    local err = ffi.new("struct error")
    assert.is_true(core.store_new(2 ^ 60, err) == nil)
    assert.truthy(ffi.string(err.text):find("store:", 1, true))
    core.store_free(nil)
  end)

  describe("as token buckets", function()
    local function take(key, rate, capacity, at, ttl)
      return tonumber(core.store_take(store, key_of(store, key), rate, capacity, ttl or HOUR, at))
    end

    it("start full and give one token after the other", function()
      for _ = 1, 5 do assert.equal(0, take("a", 1, 5, SECOND)) end
      assert.is_true(take("a", 1, 5, SECOND) > 0)
      assert.equal(0, take("b", 1, 5, SECOND))
    end)

    it("say exactly when the next token will be there", function()
      for _, rate in ipairs({ 0.001, 1 / 3, 1, 3, 10, 1000 / 7, 1e6 }) do
        local key = "rate " .. rate
        local at = SECOND
        assert.equal(0, take(key, rate, 1, at))
        for _ = 1, 50 do
          local wait = take(key, rate, 1, at)
          assert.is_true(math.abs(wait - 1e9 / rate) <= 2 + 1e-9 * 1e9 / rate)
          if wait > 2 then assert.is_true(take(key, rate, 1, at + wait - 2 - math.floor(wait * 1e-8)) > 0) end
          at = at + wait
          assert.equal(0, take(key, rate, 1, at))
        end
      end
    end)

    it("refill continuously, never beyond their capacity", function()
      for _ = 1, 10 do take("a", 10, 10, SECOND) end
      assert.is_true(take("a", 10, 10, SECOND) > 0)
      for _ = 1, 5 do assert.equal(0, take("a", 10, 10, SECOND + SECOND / 2)) end
      assert.is_true(take("a", 10, 10, SECOND + SECOND / 2) > 0)
      local admitted = 0
      for _ = 1, 100 do
        if take("a", 10, 10, 100 * SECOND) == 0 then admitted = admitted + 1 end
      end
      assert.equal(10, admitted)
    end)

    it("never let more through than capacity + rate * time, however they are asked", function()
      local at, admitted, seed = SECOND, 0, 1
      for _ = 1, 20000 do
        seed = seed * 16807 % 2147483647
        at = at + seed % 700000
        if take("a", 997, 13, at) == 0 then admitted = admitted + 1 end
        local bound = 13 + 997 * tonumber(at - SECOND) / 1e9
        assert(admitted <= bound + 1e-3)
        if tonumber(at) > 1.1e9 then assert(admitted >= bound - 14) end
      end
    end)

    it("take a clock that is a little behind", function()
      assert.equal(0, take("a", 1, 2, 5 * SECOND))
      assert.equal(0, take("a", 1, 2, 4 * SECOND))
      assert.is_true(take("a", 1, 2, 4 * SECOND) > 0)
      assert.is_true(take("a", 1, 2, 5 * SECOND) > 0)
      assert.equal(0, take("a", 1, 2, 6 * SECOND))
    end)

    it("take capacities that are no whole number, and quotas of a month", function()
      assert.equal(0, take("a", 1, 1.5, SECOND))
      assert.is_true(take("a", 1, 1.5, SECOND) <= 5e8 + 1)
      local month = 30 * 24 * 3600
      for _ = 1, 1000 do assert.equal(0, take("b", 1e6 / month, 1e6, SECOND)) end
    end)

    it("follow a capacity that was lowered", function()
      assert.equal(0, take("a", 1, 100, SECOND))
      assert.equal(0, take("a", 1, 1, SECOND))
      assert.is_true(take("a", 1, 1, SECOND) > 0)
    end)

    it("are forgotten when nobody asks them for their ttl", function()
      assert.equal(0, take("a", 0.001, 1, SECOND, SECOND))
      assert.is_true(take("a", 0.001, 1, SECOND * 3 / 2, SECOND) > 0) -- being asked keeps it
      assert.is_true(take("a", 0.001, 1, SECOND * 9 / 4, SECOND) > 0)
      assert.equal(0, take("a", 0.001, 1, SECOND * 4, SECOND))
    end)

    --- What processes that run `body(count)` have counted together.
    local function together(processes, body)
      local pids = {}
      for number = 1, processes do
        pids[number] = start(function()
          local mine = 0
          body(function(key, capacity)
            if take(key, 1e-9, capacity, SECOND) == 0 then mine = mine + 1 end
          end, number)
          core.store_add(store, key_of(store, "admitted"), mine, HOUR, SECOND)
          return 0
        end)
      end
      for _, pid in ipairs(pids) do assert.equal(0, wait_for(pid)) end
      return core.store_add(store, key_of(store, "admitted"), 0, HOUR, SECOND)
    end

    it("admit exactly their capacity to many processes", function()
      assert.equal(1000, together(6, function(count)
        for _ = 1, 20000 do count("shared", 1000) end
      end))
    end)

    it("admit exactly their capacity to processes that make them at the same time", function()
      core.store_free(store)
      new(30000)
      assert.equal(2 * 10000, together(4, function(count)
        for i = 1, 10000 do
          for _ = 1, 2 do count("key " .. i, 2) end
        end
      end))
    end)

    it("admit exactly their capacity while keys beside them come and go", function()
      assert.equal(1000, together(4, function(count, number)
        for i = 1, 20000 do
          if number <= 2 then
            count("shared", 1000)
          else
            take(("%d of %d"):format(i, number), 1, 1, SECOND, SECOND)
          end
        end
      end))
    end)
  end)

  describe("as records", function()
    local record

    before_each(function()
      record = ffi.new("struct store_record")
    end)

    local function read(key, at)
      core.store_read(store, key_of(store, key), at or SECOND, record)
      return record
    end

    local function write(key, at, ttl)
      return core.store_write(store, key_of(store, key), record, ttl or HOUR, at or SECOND)
    end

    it("are none at first", function()
      record.version, record.value[2] = 7, 7
      read("a")
      assert.is_true(record.version == 0)
      assert.equal(0, record.value[2])
    end)

    it("keep four numbers", function()
      for i = 0, 3 do record.value[i] = i + 0.5 end
      assert.is_true(write("a"))
      assert.is_true(record.version > 0)
      ffi.fill(record, ffi.sizeof(record))
      read("a")
      for i = 0, 3 do assert.equal(i + 0.5, record.value[i]) end
    end)

    it("are not overwritten by who read them too early", function()
      assert.is_true(write("a"))
      local other = ffi.new("struct store_record", read("a"))
      record.value[0] = 1
      assert.is_true(write("a"))
      other.value[0] = 2
      assert.is_false(core.store_write(store, key_of(store, "a"), other, HOUR, SECOND))
      assert.equal(1, read("a").value[0])
      assert.is_true(write("a")) -- the version it was raised to
    end)

    it("never get a version again, also after they expired", function()
      assert.is_true(write("a", SECOND, SECOND))
      local old = ffi.new("struct store_record", record)
      assert.is_true(read("a", 3 * SECOND).version == 0)
      assert.is_true(write("a", 3 * SECOND))
      assert.is_false(core.store_write(store, key_of(store, "a"), old, HOUR, 3 * SECOND))
    end)

    it("lose no change of many processes", function()
      local pids = {}
      for _ = 1, 4 do
        pids[#pids + 1] = start(function()
          for _ = 1, 2000 do
            repeat
              read("shared")
              record.value[3] = record.value[3] + 1
            until write("shared")
          end
          return 0
        end)
      end
      for _, pid in ipairs(pids) do assert.equal(0, wait_for(pid)) end
      assert.equal(8000, read("shared").value[3])
    end)
  end)

  describe("as counters", function()
    local function add(key, amount, at, ttl)
      return core.store_add(store, key_of(store, key), amount, ttl or HOUR, at or SECOND)
    end

    it("sum up", function()
      assert.equal(2.5, add("a", 2.5))
      assert.equal(1.5, add("a", -1))
      assert.equal(0, add("b", 0))
    end)

    it("start anew after their ttl", function()
      add("a", 5, SECOND, SECOND)
      assert.equal(5, add("a", 0, SECOND * 3 / 2, SECOND))
      assert.equal(1, add("a", 1, SECOND * 3, SECOND))
    end)
  end)

  it("keeps the kinds apart under one key", function()
    local record = ffi.new("struct store_record")
    assert.equal(5, core.store_add(store, key_of(store, "a"), 5, HOUR, SECOND))
    core.store_take(store, key_of(store, "a"), 1, 1, HOUR, SECOND)
    core.store_read(store, key_of(store, "a"), SECOND, record)
    assert.is_true(record.version == 0)
    assert.equal(5, core.store_add(store, key_of(store, "a"), 0, HOUR, SECOND))
  end)

  it("takes any bytes for a key", function()
    for i, key in ipairs({ "", "\0", "\0\0", "a", ("x"):rep(100000) }) do
      assert.equal(i, core.store_add(store, key_of(store, key), i, HOUR, SECOND))
    end
    assert.equal(2, core.store_add(store, key_of(store, "\0"), 0, HOUR, SECOND))
  end)

  for _, entries in ipairs({ 1, 1000, 1365, 30000, 100000 }) do
    it(("has room for %d entries when it was asked for that many"):format(entries), function()
      core.store_free(store)
      new(entries)
      for i = 1, entries do core.store_add(store, key_of(store, "key " .. i), i, HOUR, SECOND) end
      for i = 1, entries do assert(i == core.store_add(store, key_of(store, "key " .. i), 0, HOUR, SECOND)) end
      assert.equal(entries, tonumber(core.store_count(store, SECOND)))
      assert.equal(0, tonumber(core.store_count(store, 2 * HOUR)))
    end)
  end

  it("makes room by dropping what expires first", function()
    for i = 1, 100000 do core.store_add(store, key_of(store, "short " .. i), 1, HOUR, SECOND) end
    for i = 1, 100 do core.store_add(store, key_of(store, "long " .. i), i, 10 * HOUR, SECOND) end
    for i = 1, 20000 do core.store_add(store, key_of(store, "more " .. i), 1, HOUR, 2 * SECOND) end
    for i = 1, 100 do assert.equal(i, core.store_add(store, key_of(store, "long " .. i), 0, 10 * HOUR, 2 * SECOND)) end
    assert.is_true(core.store_count(store, SECOND) <= 4096)
  end)

  it("uses expired places before it drops what is alive", function()
    for i = 1, 5000 do core.store_add(store, key_of(store, "old " .. i), 1, SECOND, SECOND) end
    for i = 1, 500 do core.store_add(store, key_of(store, "new " .. i), i, SECOND * 10, 3 * SECOND) end
    for i = 1, 500 do
      assert.equal(i, core.store_add(store, key_of(store, "new " .. i), 0, SECOND * 10, 3 * SECOND))
    end
  end)

  it("goes on when those who hold its locks are killed", function()
    local record = ffi.new("struct store_record")
    local deadline, kills = now() + 20 * SECOND, 0
    for i = 1, 4000 do core.store_add(store, key_of(store, "filler " .. i), 1, HOUR, SECOND) end
    while (kills < 20 or core.store_rescues(store) < 3) and now() < deadline do
      local counts = kills % 2 == 1 -- who counts holds a lock nearly all the time, who writes may be in the midst of it
      local pid = start(function()
        while counts do core.store_count(store, SECOND) end
        while true do
          core.store_read(store, key_of(store, "pair"), SECOND, record)
          local next_value = record.value[0] + 1
          for i = 0, 3 do record.value[i] = next_value end
          core.store_write(store, key_of(store, "pair"), record, HOUR, SECOND)
          core.store_take(store, key_of(store, "bucket"), 1e-9, 1e9, HOUR, SECOND)
          core.store_take(store, key_of(store, "bucket " .. next_value), 1e-9, 1e9, SECOND, SECOND)
        end
      end)
      local before, seen = record.version, now()
      repeat core.store_read(store, key_of(store, "pair"), SECOND, record)
      until counts and now() > seen + SECOND / 100 or record.version ~= before or now() > seen + SECOND
      ffi.C.kill(pid, 9)
      wait_for(pid)
      kills = kills + 1
      core.store_read(store, key_of(store, "pair"), SECOND, record)
      for i = 1, 3 do assert.equal(record.value[0], record.value[i]) end -- whole, not torn
      core.store_take(store, key_of(store, "bucket"), 1e-9, 1e9, HOUR, SECOND)
      core.store_count(store, SECOND) -- takes every lock
    end
    assert.is_true(kills > 0)
    assert.is_true(core.store_rescues(store) >= 3)
  end)
end)
