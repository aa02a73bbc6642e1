local schema = require("cuttle.schema")

describe("schema", function()
  local function problems_of(shape, value, path)
    local ok, problems = schema.check(shape, value, path)
    return ok and {} or problems
  end

  it("names the offending key with its path", function()
    local shape = { type = "object", properties = { allow = { type = "array", items = { type = "string" } } } }
    assert.same({
      'endpoints[3].extra_config["payments/geo-fence"].allow[0]: expected string, got number',
    }, problems_of(shape, { allow = { 5 } }, 'endpoints[3].extra_config["payments/geo-fence"]'))
    assert.same({ "x: expected object, got string" }, problems_of(shape, "no", "x"))
    assert.same({ 'x["a b"]: expected null, got boolean' },
      problems_of({ properties = { ["a b"] = { type = "null" } } }, { ["a b"] = true }, "x"))
  end)

  local cases = {
    { { type = "string" }, "a" }, { { type = "string" }, 1, "expected string, got number" },
    { { type = "number" }, 1.5 }, { { type = "number" }, "1", "expected number, got string" },
    { { type = "integer" }, 3 }, { { type = "integer" }, 3.5, "expected integer, got number" },
    { { type = "integer" }, 9223372036854775807LL }, { { type = "number" }, 9223372036854775807LL },
    { { type = "boolean" }, false }, { { type = "boolean" }, 0, "expected boolean, got number" },
    { { type = "array" }, { 1 } }, { { type = "array" }, {} },
    { { type = "array" }, { a = 1 }, "expected array, got object" },
    { { type = "object" }, { a = 1 } }, { { type = "object" }, {} }, { { type = "object" }, { 1 }, "got array" },
    { { type = "object" }, setmetatable({}, {}), "expected object, got array" }, { { minItems = 1 }, { a = 1 } },
    { { type = { "string", "number" } }, 1 }, { { type = { "string", "number" } }, true, "expected string or number" },
    { { enum = { "a", "b" } }, "b" }, { { enum = { "a", 2 } }, "c", 'expected one of "a", 2, got "c"' },
    { { minimum = 1 }, 1 }, { { minimum = 1 }, 0.5, "expected at least 1, got 0.5" },
    { { maximum = 1 }, 1 }, { { maximum = 1 }, 2, "expected at most 1, got 2" },
    { { exclusiveMinimum = 0 }, 0.1 }, { { exclusiveMinimum = 0 }, 0, "expected more than 0, got 0" },
    { { exclusiveMaximum = 1 }, 0.1 }, { { exclusiveMaximum = 1 }, 1, "expected less than 1, got 1" },
    { { maximum = 5 }, 9223372036854775807LL, "x: expected at most 5, got 9223372036854775807" },
    { { maximum = 1e300 }, 9223372036854775807LL },
    { { minimum = 5 }, 9223372036854775807LL }, { { maxLength = 3 }, "äöü" }, { { minLength = 2 }, "ä", "at least 2" },
    { { minLength = 1 }, "a" }, { { minLength = 1 }, "", "expected at least 1 characters" },
    { { maxLength = 1 }, "a" }, { { maxLength = 1 }, "ab", "expected at most 1 characters" },
    { { type = "array", minItems = 1 }, {}, "expected at least 1, got 0" },
    { { type = "array", maxItems = 1 }, { 1, 2 }, "expected at most 1, got 2" },
    { { required = { "a" } }, { a = 1 } }, { { required = { "a" } }, { b = 1 }, "a is missing" },
    { { additionalProperties = false, properties = { a = {} } }, { a = 1 } },
    { { additionalProperties = false }, { a = 1 }, "x.a: no such setting" },
    { { additionalProperties = { type = "number" } }, { a = "b" }, "x.a: expected number, got string" },
    { { oneOf = { { type = "string" }, { type = "array", items = { type = "string" } } } }, { "a" } },
    { { oneOf = { { type = "string" }, { type = "number" } } }, true, "expected string, got boolean" },
  }

  it("accepts and refuses value by value", function()
    for i, case in ipairs(cases) do
      local problems = problems_of(case[1], case[2], "x")
      if case[3] then
        assert.equal(1, #problems, "case " .. i)
        assert.truthy(problems[1]:find(case[3], 1, true), problems[1])
      else
        assert.same({}, problems, "case " .. i)
      end
    end
  end)

  it("tells all that is wrong", function()
    local shape = { type = "object", required = { "c" }, properties = { a = { type = "string" }, b = { minimum = 1 } } }
    assert.same({ "x: c is missing", "x.a: expected string, got number", "x.b: expected at least 1, got 0" },
      problems_of(shape, { a = 1, b = 0 }, "x"))
    local names, value = {}, {}
    for i = 1, 9 do
      names[i] = ("x.n%d: no such setting"):format(i)
      value["n" .. i] = i
    end
    assert.same(names, problems_of({ additionalProperties = false }, value, "x"))
    assert.same({ "x: expected at most 5, got 9223372036854775807" },
      problems_of({ maximum = 5 }, 9223372036854775807LL, "x"))
  end)

  it("fills in defaults, each value its own copy", function()
    local shape = { type = "object", properties = {
      a = { type = "string", default = "x" }, b = { type = "array", default = { 1 } },
      c = { type = "boolean", default = false },
      d = { type = "object", properties = { e = { default = 5 } } },
      f = { type = "array", items = { type = "object", properties = { g = { default = 6 } } } },
    } }
    local first, second = { d = {}, f = { {} } }, { a = "mine" }
    assert.is_true(schema.check(shape, first))
    assert.is_true(schema.check(shape, second))
    assert.same({ a = "x", b = { 1 }, c = false, d = { e = 5 }, f = { { g = 6 } } }, first)
    assert.equal("mine", second.a)
    assert.are_not.equal(first.b, second.b)
  end)

  it("fills in nothing where something is wrong", function()
    local value = { b = 1 }
    assert.is_false(schema.check({ properties = { a = { default = 1 }, b = { type = "string" } } }, value))
    assert.is_nil(value.a)
  end)

  it("knows words that it would not check", function()
    assert.is_true(schema.is_valid({ type = "object", properties = { a = { type = "string", title = "A" } } }))
    for _, case in ipairs({
      { { typ = "object" }, 'schema: unknown word "typ"' },
      { { type = "text" }, 'schema.type: no such type "text"' },
      { { properties = { a = { pattern = "x" } } }, 'schema.properties.a: unknown word "pattern"' },
      { { items = { typ = "x" } }, 'schema.items: unknown word "typ"' },
      { { items = 5 }, "schema.items: expected a table, got number" },
      { { oneOf = { { minimun = 1 } } }, 'schema.oneOf[0]: unknown word "minimun"' },
      { { required = "a" }, "schema.required: expected a table, got string" },
      { { properties = { a = { minimum = "5" } } }, "schema.properties.a.minimum: expected a number, got string" },
      { { additionalProperties = { x = 1 } }, 'schema.additionalProperties: unknown word "x"' },
      { "no", "schema: expected a table, got string" },
    }) do
      local ok, why = schema.is_valid(case[1])
      assert.is_false(ok)
      assert.equal(case[2], why)
    end
  end)

  it("is not well-formed with a default that does not fit", function()
    local ok, problem = schema.is_valid({ properties = { a = { type = "integer", default = "x" } } })
    assert.is_false(ok)
    assert.equal("schema.properties.a.default: expected integer, got string", problem)
    assert.is_true(schema.is_valid({ type = "array", items = { type = "string" }, default = {} }))
  end)
end)
