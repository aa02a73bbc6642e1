--- Random sets of routes against a matcher that tries every route.
local config = require("spec.support.config")

local function split(path)
  local segments = {}
  for segment in (path:sub(2) .. "/"):gmatch("([^/]*)/") do segments[#segments + 1] = segment end
  return segments
end

--- Does the path have this shape? Returns a key that sorts literal text before parameters, segment by
-- segment.
local function rank(route, path)
  local have, want = split(path), split(route)
  if #have ~= #want then return nil end
  local key = {}
  for i, segment in ipairs(want) do
    if segment:match("^{") then
      if have[i] == "" and i == #want then return nil end
      key[i] = "1"
    elseif segment == have[i] then
      key[i] = "0"
    else
      return nil
    end
  end
  return table.concat(key)
end

local function best(routes, path)
  local winner, winning
  for _, route in ipairs(routes) do
    local key = rank(route, path)
    if key and (not winning or key < winning) then winner, winning = route, key end
  end
  return winner
end

local words = { "a", "ab", "abc", "b", "ba", "c", "u", "us", "users" }

local function random_path(random, segment)
  local segments = {}
  for i = 1, random(4) do segments[i] = segment(i) end
  return "/" .. table.concat(segments, "/")
end

--- A generator of its own, so that a failure comes back with its seed.
local function generator(seed)
  local state = seed
  return function(n)
    state = (state * 1103515245 + 12345) % 2147483648
    return math.floor(state / 65536) % n + 1
  end
end

describe("router_tree", function()
  for seed = 1, 40 do
    it("finds what a search through all routes finds, seed " .. seed, function()
      local random = generator(seed)
      local routes, seen = {}, {}
      for _ = 1, 4 + random(30) do
        local route = random_path(random, function(i) return random(3) == 1 and "{p" .. i .. "}"
          or words[random(#words)] end)
        if not seen[route] then
          seen[route] = true
          routes[#routes + 1] = route
        end
      end
      local r = assert(config.router(assert(config.parse(config.endpoints(routes)))))
      for _ = 1, 200 do
        local path = random_path(random, function() return random(8) == 1 and "" or words[random(#words)] end)
        local route = best(routes, path)
        local verdict, pattern, params = config.match(r, "GET", path)
        if route then
          assert.equal(route:gsub("{(.-)}", ":%1"), pattern, path)
          local have, want = split(path), {}
          for i, segment in ipairs(split(route)) do
            if segment:match("^{") then want[#want + 1] = segment:sub(2, -2) .. "=" .. have[i] end
          end
          assert.equal(table.concat(want, " "), params, path)
        else
          assert.not_equal("found", verdict, path)
        end
        if verdict == "redirect" then assert.matches("^/[^/]?", pattern, path) end
      end
    end)
  end

  it("finds each of a thousand routes", function()
    local routes = {}
    for i = 1, 1000 do routes[i] = ("/v%d/%s/{id}/%d"):format(i % 7, words[i % #words + 1], i) end
    local r = assert(config.router(assert(config.parse(config.endpoints(routes)))))
    for _, route in ipairs(routes) do
      assert.equal("found", (config.match(r, "GET", (route:gsub("{id}", "7")))))
    end
  end)
end)
