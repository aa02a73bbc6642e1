local kit = require("kit")
local script = require("spec.support.script")

describe("store", function()
  after_each(script.clean)

  --- What the statements return, of a plugin at one endpoint, for each of the requests.
  local function answered(statements, requests)
    local gateway = script.gateway(([[
      function plugin:request(exchange)
        local store = self.runtime.store
        local values = { (function() %s end)() }
        for i = 1, #values do values[i] = tostring(values[i]) end
        return { status = 200, body = table.concat(values, " ") }
      end
    ]]):format(statements))
    local bodies = {}
    for i = 1, requests or 1 do bodies[i] = gateway:get("/x/1").body end
    return unpack(bodies)
  end

  it("adds up, apart from the parts", function()
    assert.same({ "1 2", "2 4" }, { answered([[
      return store:add("n", 1), store:part("p"):add("n", 2)
    ]], 2) })
  end)

  it("writes a record if nobody was faster", function()
    assert.equal("0 true 7 false", answered([[
      local version = store:read("r")
      local first = store:write("r", version, 7)
      return version, first, (select(2, store:read("r"))), store:write("r", version, 8)
    ]]))
  end)

  it("takes keys of any bytes and length", function()
    assert.equal("1 2 1 1", answered([[
      local long = ("k"):rep(5000)
      return store:add("a\0b", 1), store:add("a\0b", 1), store:add("a", 1), store:add(long, 1)
    ]]))
  end)

  it("has buckets, one for each key and one for all, apart from other parts' and from take's", function()
    assert.equal("true true true false", answered([[
      local bucket, other = store:bucket(0.001, 1), store:part("p"):bucket(0.001, 1)
      local function taken(...) return bucket:take(...) == 0 end
      return taken() and not taken(), taken("a") and taken("b") and not taken("a"),
        other:take() == 0 and other:take("a") == 0, taken()
    ]]))
  end)

  it("keeps a bucket until it is full again, whatever ttl is given", function()
    for _, take in ipairs({ 'store:take("quota", 0.0001, 1)', 'store:take("quota", 0.0001, 1, 1)',
      'store:bucket(0.0001, 1):take()', 'store:bucket(0.0001, 1, 1):take("quota")' }) do
      local gateway = script.gateway(([[
        function plugin:request()
          local store = self.runtime.store
          return { status = %s == 0 and 200 or 429 }
        end
      ]]):format(take))
      assert.equal(200, gateway:get("/x/1").status)
      kit.advance("2h")
      assert.equal(429, gateway:get("/x/1").status)
    end
  end)

  it("drops buckets that are full again before those that are not", function()
    local gateway = script.gateway([[
      function plugin:request(exchange)
        local store = self.runtime.store
        local others = store:bucket(100, 1)
        for i = 1, 20000 do others:take(exchange:param("id") .. " " .. i) end
        return { status = store:take("scarce", 0.001, 1) == 0 and 200 or 429 }
      end
    ]])
    assert.equal(200, gateway:get("/x/1").status)
    for i = 2, 5 do
      kit.advance("3s")
      assert.equal(429, gateway:get("/x/" .. i).status)
    end
  end)

  it("keeps a bucket from one request to the next", function()
    assert.same({ "true", "true", "false" }, { answered("return store:bucket(0.001, 2):take('k') == 0", 3) })
  end)

  it("has one bucket for a client, named by its exchange or its address", function()
    assert.equal("true false false true", answered([[
      local bucket = store:bucket(0.001, 1)
      local function taken(...) return bucket:take(...) == 0 end
      return taken(exchange), taken(exchange), taken(exchange:client_ip()), taken()
    ]]))
  end)

  it("refuses what makes no sense", function()
    for _, wrong in ipairs({ 'store:write("r", -1, 1)', 'store:write("r", 0/0, 1)', 'store:write("r", 1e300, 1)',
      'store:bucket(0, 1)', 'store:bucket(1, 0)', 'store:bucket(1, 1, -1)', 'store:bucket(1, 1):take({})',
      'store:bucket(1, 1):take(store)',
      'store:take("k", 0, 1)', 'store:take("k", 1/0, 1)', 'store:take("k", 1, 0)', 'store:take("k", 1, 1, -1)',
      'store:add("k", 1, 0)', 'store:add("k")', 'store.add(exchange, "k", 1)' }) do
      assert.equal("false", answered(("return (pcall(function() %s end))"):format(wrong)), wrong)
    end
  end)

  it("says what is wrong with a bucket's arguments, in the line of the plugin", function()
    for call, why in pairs({
      ["bucket:take({})"] = "bad argument #1 to 'take' (string expected, got table)",
      ["bucket:take(store)"] = "bad argument #1 to 'take' (exchange expected, got userdata)",
      ["bucket:take(self.runtime.json.null)"] = "bad argument #1 to 'take' (string expected, got userdata)",
      ["bucket.take(store)"] = "bad argument #1 to 'take' (bucket expected, got userdata)",
      ["bucket.take()"] = "bad argument #1 to 'take' (bucket expected, got nil)",
    }) do
      local said = answered(([[
        local bucket, why = store:bucket(1, 1), nil
        for i = 1, 200 do -- compiled too
          local _, now = pcall(function() %s end)
          assert(i == 1 or now == why, now)
          why = now
        end
        return why]]):format(call))
      assert.equal(why, (said:gsub("^[^ ]*spec_plugin.lua:6: ", "")))
    end
  end)

  it("is one for each endpoint", function()
    local source = script.source([[
      function plugin:request() return { status = 200, body = tostring(self.runtime.store:add("n", 1)) } end
    ]])
    local function endpoint(path)
      return { endpoint = path, extra_config = { ["spec/plugin"] = {} },
        backend = { { host = "http://192.0.2.9", url_pattern = "/" } } }
    end
    local gateway = kit.gateway({ plugin = { folder = script.folder({ ["p.lua"] = source }) },
      endpoints = { endpoint("/a"), endpoint("/b") } })
    assert.equal("1", gateway:get("/a").body)
    assert.equal("2", gateway:get("/a").body)
    assert.equal("1", gateway:get("/b").body)
  end)
end)
