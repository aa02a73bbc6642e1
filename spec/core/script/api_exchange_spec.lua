local script = require("spec.support.script")

describe("exchange", function()
  after_each(script.clean)

  --- What the statements return for GET /x/7?a=1&a=2&b=%20, as the answer's body.
  local function answered(statements, options)
    local gateway = script.gateway(([[
      function plugin:request(exchange)
        local value = (function() %s end)()
        return { status = 200, body = type(value) == "table" and value or tostring(value) }
      end
    ]]):format(statements), options)
    return gateway:request({
      method = "GET", path = "/x/7?a=1&a=2&b=%20", host = "shop.test", fields = { ["X-One"] = "1" },
    }).body
  end

  it("tells what the client sent", function()
    assert.equal("GET", answered("return exchange:method()"))
    assert.equal("/x/7", answered("return exchange:path()"))
    assert.equal("a=1&a=2&b=%20", answered("return exchange:raw_query()"))
    assert.equal("1", answered('return exchange:query("a")'))
    assert.equal(" ", answered('return exchange:query("b")'))
    assert.equal("nil", answered('return exchange:query("c")'))
    assert.equal("shop.test", answered("return exchange:host()"))
    assert.equal("/x/{id}", answered("return exchange:endpoint()"))
    assert.equal("7", answered('return exchange:param("id")'))
    assert.equal("nil", answered('return exchange:param("other")'))
    assert.equal("nil", answered('return exchange:param("Id")'))
    assert.equal("red", answered('exchange:set_param("team", "red") return exchange:param("team")'))
    assert.equal("nil", answered("return exchange:body()"))
    assert.equal("true", answered("return exchange:elapsed() >= 0"))
  end)

  it("finds fields in any letter case, the first line or all", function()
    assert.equal("1", answered('return exchange:field("x-one")'))
    assert.equal("nil", answered('return exchange:field("x-two")'))
    assert.equal('["1","2"]', answered([[
      exchange:add_field("x-one", "2")
      return exchange:field_lines("X-One")
    ]]))
    assert.equal("nil", answered('exchange:set_field("X-One", nil) return exchange:field("X-One")'))
  end)

  it("lists fields and the query: names as they are written elsewhere, values in their order", function()
    assert.equal('["Host","X-One","Two"]', answered([[
      exchange:add_field("two", "2")
      exchange:add_field("x-ONE", "1b")
      return exchange:field_names()
    ]]))
    assert.equal('{"a":["1","2"],"b":[" "]}', answered([[
      local table = exchange:query_table()
      return { a = table.a, b = table.b }
    ]]))
    assert.equal("a=2&b=+&c=x", answered([[
      local values = exchange:query_table()
      table.remove(values.a, 1)
      values.c = "x"
      exchange:set_query(values)
      return exchange:raw_query()
    ]]))
    local gateway, upstream = script.gateway([[
      function plugin:proxy(exchange)
        for _, name in ipairs(exchange:field_names()) do
          if name:find("^X%-Internal%-") then exchange:set_field(name, nil) end
        end
        local values = exchange:query_table()
        values.utm = nil
        exchange:set_query(values)
      end
      function plugin:response(exchange)
        exchange:response():set_field("X-Names", table.concat(exchange:response():field_names(), " "))
      end
    ]])
    local response = gateway:request({ path = "/x/1?utm=1&a=2", fields = { ["x-internal-a"] = "1", ["x-a"] = "2" } })
    assert.is_nil(upstream.requests[1].fields:get("X-Internal-A"))
    assert.equal("2", upstream.requests[1].fields:get("X-A"))
    assert.equal("/u?a=2", upstream.requests[1].target)
    assert.equal("X-Krakend X-Krakend-Completed Content-Type", response:field("X-Names"))
  end)

  it("is one value for its whole life, and dead afterwards", function()
    local gateway = script.gateway([[
      function plugin:request(exchange) self.kept = self.kept or exchange end
      function plugin:response(exchange)
        exchange:response():set_field("X-Same", tostring(self.kept == exchange))
      end
      function plugin:proxy() if self.second then return { status = 200, body = self.kept:method() } end
        self.second = true
      end
    ]])
    assert.equal("true", gateway:get("/x/1"):field("X-Same"))
    assert.equal(500, gateway:get("/x/1").status)
    assert.truthy(gateway:logged("exchange is over"))
  end)

  it("has a response that is dead with it, and not the next exchange's", function()
    local gateway = script.gateway([[
      function plugin:response(exchange)
        local response = exchange:response()
        if self.kept then response:set_field("X-Kept", select(2, pcall(self.kept.status, self.kept))) end
        self.kept = response
      end
    ]])
    assert.is_nil(gateway:get("/x/1"):field("X-Kept"))
    assert.matches("exchange is over", gateway:get("/x/1"):field("X-Kept"))
  end)

  --- What the statements say of `kept`, the exchange of another request that sleeps in its request phase.
  local function of_another(phase, statements)
    local gateway = script.gateway(([[
      function plugin:request(exchange)
        if exchange:query("sleeps") then
          self.kept = exchange
          self.runtime.sleep(1)
        end
      end
      function plugin:%s(exchange)
        if exchange:query("sleeps") then return end
        repeat self.runtime.sleep(0.01) until self.kept
        local kept = self.kept
        local ok, told = pcall(function() %s end)
        self.runtime.log.info("told: %%s %%s", tostring(ok), tostring(told))
      end
    ]]):format(phase, statements))
    local first, second = unpack(gateway:parallel({ { path = "/x/1?sleeps=1" }, { path = "/x/2" } }))
    assert.same({ 200, 200 }, { first.status, second.status })
    return gateway:logged("told: "):match("told: (.*)$")
  end

  it("shows itself to other requests' phases, but is edited in its own only", function()
    assert.equal("true GET /x/1 sleeps=1 gateway.test", of_another("proxy",
      'return table.concat({ kept:method(), kept:path(), kept:raw_query(), kept:field("Host") }, " ")'))
    for _, case in ipairs({
      { "proxy", 'set_field("a", "b")' }, { "proxy", 'set_query("")' }, { "proxy", 'set_body("")' },
      { "merged", "response()" }, { "response", "response()" },
    }) do
      local told = ("exchange:%s cannot be called on another request's exchange"):format(case[2]:match("^[%a_]+"))
      assert.equal("false", of_another(case[1], "kept:" .. case[2]):match("^%a+"))
      assert.matches(told, of_another(case[1], "kept:" .. case[2]), 1, true)
    end
  end)

  it("does not let a document be used after its exchange", function()
    local gateway = script.gateway([[
      function plugin:merged(exchange)
        if self.kept then self.kept.id = 2 end
        self.kept = exchange:response():data()
      end
    ]])
    assert.equal(200, gateway:get("/x/1").status)
    assert.equal(500, gateway:get("/x/1").status)
    assert.truthy(gateway:logged("exchange is over"))
  end)

  it("says in which phases a function may be called", function()
    local gateway = script.gateway('function plugin:request(exchange) exchange:response() end')
    assert.equal(500, gateway:get("/x/1").status)
    assert.truthy(gateway:logged("exchange:response cannot be called in the request phase %(only in: merged, " ..
      "response, log%)"))
    gateway = script.gateway('function plugin:merged(exchange) exchange:set_field("a", "b") end')
    assert.equal(500, gateway:get("/x/1").status)
    assert.truthy(gateway:logged("exchange:set_field cannot be called in the merged phase"))
  end)

  it("refuses fields that are none, and those that frame a message", function()
    for _, arguments in ipairs({ '"a b", "c"', '"a", "b\\r\\nc: d"', '"Content-Length", "5"', '"connection", "close"',
      '"transfer-encoding", "chunked"', '"", "x"' }) do
      local gateway = script.gateway(("function plugin:request(exchange) exchange:set_field(%s) end"):format(arguments))
      assert.equal(500, gateway:get("/x/1").status, arguments)
    end
  end)

  it("changes what backends receive", function()
    local gateway, upstream = script.gateway([[
      function plugin:request(exchange)
        exchange:set_field("X-Request", "r")
        exchange:set_query("a=9")
        exchange:set_param("id", "8")
      end
      function plugin:proxy(exchange)
        exchange:set_field("X-Proxy", exchange:param("id") .. exchange:query("a"))
      end
    ]], { backend = { url_pattern = "/u" } })
    gateway:get("/x/7?a=1")
    local seen = upstream.requests[1]
    assert.equal("r", seen.fields:get("X-Request"))
    assert.equal("89", seen.fields:get("X-Proxy"))
    assert.truthy(seen.target:find("a=9", 1, true))
  end)

  it("sets the last of two parameters with one key, which counts", function()
    local gateway, upstream = script.gateway([[
      function plugin:request(exchange) exchange:set_param("Id", "9") end
    ]], { endpoint = { endpoint = "/x/{id}/{Id}" }, backend = { url_pattern = "/u/{id}" } })
    gateway:get("/x/1/2")
    assert.equal("/u/9", upstream.requests[1].path)
  end)

  it("reads and replaces the body where the plugin says that it wants to", function()
    local gateway, upstream = script.gateway([[
      function plugin:request(exchange) exchange:set_body(exchange:body():upper()) end
    ]], { extra = "reads_body = true", method = "POST", backend = { method = "POST" } })
    assert.equal(200, gateway:post("/x/1", { body = "hello" }).status)
    assert.equal("HELLO", upstream.requests[1].body)
  end)

  it("may give a body to a request that has none", function()
    local gateway, upstream = script.gateway([[
      function plugin:request(exchange) exchange:set_body("given") end
    ]], { method = "POST", backend = { method = "POST" } })
    assert.equal(200, gateway:post("/x/1").status)
    assert.equal("given", upstream.requests[1].body)
  end)

  it("says what is missing where it does not", function()
    local gateway = script.gateway("function plugin:request(exchange) exchange:body() end", { method = "POST" })
    assert.equal(500, gateway:post("/x/1", { body = "hello" }).status)
    assert.truthy(gateway:logged("needs `reads_body = true`"))
  end)
end)
