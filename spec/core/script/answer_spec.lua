local script = require("spec.support.script")

describe("what a phase returns", function()
  after_each(script.clean)

  local function request(statements, options)
    local gateway, upstream = script.gateway(
      ("function plugin:request(exchange) %s end"):format(statements), options)
    return gateway:get("/x/1"), gateway, upstream
  end

  it("is an answer: status, fields, and a body of text or JSON", function()
    local response, gateway, upstream = request([[
      return { status = 403, fields = { ["x-why"] = "no", ["set-cookie"] = { "a=1", "b=2" } }, body = "out" }
    ]])
    assert.equal(403, response.status)
    assert.equal("out", response.body)
    assert.equal("no", response:field("X-Why"))
    assert.is_nil(response:field("X-Krakend"))
    assert.equal(0, #upstream.requests)
    assert.is_nil(gateway:logged("ERROR"))
    response = request('return { status = 200, body = { list = {}, n = 1.5, text = "a" } }')
    assert.equal('{"list":{},"n":1.5,"text":"a"}', response.body)
    assert.equal("application/json", response:field("Content-Type"))
  end)

  it("is nothing too as one nil, or several", function()
    assert.equal(200, request("return nil").status)
    assert.equal(200, request("return nil, nil").status)
  end)

  it("may say why in the access log", function()
    local _, gateway = request('return { status = 429, reason = "too eager" }')
    assert.truthy(gateway:logged("Error #01: too eager"))
  end)

  it("is 500 and a line in the log where it makes no sense", function()
    for statements, why in pairs({
      ["return 5"] = "returned a number",
      ["return {}"] = "status: expected a number, got nil",
      ["return { status = 0 }"] = "the answer's status 0 is none",
      ["return { status = 42 }"] = "the answer's status 42 is none",
      ["return { status = 1000 }"] = "the answer's status 1000 is none",
      ["return { status = 200.5 }"] = "the answer's status 200.5 is none",
      ["return { status = 200, fields = { 'x' } }"] = "fields: expected names",
      ["return { status = 200, headers = { a = 'b' } }"] = 'the answer has no "headers": it may have status, ' ..
        "fields, body, reason",
      ["return nil, 'denied'"] = "spec_plugin.lua:2: returned nil and a string %(expected nothing, an answer",
      ["return { 503 }"] = "the answer has a number for a name: it may have",
      ["return { status = 200, fields = 'x' }"] = "fields: expected a table, got string",
      ["return { status = 200, reason = {} }"] = "the answer's reason: expected a text, got table",
      ["return exchange:query()"] = "spec_plugin.lua:2: bad argument", -- a tail call
      ["require('nothing')"] = 'spec_plugin.lua:2: module "nothing" is not in the plugin',
      ["self.runtime.log.info('%d', 'x')"] = "spec_plugin.lua:2: runtime.log.info: bad argument #2 to " ..
        "'string.format'",
      ["self.runtime.log.warning({}, 'x')"] = "spec_plugin.lua:2: runtime.log.warning: expected a text, got table",
      ["self.runtime.http.get('http://a.test', 5)"] = "spec_plugin.lua:2: runtime.http.get: expected a " ..
        "table of options, got number",
      ["return { status = 200, fields = { a = true } }"] = "field a: expected a text, got boolean",
      ["return { status = 200, fields = { a = { 'x', 'b\\nc' } } }"] = "field a: a value cannot hold control",
      ["return { status = 200, fields = { ['a: b'] = 'x' } }"] = "field a: b: not a field name",
      ["return { status = 200, fields = { ['content-length'] = 1 } }"] = "are the gateway's",
      ["return { status = 200, body = function() end }"] = "a function cannot be JSON",
      ["return { status = 200, body = { 0/0 } }"] = "JSON has no number",
      ["local t = {} t.t = t return { status = 200, body = t }"] = "nested too deeply",
      ["local t return t.x"] = "spec_plugin.lua:2: attempt to index local 't' %(a nil value%)",
      ["error({})"] = "spec_plugin.lua:2: error of type table",
      ["error(setmetatable({}, { __tostring = function() return 'mine' end }))"] = "spec_plugin.lua:2: mine",
      ["error()"] = "error of type nil",
      ["error(setmetatable({}, { __tostring = error }))"] = "spec_plugin.lua:2: an error without a text",
      ["coroutine.yield(1)"] = "yielded outside of a coroutine",
      ["string.rep('x', -1)() "] = "attempt to call",
    }) do
      local response, gateway = request(statements)
      assert.equal(500, response.status, statements)
      assert.equal("", response.body, statements)
      assert.truthy(gateway:logged("ERROR.*%[ENDPOINT: /x/:id%] plugin spec_plugin, request phase: .*" .. why),
        statements .. "\n" .. table.concat(gateway:log(), "\n"))
      assert.is_nil(gateway:logged("%.lua:%d+: .*%.lua:%d+: "), statements)
    end
  end)

  it("is 500 too when a function has used up its stack", function()
    local gateway = script.gateway("function plugin:request() local function f() return f() + 1 end return f() end")
    for _ = 1, 10 do assert.equal(500, gateway:get("/x/1").status) end
    assert.truthy(gateway:logged("request phase: .*spec_plugin.lua:2: stack overflow"))
  end)

  it("does not end anything but its own exchange", function()
    local gateway = script.gateway([[
      function plugin:request(exchange) if exchange:query("bad") then error("no") end end
    ]])
    for _ = 1, 3 do
      assert.equal(500, gateway:get("/x/1?bad=1").status)
      assert.equal(200, gateway:get("/x/1").status)
    end
  end)

  it("is an answer in the proxy and merged phases too, but not in the response phase", function()
    local gateway, upstream = script.gateway("function plugin:proxy() return { status = 201, body = 'p' } end")
    assert.equal(201, gateway:get("/x/1").status)
    assert.equal(0, #upstream.requests)
    gateway = script.gateway("function plugin:merged() return { status = 202, body = 'm' } end")
    assert.equal(202, gateway:get("/x/1").status)
    gateway = script.gateway("function plugin:response() return { status = 203 } end")
    assert.equal(500, gateway:get("/x/1").status)
    assert.truthy(gateway:logged("returned an answer %(only in: request, proxy, call, merged%)"))
  end)

  it("has a status from 200 to 999; other numbers are errors", function()
    local gateway = script.gateway([[
      function plugin:request(exchange) return { status = tonumber(exchange:query("s")), body = "x" } end
    ]])
    for _, status in ipairs({ "0", "42", "100", "199", "1000", "-1", "200.5", "nan", "inf" }) do
      assert.equal(500, gateway:get("/x/1?s=" .. status).status, status)
    end
    for _, status in ipairs({ "200", "204", "304", "599", "999" }) do
      local response = gateway:get("/x/1?s=" .. status)
      assert.equal(tonumber(status), response.status)
      assert.equal((status == "204" or status == "304") and "" or "x", response.body)
    end
  end)
end)

describe("the response in the merged phase", function()
  after_each(script.clean)

  it("may be given fields, a status and a body", function()
    local gateway = script.gateway([[
      function plugin:merged(exchange)
        local response = exchange:response()
        response:set_field("X-A", tostring(response:status()))
        response:add_field("Content-Type", "application/vnd.x+json")
        response:set_status(203)
        if exchange:query("body") then response:set_body("mine") end
      end
      function plugin:response(exchange)
        local response = exchange:response()
        response:set_field("X-Body", tostring(response:body()))
      end
    ]])
    local response = gateway:get("/x/1")
    assert.equal(203, response.status)
    assert.equal("200", response:field("X-A"))
    assert.same({ "application/vnd.x+json" }, response.fields:all("Content-Type"))
    assert.same({ "true" }, response.fields:all("X-Krakend-Completed"))
    assert.equal('{"id":1}', response.body)
    assert.equal("nil", response:field("X-Body"))
    response = gateway:get("/x/1?body=1")
    assert.equal("mine", response.body)
    assert.equal("mine", response:field("X-Body"))
  end)

  it("shows those of a no-op backend", function()
    local gateway = script.gateway([[
      function plugin:merged(exchange)
        local response = exchange:response()
        response:set_field("X-Was", response:status())
        response:set_field("Content-Type", "text/mine")
      end
    ]], { status = 202, reply = "hello", endpoint = { output_encoding = "no-op" } })
    local response = gateway:get("/x/1")
    assert.equal(202, response.status)
    assert.equal("hello", response.body)
    assert.equal("202", response:field("X-Was"))
    assert.same({ "text/mine" }, response.fields:all("Content-Type"))
  end)
end)
