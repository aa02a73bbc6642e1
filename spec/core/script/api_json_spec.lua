local script = require("spec.support.script")

describe("a document", function()
  after_each(script.clean)

  --- The answer's text after the statements have seen the backend's as `doc` (with json at hand).
  local function after(text, statements)
    local gateway = script.gateway(([[
      function plugin:merged(exchange)
        local json, response = self.runtime.json, exchange:response()
        local doc = response:data()
        %s
      end
    ]]):format(statements), { reply = text })
    local response = gateway:get("/x/1")
    assert.equal(200, response.status, table.concat(gateway:log(), "\n"))
    return response.body
  end

  --- What the statements raise.
  local function raised(text, statements)
    local gateway = script.gateway(([[
      function plugin:merged(exchange)
        local json, doc = self.runtime.json, exchange:response():data()
        %s
      end
    ]]):format(statements), { reply = text })
    assert.equal(500, gateway:get("/x/1").status)
    return gateway:logged("ERROR")
  end

  it("is read by name and position, and written as it came", function()
    local text = '{"user":{"name":"\\u0041da","n":1.10},"list":[1,[2]], "none" : null}'
    assert.equal(text, after(text, [[
      assert(doc.user.name == "Ada")
      assert(doc.user.n == 1.1)
      assert(json.number(doc.user, "n") == "1.10" and json.number(doc.list, 1) == "1")
      assert(json.number(doc.list, 0) == nil and json.number(doc.list, -1) == nil and json.number(doc, 1) == nil)
      assert(doc.list[2][1] == 2 and doc.list[3] == nil and doc.list[0] == nil and doc.list["1"] == nil)
      assert(doc.none == json.null and doc.missing == nil)
      assert(#doc == 3 and #doc.list == 2)
      assert(doc.user == doc.user and doc.user ~= doc.list)
    ]]))
  end)

  it("holds integers to 64 bits", function()
    local text = '{"a":9007199254740993,"b":18446744073709551615,"c":-9223372036854775808,"d":9007199254740992}'
    assert.equal('{"a":9007199254740993,"b":18446744073709551615,"c":-9223372036854775808,"d":9007199254740992,' ..
      '"e":9007199254740994,"f":18446744073709551615}', after(text, [[
      assert(doc.a == 9007199254740993LL and doc.b == 18446744073709551615ULL)
      assert(type(doc.d) == "number" and json.type(doc.a) == "number")
      doc.e = doc.a + 1
      doc.f = doc.b
    ]]))
  end)

  it("is changed in place: nothing else is written anew", function()
    local text = '{"keep": [1.0, 2e2], "list":["a","b","c"],"o":{"x":1}}'
    assert.equal('{"keep": [1.0, 2e2],"list":["A","c","d"],"o":{"y":[],"z":{}}}', after(text, [[
      doc.list[1] = "A"
      doc.list[2] = nil
      doc.list[3] = "d"
      doc.o.x = nil
      doc.o.y = json.array()
      doc.o.z = {}
    ]]))
  end)

  it("takes tables, with their names in order, and copies of other documents", function()
    assert.equal('{"a":{"x":[1,2]},"b":{"n":null,"t":true},"c":{"x":[1,2,3]}}', after('{"a":{"x":[1,2]}}', [[
      doc.b = { t = true, n = json.null }
      doc.c = doc.a
      doc.c.x[3] = 3
    ]]))
  end)

  it("says what cannot be done", function()
    assert.matches("an array of 2 elements has no such place", raised('{"a":[1,2]}', "doc.a[4] = 1"))
    assert.matches("a member of an object has a text for a name, not a number", raised('{"a":1}', "doc[1] = 1"))
    assert.matches("both names and positions", raised('{"a":1}', "doc.a = { 1, b = 2 }"))
    assert.matches("with holes", raised('{"a":1}', "doc.a = { [1] = 1, [3] = 2 }"))
    assert.matches("a function cannot be JSON", raised('{"a":1}', "doc.a = print"))
  end)

  it("is walked by json.pairs and json.ipairs", function()
    assert.equal('{"a":1,"b":[5,6],"seen":"a=1;b=table;1=5;2=6;"}', after('{"a":1,"b":[5,6]}', [[
      local seen = ""
      for name, value in json.pairs(doc) do
        seen = seen .. name .. "=" .. (json.type(value) == "array" and "table" or value) .. ";"
      end
      for i, value in json.ipairs(doc.b) do seen = seen .. i .. "=" .. value .. ";" end
      doc.seen = seen
    ]]))
  end)

  it("is manipulated by what json compiles", function()
    local text = '{"a":{"b":1,"c":2},"d":3,"e":4}'
    assert.equal('{"a":{"b":1},"d":3}', after(text, 'json.keep(doc, json.paths({ "a.b", "d" }))'))
    assert.equal('{"a":{"c":2},"e":4}', after(text, 'json.drop(doc, json.paths({ "a.b", "d" }))'))
    assert.equal('{"g":{"c":2,"b":1}}', after('{"a":{"b":1},"c":{"c":2}}', [[
      json.merge(doc.c, json.find(doc, "a"))
      response:set_data(json.wrap(doc.c, "g"))
    ]]))
    assert.equal('{"z":1}', after('{"a":1,"b":2}', [[
      json.rename(doc, json.renames({ a = "z", b = "b" }))
    ]]))
    assert.matches("expected an object, got an array", raised('{"a":[]}', "json.keep(doc.a, json.paths({}))"))
  end)

  it("comes from text and becomes text", function()
    assert.equal('{"a":1,"b":{"x": [1.50]},"c":"{\\"x\\": [1.50]}","d":"nil"}', after('{"a":1}', [[
      local made, why = json.decode('{"x": [1.50]}')
      doc.b = made
      doc.c = json.encode(made)
      made, why = json.decode('{"x": ')
      doc.d = tostring(made)
      assert(why == "unexpected EOF")
    ]]))
  end)

  it("becomes tables that know an empty array from an empty object", function()
    assert.equal('{"a":1}', after('{"a":1}', [[
      local t = json.decode_to_table('{"l":[],"o":{},"n":null,"i":18446744073709551615}')
      assert(json.type(t.l) == "array" and json.type(t.o) == "object" and t.n == json.null)
      assert(json.encode(t) == '{"i":18446744073709551615,"l":[],"n":null,"o":{}}')
      assert(json.encode(json.to_table(doc)) == '{"a":1}')
    ]]))
  end)
end)
