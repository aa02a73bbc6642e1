local json = require("kit.json")
local kit = require("kit")
local script = require("spec.support.script")

describe("rate_limit", function()
  after_each(script.clean)

  local function upstream()
    local up = kit.upstream()
    up:on("GET", "/"):reply(200, { ok = true })
    return up
  end

  local function gateway_with(limit, endpoint)
    local config = {
      endpoint = "/x/{id}", backend = { { host = upstream().url, url_pattern = "/" } },
      extra_config = { ["qos/ratelimit/router"] = limit },
    }
    for key, value in pairs(endpoint or {}) do config[key] = value end
    return kit.gateway({ endpoints = { config } })
  end

  --- The statuses of count requests, as runs: "200x3 429x2".
  local function statuses(gateway, count, request, path)
    local runs = {}
    for _ = 1, count do
      local status = gateway:get(path or "/x/1", request).status
      local last = runs[#runs]
      if last and last[1] == status then last[2] = last[2] + 1 else runs[#runs + 1] = { status, 1 } end
    end
    for i, run in ipairs(runs) do runs[i] = ("%dx%d"):format(run[1], run[2]) end
    return table.concat(runs, " ")
  end

  describe("of an endpoint", function()
    it("lets its capacity through at once, then its rate", function()
      local gateway = gateway_with({ max_rate = 5, capacity = 10 })
      assert.equal("200x10 503x2", statuses(gateway, 12))
      kit.advance("190ms")
      assert.equal("503x1", statuses(gateway, 1))
      kit.advance("20ms")
      assert.equal("200x1 503x1", statuses(gateway, 2))
      kit.advance("1h")
      assert.equal("200x10 503x2", statuses(gateway, 12))
    end)

    it("answers 503 without content and gateway fields; only the access log says why", function()
      local gateway = gateway_with({ max_rate = 1, every = "1h" })
      gateway:get("/x/1")
      local response = gateway:get("/x/1")
      assert.equal(503, response.status)
      assert.equal("", response.body)
      assert.is_nil(response:field("X-Krakend"))
      assert.is_nil(response:field("Retry-After"))
      assert.truthy(gateway:logged("Error #01: rate limit exceded"))
    end)

    it("has a capacity by default: the whole rate, at least one", function()
      assert.equal("200x3 503x1", statuses(gateway_with({ max_rate = 3.9 }), 4))
      assert.equal("200x1 503x1", statuses(gateway_with({ max_rate = 50, every = "10m" }), 2))
      assert.equal("200x1 503x1", statuses(gateway_with({ max_rate = 0.01, capacity = 0 }), 2))
      assert.equal("200x2 503x1", statuses(gateway_with({ max_rate = 1, capacity = 2.9, every = "1h" }), 3))
      assert.equal("200x1 503x1", statuses(gateway_with({ max_rate = 1, capacity = -0.9, every = "1h" }), 2))
    end)

    it("counts in whole seconds at least", function()
      local gateway = gateway_with({ max_rate = 1, every = "1ms" })
      assert.equal("200x1 503x1", statuses(gateway, 2))
      kit.advance("500ms")
      assert.equal("503x1", statuses(gateway, 1))
      assert.equal("200x1 503x1", statuses(gateway_with({ max_rate = 1, every = "soon" }), 2))
    end)

    it("outlasts however many keys clients choose", function()
      local folder = script.folder({ ["flood.lua"] = script.source([[
        function plugin.new(_, runtime) return setmetatable({ runtime = runtime }, { __index = plugin }) end
        function plugin:request()
          local clients = self.runtime.store:part("clients"):bucket(1, 600)
          for i = 1, 20000 do clients:take(i) end
          return { status = 204 }
        end
      ]]) })
      local up = upstream()
      local gateway = kit.gateway({ plugin = { folder = folder }, endpoints = {
        { endpoint = "/x/{id}", backend = { { host = up.url, url_pattern = "/" } },
          extra_config = { ["qos/ratelimit/router"] = { max_rate = 1, every = "1m", capacity = 2 } } },
        { endpoint = "/y", backend = { { host = up.url, url_pattern = "/",
          extra_config = { ["qos/ratelimit/proxy"] = { max_rate = 1, every = "1m", capacity = 2 } } } } },
        { endpoint = "/flood", backend = { { host = up.url, url_pattern = "/" } },
          extra_config = { ["spec/plugin"] = {} } },
      } })
      assert.equal("200x2 503x1", statuses(gateway, 3))
      assert.equal("200x2 500x1", statuses(gateway, 3, nil, "/y"))
      kit.advance("1s")
      assert.equal(204, gateway:get("/flood").status)
      assert.equal("503x1", statuses(gateway, 1))
      assert.equal("500x1", statuses(gateway, 1, nil, "/y"))
    end)

    it("is off for rates that are none, and for a negative capacity", function()
      for _, limit in ipairs({ { max_rate = 0 }, { max_rate = -1 }, { max_rate = kit.null }, { max_rate = "1" },
        { max_rate = 1, capacity = -1 }, { capacity = 1 } }) do
        limit.every = "1h"
        assert.equal("200x3", statuses(gateway_with(limit), 3))
      end
    end)

    it("counts whole numbers that a double does not hold", function()
      local limit = json.decode('{"max_rate": 1, "capacity": 9007199254740993, "every": "1h"}', { numbers = "text" })
      assert.equal("200x3", statuses(gateway_with(limit), 3))
    end)

    it("tells at DEBUG what it does", function()
      local gateway = gateway_with({
        max_rate = 5.5, client_max_rate = 120, every = "1m", strategy = "Header", key = "X",
      })
      local enabled = "DEBUG: [ENDPOINT: /x/:id][Ratelimit] Rate limit enabled. "
      assert.truthy(gateway:logged(enabled .. "MaxRate: 0.091667, Capacity: 1", true))
      assert.truthy(gateway:logged(enabled .. "Strategy: Header (key: X), MaxRate: 2.000000, Capacity: 1", true))
      assert.falsy((gateway_with({ max_rate = 1, capacity = -1 }):logged("enabled")))
    end)

    it("says so when a rate is no number", function()
      for _, rate in ipairs({ "1", true, kit.array({}), {} }) do
        assert.truthy(gateway_with({ max_rate = rate }):logged("%[Ratelimit%] max_rate is no number: there is no"))
      end
      assert.falsy((gateway_with({ max_rate = kit.null }):logged("no number")))
    end)
  end)

  describe("of a client", function()
    it("goes by address, and is asked before the endpoint's", function()
      local gateway = gateway_with({ client_max_rate = 1, client_capacity = 2, max_rate = 1, capacity = 3, every = "1h",
        strategy = "ip" })
      local function from(ip) return { fields = { ["X-Forwarded-For"] = ip } } end
      assert.equal("200x2 429x2", statuses(gateway, 4, from("203.0.113.1")))
      assert.equal("200x1 503x1 429x1", statuses(gateway, 3, from("203.0.113.2")))
    end)

    it("goes by the first IPv4 address of a field, else by the client's", function()
      local gateway = gateway_with({ client_max_rate = 1, every = "1h", strategy = "ip", key = "X-Real" })
      local function from(text) return { fields = { ["X-Real"] = text } } end
      assert.equal("200x1 429x1", statuses(gateway, 2, from("1.1.1.1:99, 2.2.2.2")))
      assert.equal("429x1", statuses(gateway, 1, from(" 1.1.1.1 ")))
      assert.equal("429x1", statuses(gateway, 1, from("1.1.1.1 ,")))
      assert.equal("200x1", statuses(gateway, 1, from("1.1.1.2")))
      assert.equal("200x1", statuses(gateway, 1, from("::1")))
      assert.equal("429x1", statuses(gateway, 1, from("01.1.1.1")))
      for _, text in ipairs({ "1.1.1.256", "1.1.1.9 :1", "1.1.1.9 x", "1.1.1.9x", "1.1.1", ",1.1.1.9" }) do
        assert.equal("429x1", statuses(gateway, 1, from(text)), text)
      end
      assert.equal("429x1", statuses(gateway, 1))
    end)

    it("reads a field of nothing but gaps in one pass", function()
      local gateway = gateway_with({ client_max_rate = 1, every = "1h", strategy = "ip", key = "X-Real" })
      local text = "a" .. (" "):rep(60000) .. "b"
      local start = os.clock()
      assert.equal("200x1 429x1", statuses(gateway, 2, { fields = { ["X-Real"] = text } }))
      assert.is_true(os.clock() - start < 2)
    end)

    it("goes by the first line of a field, case and all", function()
      local gateway = gateway_with({
        client_max_rate = 1, client_capacity = 1, every = "1h", strategy = "Header", key = "x-key",
      })
      local function with(value) return { fields = { ["X-Key"] = value } } end
      assert.equal("200x1 429x1", statuses(gateway, 2, with("a")))
      assert.equal("200x1", statuses(gateway, 1, with("A")))
      assert.equal("429x1", statuses(gateway, 1, with("")))
      assert.equal("429x1", statuses(gateway, 1))
    end)

    it("takes a key that is no text as it is written", function()
      for key, name in pairs({ [5] = "5", [1.5] = "1.5", [true] = "True", [false] = "false" }) do
        local gateway = gateway_with({ client_max_rate = 1, every = "1h", strategy = "header", key = key })
        assert.equal("200x1 429x1", statuses(gateway, 2, { fields = { [name] = "a" } }))
      end
      for _, key in ipairs({ kit.null, kit.array({}), {} }) do
        assert.equal("429x1", statuses(gateway_with({ client_max_rate = 1, strategy = "header", key = key }), 1))
      end
    end)

    it("goes by a parameter of the path", function()
      local gateway = gateway_with({ client_max_rate = 1, every = "1h", strategy = "param", key = "id" })
      assert.equal("200x1 429x1", statuses(gateway, 2, nil, "/x/1"))
      assert.equal("200x1", statuses(gateway, 1, nil, "/x/2"))
    end)

    it("is nobody without a key, or by Host: 429", function()
      for _, limit in ipairs({ { strategy = "header" }, { strategy = "param" }, { strategy = "header", key = "Host" },
        { strategy = "param", key = "ID" }, { strategy = "param", key = "Id" }, { strategy = "header", key = "" } }) do
        limit.client_max_rate, limit.client_capacity = 100, 100
        assert.equal("429x1", statuses(gateway_with(limit), 1))
      end
    end)

    it("still has to have a key when a negative capacity lifts the limit", function()
      local limit = { client_max_rate = 1, client_capacity = -1, every = "1h", strategy = "header", key = "X-Key" }
      local gateway = gateway_with(limit)
      assert.equal("429x2", statuses(gateway, 2))
      assert.equal("200x3", statuses(gateway, 3, { fields = { ["X-Key"] = "a" } }))
      limit.strategy, limit.key = "ip", nil
      assert.equal("200x3", statuses(gateway_with(limit), 3))
    end)

    it("has a capacity by default that depends on the endpoint's rate", function()
      assert.equal("200x1 429x1", statuses(gateway_with({ client_max_rate = 10, strategy = "ip" }), 2))
      assert.equal("200x10 429x1", statuses(gateway_with({ client_max_rate = 10, max_rate = 50, strategy = "ip" }), 11))
      assert.equal("200x3 429x1", statuses(gateway_with(
        { client_max_rate = 3, max_rate = 1, capacity = 9, strategy = "ip" }), 4))
      assert.equal("200x1 429x1",
        statuses(gateway_with({ client_max_rate = 30, max_rate = 120, every = "1m", strategy = "ip" }), 2))
    end)

    it("is not lost with the bucket of an endpoint of another method", function()
      local up = upstream()
      up:on("POST", "/"):reply(200, {})
      local limit = { ["qos/ratelimit/router"] = { max_rate = 1, every = "1h" } }
      local gateway = kit.gateway({ endpoints = {
        { endpoint = "/x", backend = { { host = up.url, url_pattern = "/" } }, extra_config = limit },
        { endpoint = "/x", method = "POST", backend = { { host = up.url, url_pattern = "/" } }, extra_config = limit },
      } })
      assert.equal(200, gateway:get("/x").status)
      assert.equal(200, gateway:post("/x").status)
      assert.equal(503, gateway:get("/x").status)
    end)
  end)

  it("does not start with a strategy that is unknown, or settings that are none", function()
    local function refusal(limit)
      return kit.refusal({ endpoints = { {
        endpoint = "/x", backend = { { host = "http://192.0.2.9", url_pattern = "/" } },
        extra_config = { ["qos/ratelimit/router"] = limit },
      } } })
    end
    assert.matches("%[ENDPOINT: /x%]%[Ratelimit%] Unknown strategy cookie",
      refusal({ client_max_rate = 1, strategy = "cookie" }))
    assert.matches("Unknown strategy", refusal({ client_max_rate = 1 }))
    assert.is_nil(refusal({ max_rate = 1, strategy = "cookie" }))
    assert.matches('endpoints%[0%].extra_config%["qos/ratelimit/router"%]: expected object, got array', refusal({ 5 }))
  end)

  describe("of a backend", function()
    local function limited(limit, more)
      local backends = { { host = upstream().url, url_pattern = "/", group = "a",
        extra_config = { ["qos/ratelimit/proxy"] = limit } } }
      for _, backend in ipairs(more or {}) do backends[#backends + 1] = backend end
      return kit.gateway({ endpoints = { { endpoint = "/x", backend = backends } } })
    end

    it("fails its calls over the limit: 500, or a partial answer", function()
      local alone = limited({ max_rate = 1, capacity = 2, every = "1h" })
      assert.equal("200x2 500x1", statuses(alone, 3, nil, "/x"))
      assert.truthy(alone:logged("DEBUG: [BACKEND: /][Ratelimit] Enabling the rate limiter", true))
      local other = { host = upstream().url, url_pattern = "/", group = "b" }
      local gateway = limited({ max_rate = 1, every = "1h" }, { other })
      gateway:get("/x")
      local response = gateway:get("/x")
      assert.same({ b = { ok = true } }, response:json())
      assert.equal("false", response:field("X-Krakend-Completed"))
    end)

    it("honours spans below a second, and counts in seconds without one", function()
      local gateway = limited({ max_rate = 1, capacity = 1, every = "300ms" })
      assert.equal("200x1 500x1", statuses(gateway, 2, nil, "/x"))
      kit.advance("310ms")
      assert.equal("200x1", statuses(gateway, 1, nil, "/x"))
      gateway = limited({ max_rate = 1 })
      assert.equal("200x1 500x1", statuses(gateway, 2, nil, "/x"))
      kit.advance("1010ms")
      assert.equal("200x1", statuses(gateway, 1, nil, "/x"))
    end)

    it("is off for values that are none", function()
      for _, limit in ipairs({ { max_rate = 0 }, { max_rate = "1" }, { max_rate = 1, every = "-1h" },
        { max_rate = 1, every = "0s" }, { max_rate = -1, every = "-1h" }, { max_rate = 1e300, every = "1ns" },
        kit.array({}) }) do
        assert.equal("200x3", statuses(limited(limit), 3, nil, "/x"))
      end
    end)
  end)
end)
