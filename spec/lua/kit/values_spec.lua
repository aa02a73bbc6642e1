--- JSON, gzip and fields, as specs write and read them.
local fields = require("kit.fields")
local gzip = require("kit.gzip")
local json = require("kit.json")

describe("json.decode", function()
  local function same(wanted, text, options)
    local value, problem = json.decode(text, options)
    assert.is_nil(problem)
    assert.same(wanted, value)
  end

  it("reads every kind of value", function()
    same({ a = { 1, "x", true, false }, o = {} }, ' { "a" : [ 1 , "x" , true , false ] , "o" : { } } ')
    same(-12.5e3, "-12.5e3")
    same(0, "-0")
    same("", '""')
  end)

  it("tells null and the empty array from nothing and the empty object", function()
    assert.equal(json.null, json.decode("null"))
    assert.equal("null", tostring(json.null))
    assert.equal('{"a":[],"n":null,"o":{}}', json.encode(json.decode('{"a":[],"n":null,"o":{}}')))
  end)

  it("reads escapes, surrogates and DEL", function()
    same('"\\/\b\f\n\r\t', [["\"\\\/\b\f\n\r\t"]])
    same("é€😀\127", '"\\u00e9\\u20ac\\ud83d\\ude00\127"')
    same("\239\191\189x", '"\\ud83dx"') -- half a pair is U+FFFD
    same("\255", '"\\udcff"', { raw_bytes = true })
  end)

  it("keeps the text of numbers if it shall", function()
    local value = json.decode('[1.10, 1e2, 12345678901234567890]', { numbers = "text" })
    assert.equal("1.10", value[1].text)
    assert.equal("[1.10,1e2,12345678901234567890]", json.encode(value))
    assert.is_true(value[2] == json.decode("1e2", { numbers = "text" }))
    assert.is_false(value[2] == json.decode("100", { numbers = "text" }))
  end)

  for _, text in ipairs({
    "", " ", "{", "[", '"', "tru", "nul", "[1,]", '{"a":1,}', "{a:1}", '{"a" 1}', "[1 2]", "1 2", "01", "-", "1.", ".5",
    "1e", "+1", "0x1", "Infinity", "NaN", '"\\x"', '"\\u12"', '"a\nb"', "'a'", "[1]]",
  }) do
    it(("refuses %q"):format(text), function()
      local value, problem = json.decode(text)
      assert.is_nil(value)
      assert.matches("^JSON: .* at byte %d+$", problem)
    end)
  end
end)

describe("json.encode", function()
  it("sorts names, and tells arrays by their mark or their elements", function()
    assert.equal('{"a":[1,2],"b":{},"c":[]}', json.encode({ c = json.array(), b = {}, a = { 1, 2 } }))
    assert.equal("[null,1]", json.encode({ json.null, 1 }))
  end)

  it("writes numbers in their shortest form", function()
    for text, value in pairs({
      ["0.1"] = 0.1, ["1"] = 1, ["-7"] = -7, ["9007199254740992"] = 2 ^ 53, ["1e+300"] = 1e300,
      ["0.30000000000000004"] = 0.1 + 0.2, ["9.7"] = 9.7,
    }) do
      assert.equal(value, tonumber(json.encode(value)))
      assert.equal(text, json.encode(value))
    end
  end)

  it("escapes what must be escaped, and leaves other bytes", function()
    assert.equal([["\"\\\u000a\u0000é"]], json.encode('"\\\n\0é'))
  end)

  it("raises for what JSON has not", function()
    for _, value in ipairs({ print, 0 / 0, math.huge, -math.huge, { 1, print }, { [true] = 1 }, { [5] = 1 } }) do
      assert.has_error(function() json.encode(value) end)
    end
  end)
end)

describe("gzip", function()
  it("unpacks what it packed, at every level and size", function()
    for _, text in ipairs({ "", "x", ("abc"):rep(100000), ("\0\255\1"):rep(70000) }) do
      for level = 0, 9 do assert.equal(text, gzip.unpack(gzip.pack(text, level))) end
    end
  end)

  it("packs, and stores at level 0", function()
    local text = ("abc"):rep(10000)
    assert(#gzip.pack(text) < 1000)
    assert(#gzip.pack(text, 0) > #text)
  end)

  it("gives nil for what is no whole gzip", function()
    local packed = gzip.pack("some text")
    for _, bytes in ipairs({ "", "plain", packed:sub(1, -2), packed:sub(1, 12), "x" .. packed }) do
      assert.is_nil(gzip.unpack(bytes))
    end
  end)
end)

describe("fields", function()
  local section = fields.new({ { "X-A", "1" }, { "x-b", "2" }, { "x-a", "3" } })

  it("are found in any letter case", function()
    assert.equal("1", section:get("x-A"))
    assert.same({ "1", "3" }, section:all("X-a"))
    assert.is_nil(section:get("x-c"))
    assert.same({}, section:all("x-c"))
    assert.same({ ["x-a"] = { "1", "3" }, ["x-b"] = { "2" } }, section:map())
  end)

  it("are made of what a spec writes", function()
    assert.same({}, fields.from(nil))
    assert.same({ { "B", "1" } }, fields.from({ { "B", "1" } }))
    assert.same({ { "A", "1" }, { "B", "x" }, { "B", "y" } }, fields.from({ B = { "x", "y" }, A = 1 }))
    assert.equal("A: 1\r\nB: x\r\n", fields.format({ { "A", "1" }, { "B", "x" } }))
  end)
end)
