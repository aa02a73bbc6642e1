local fetching = require("spec.support.fetching")
local gzip = require("kit.gzip").pack
local ok = fetching.ok

local URL = "http://10.0.0.1/"
local CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

local MS = 1000000LL

local packed = gzip("what was packed")
local responses = {
  { name = "a length", bytes = ok("hello, world"), body = "hello, world" },
  { name = "chunks", body = "hello, world", bytes =
    CHUNKED .. "5;a=\"b\"\r\nhello\r\n7\r\n, world\r\n0\r\nX: 1\r\n\r\n" },
  { name = "the end of the connection", bytes = "HTTP/1.1 200 OK\r\n\r\nhello, world", body = "hello, world",
    closes = true },
  { name = "no content", bytes = "HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n", body = "" },
  { name = "a hint", body = "hi", bytes = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" .. ok("hi") },
  { name = "gzip", body = "what was packed", bytes =
    ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"):format(#packed, packed) },
  { name = "gzip in chunks", body = "what was packed", bytes =
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    .. ("%x\r\n%s\r\n0\r\n\r\n"):format(#packed, packed) },
}

describe("client, whatever the network does,", function()
  local world, origin

  local function start(options) world, origin = fetching.restart(world, options) end

  before_each(function() start() end)

  after_each(function()
    world:close()
    world = nil
  end)

  local function answer_with(response)
    origin:now(function(conn)
      conn:write(response.bytes)
      if response.closes then conn:close_after() end
    end)
  end

  local ways = { collected = { collect = 1000 }, streamed = { collect = 0 } }

  for _, response in ipairs(responses) do
    for way, options in pairs(ways) do
      local what = ("%s, %s"):format(response.name, way)

      it("reads byte by byte: " .. what, function()
        world:fault("10.0.0.1", 80, nil, { split = 1 })
        answer_with(response)
        for _ = 1, 2 do
          local fetch = world:finish(world:fetch(URL, options))
          assert.is_nil(fetch.text)
          assert.equal(response.body, fetch.body)
        end
        assert.equal(response.closes and 0 or 1, world:idle())
      end)

      it("survives a reset at every byte: " .. what, function()
        for at = 1, #response.bytes do
          start()
          world:fault("10.0.0.1", 80, nil, { reset_at = at, split = at % 3 })
          answer_with(response)
          local fetch = world:finish(world:fetch(URL, options))
          local whole = at == #response.bytes and fetch.body == response.body
          assert.is_true(fetch.failure == "closed" or whole)
          world:advance(1)
          assert.equal(0, world:idle())
        end
      end)

      it("waits through a stall at every byte until it is cancelled: " .. what, function()
        for at = 1, #response.bytes - 1 do
          world:fault("10.0.0.1", 80, nil, { stall_at = at })
          answer_with(response)
          local fetch = world:fetch(URL, options)
          world:advance(1000)
          assert.is_nil(fetch.over)
          fetch:cancel()
          fetch:cancel()
          fetch:free()
          world:advance(1)
          local conn = origin.conns[#origin.conns]
          assert.is_truthy(conn.ended or not conn.sock)
        end
        assert.equal(0, world:idle())
      end)

      it("can be cancelled at any time: " .. what, function()
        world:fault("10.0.0.1", 80, { connect_delay = 3 * MS, split = 20, delay = MS },
          { split = 5, delay = MS })
        answer_with(response)
        for ms = 0, 60 do
          local fetch = world:fetch(URL, options)
          world:advance(ms / 1000)
          fetch:cancel()
          fetch:free()
        end
        world:advance(1)
        assert.is_true(world:idle() <= 1)
      end)

      it("can be cancelled, paused and freed within every event: " .. what, function()
        world:fault("10.0.0.1", 80, nil, { split = 3 })
        answer_with(response)
        local events = 1
        for stop = 1, 40 do
          local fetch = world:fetch(URL, options)
          fetch.on_piece = function(_, _, ends)
            events = #fetch.events
            if #fetch.events == stop or ends then
              fetch:pause()
              fetch:resume()
              fetch:cancel()
              fetch:free()
            end
          end
          world:run(function() return fetch.over end)
          world:advance(0.1)
          if events < stop then break end
        end
        assert.is_true(events >= 1)
      end)
    end
  end

  it("sends byte by byte", function()
    world:fault("10.0.0.1", 80, { split = 1, window = 1 })
    origin:answer(ok("done"))
    local fetch = world:get(URL, { method = "POST", body = { "one ", "two" }, chunked = true })
    assert.equal("done", world:finish(fetch).body)
    assert.equal("one two", origin.requests[1].body)
    assert.equal(1, world:idle())
  end)

  it("survives a reset at every byte of the request", function()
    for at = 1, 150 do
      start()
      world:fault("10.0.0.1", 80, { reset_at = at, window = 7 })
      origin:answer(ok("done"))
      local fetch = world:get(URL, { method = "POST", body = { "one ", "two" }, chunked = true })
      world:finish(fetch)
      assert.is_truthy(fetch.failure == "closed" or fetch.body == "done")
    end
  end)

  it("starts the next fetch within the last event of one, on the same connection", function()
    origin:answer(ok("a"))
    local count = 0
    local function again(fetch)
      fetch.on_piece = function()
        count = count + 1
        fetch:free()
        if count < 100 then again(world:get(URL)) end
      end
    end
    again(world:get(URL))
    world:run(function() return count == 100 end)
    assert.equal(100, #origin.requests)
    assert.equal(1, #origin.conns)
  end)

  it("may start and cancel others within an event", function()
    local held = {}
    origin:answer(function(conn) held[#held + 1] = conn end)
    local fetches = {}
    for i = 1, 5 do fetches[i] = world:fetch(URL) end
    world:run(function() return #held == 5 end)
    fetches[3].on_piece = function()
      for i, fetch in ipairs(fetches) do
        if i ~= 3 then
          fetch:cancel()
          fetch:free()
        end
      end
      world:fetch(URL):cancel()
    end
    for _, conn in ipairs(held) do conn:write(ok("x")) end
    world:finish(fetches[3])
    world:advance(1)
    assert.equal("x", fetches[3].body)
  end)

  it("fails within the failure of another", function()
    origin:answer(function(conn) conn:close() end)
    local fetch, other = world:fetch(URL), nil
    fetch.on_failure = function()
      fetch:free()
      other = world:fetch(URL)
    end
    world:run(function() return other and other.over end)
    assert.equal("closed", other.failure)
  end)

  it("is freed within any event", function()
    for _, response in ipairs(responses) do
      for stop = 1, 3 do
        start()
        world:fault("10.0.0.1", 80, nil, { split = 20 })
        answer_with(response)
        local fetch, freed = world:fetch(URL), false
        fetch.on_piece = function(_, _, ends)
          if freed or not (ends or #fetch.events == stop) then return end
          freed = true
          fetching.core.client_free(world.client)
          world.client = nil
        end
        world:run(function() return freed end)
        assert.is_true(freed)
      end
    end
  end)

  --- Two connections are kept; the next answer ends its own, and within its event what is given happens.
  local function with_a_kept_one(seed, before, within)
    start({ seed = seed })
    origin:answer(ok("x"))
    world:finish(world:fetch(URL), world:fetch(URL))
    world:advance(1)
    local kept
    origin:now(function(conn)
      conn:write(ok("x", "Connection: close\r\n"))
      kept = origin.conns[3 - conn.number]
      before(kept)
      origin:now(ok("done"))
    end)
    local first, second = world:fetch(URL), nil
    first.on_piece = function() second = within(kept) end
    world:run(function() return second and second.over end)
    assert.equal("done", second.body)
    assert.is_false(second.reused)
    assert.equal("content", origin.requests[#origin.requests].body)
    assert.equal(4, #origin.requests)
  end

  it("takes no connection that ends in the same instant for what cannot be sent again", function()
    local unnoticed = false
    for seed = 1, 20 do
      with_a_kept_one(seed, function(kept) kept:reset() end, function()
        unnoticed = unnoticed or world:idle() == 1
        local fetch = world:get(URL, { method = "POST", body = "content" })
        assert.is_false(fetch.fetch.reused)
        return fetch
      end)
    end
    assert.is_true(unnoticed)
  end)

  it("sends again what was not sent at all", function()
    for seed = 1, 20 do
      with_a_kept_one(seed, function() end, function(kept)
        local fetch = world:get(URL, { method = "POST", stream = true, length = 7 })
        assert.is_true(fetch.fetch.reused)
        kept:reset()
        fetch:write("con")
        fetch:write("tent", true)
        return fetch
      end)
    end
  end)

  --- One step of a run in which everything happens at once.
  local function do_something(random, fetches)
    local what = random(10)
    local fetch = fetches[random(math.max(1, #fetches))]
    if what <= 4 or not fetch then
      local stream = random(4) == 1
      fetch = world:fetch(URL, {
        method = stream and "POST" or random(2) == 1 and "GET" or "PUT", stream = stream,
        collect = random(0, 1) * 1000,
        body = not stream and random(2) == 1 and { "a", ("b"):rep(random(300)) } or nil,
        chunked = random(2) == 1, gunzip_always = random(2) == 1, expects_continue = random(3) == 1,
      })
      fetch.streams = stream
      fetches[#fetches + 1] = fetch
      local nested = random(6)
      fetch.on_piece = function()
        if nested == 1 then
          fetch:cancel()
          fetch:free()
        elseif nested == 2 then
          fetch:pause()
        end
      end
    elseif what == 5 and not fetch.over then
      fetch:cancel()
    elseif what == 6 and fetch.over then
      fetch:free()
    elseif what == 7 and not fetch.over then
      fetch:pause()
    elseif what == 8 and not fetch.over then
      fetch:resume()
    elseif fetch.streams and not fetch.over and fetch.arena then
      fetch.streams = random(3) > 1
      fetch:write(("c"):rep(random(0, 500)), not fetch.streams)
    end
  end

  it("survives everything at once", function()
    local done, failed = 0, 0
    for seed = 1, 60 do
      start({
        seed = seed, max_idle_connections_per_host = seed % 3 + 1, idle_connection_timeout = seed % 2 * 0.05,
        expect_continue_timeout = 0.01, response_header_timeout = 0.5,
      })
      math.randomseed(seed)
      local random = math.random
      for _, response in ipairs(responses) do
        origin:answer(function(conn)
          conn:write(response.bytes)
          if response.closes or random(8) == 1 then conn:close_after() end
          origin.answers[#origin.answers + 1] = table.remove(origin.answers, 1)
        end)
      end
      local fetches = {}
      for _ = 1, 100 do
        if random(5) == 1 then
          world:fault("10.0.0.1", 80, { split = random(0, 40), window = random(50, 500) },
            { split = random(0, 30), delay = random(0, 5) * MS,
              reset_at = random(6) == 1 and random(300) or 0 })
        end
        do_something(random, fetches)
        world:advance(random(0, 10) / 1000)
      end
      for _, fetch in ipairs(fetches) do
        if not fetch.over then
          fetch.on_piece = nil
          fetch:resume()
          if fetch.streams then fetch:write(nil, true) end
        end
      end
      world:run(function()
        for _, fetch in ipairs(fetches) do
          if not fetch.over then return false end
        end
        return true
      end)
      for _, fetch in ipairs(fetches) do
        assert.is_true(fetch.over, "a fetch never ends")
        done, failed = done + 1, failed + (fetch.failure and 1 or 0)
      end
    end
    assert.is_true(done > 1000 and failed > 50 and failed < done / 2)
  end)

  it("runs the same way again with the same seed", function()
    local function run(seed)
      start({ seed = seed })
      world:fault("10.0.0.1", 80, { split = 9 }, { split = 4, delay = MS })
      origin:answer(responses[2].bytes)
      local fetches = {}
      for i = 1, 10 do fetches[i] = world:fetch(URL, { collect = i % 2 * 1000 }) end
      world:finish(unpack(fetches))
      return tostring(fetching.core.sim_trace(world.env))
    end
    assert.equal(run(7), run(7))
  end)
end)
