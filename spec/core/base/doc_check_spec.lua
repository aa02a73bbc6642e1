--- The two checks of a text: each alone, against the other, on whole, cut and damaged texts.
local ffi = require("ffi")
local doc = require("spec.support.doc")
local core = require("spec.support.cdef").load("base/doc_private.h")

local texts = {
  '{"a":1,"b":[true,false,null],"c":{"d":"e"},"f":-1.5e+10}',
  '[1,2,3,[],{},[[]],[{}],{"a":[]},"",0,-0,0.0,1e5,1E-5,123456789012345678901234567890]',
  '{"long":"' .. ("lorem ipsum "):rep(20) .. '","n":[' .. ("12.50,"):rep(40) .. '0]}',
  '{ "white" : [ 1 , 2 ,\t3 ]\r\n,\n"space" : { } , "x" :\n\n"y"  }\n',
  '{"esc\\"aped":"\\\\\\"\\u00e9\\/\\b\\f\\n\\r\\t\\ud83d\\ude00' .. ("\\\\"):rep(40) .. '"}',
  '{"utf8":"café, 日本語, 😀' .. ("é"):rep(50) .. '"}',
  ("["):rep(70) .. "-12.5e-7" .. ("]"):rep(70),
  ('{"k":'):rep(40) .. "true" .. ("}"):rep(40),
  '[' .. ("true,false,null,"):rep(20) .. '{"z":[-0.1,-10,' .. ("-1.25E+3,"):rep(30) .. '1]}]',
  "[" .. (" "):rep(200) .. "1" .. ("\n"):rep(130) .. "," .. ("\t"):rep(64) .. "2" .. (" "):rep(63) .. "]",
}

--- The boxes that a check finds and where the value ends, as text; nil if the check says no.
local function check(fn, text, ...)
  local arena = doc.arena()
  local exact = ffi.gc(core.mem_alloc(#text), core.mem_free)
  ffi.copy(exact, text, #text)
  local c = ffi.new("struct doc_check")
  c.arena, c.text.ptr, c.text.len = arena, ffi.cast("const char *", exact), #text
  core.doc_check_reserve(c, 64)
  if not fn(c, ...) then return nil end
  local parts = { ("end %d, ill-formed %s"):format(c["end"], tostring(c.ill_formed)) }
  for i = 0, c.count - 1 do
    parts[#parts + 1] = ("%d-%d/%d"):format(c.boxes[i].open, c.boxes[i].close, c.boxes[i].next)
  end
  return table.concat(parts, " ")
end

local function vector(text)
  return check(core.doc_check_vector, text)
end

local function plain(text)
  local err = ffi.new("struct error")
  local found = check(core.doc_check_plain, text, err)
  return found, ffi.string(err.text)
end

local function assert_agree(text)
  local expected = plain(text)
  local found = vector(text)
  if found ~= expected then
    error(("differs on %q:\nplain  %s\nvector %s"):format(text, tostring(expected), tostring(found)))
  end
end

-- A generator of its own, so that a failure repeats everywhere.
local function chance(seed)
  return function(limit)
    seed = (seed * 16807) % 2147483647
    return seed % limit
  end
end

describe("doc: the check by vectors", function()
  if not core.doc_has_vector() then
    print("skipped: this machine has no AVX2")
    return
  end

  it("accepts what the plain check accepts, and finds the same boxes", function()
    for _, text in ipairs(texts) do
      assert.is_truthy(plain(text))
      assert_agree(text)
    end
  end)

  it("agrees wherever the text begins in its blocks", function()
    for _, text in ipairs(texts) do
      for pad = 0, 70 do assert_agree('["' .. ("x"):rep(pad) .. '",' .. text .. "]") end
    end
  end)

  it("agrees on texts cut at every length", function()
    for _, text in ipairs(texts) do
      for len = 1, #text do assert_agree(text:sub(1, len)) end
    end
  end)

  it("agrees on damaged texts", function()
    local random = chance(2077)
    local alphabet = '{}[]:,"\\0123456789.-+eEtfnulase \n\t/\1\0x{}[]:,"'
    for _ = 1, 60000 do
      local text = texts[random(#texts) + 1]
      for _ = 1, random(3) + 1 do
        local at = random(#text) + 1
        local pick = random(#alphabet) + 1
        local byte = alphabet:sub(pick, pick)
        local how = random(4)
        if how == 0 then
          text = text:sub(1, at - 1) .. text:sub(at + 1)
        elseif how == 1 then
          text = text:sub(1, at) .. byte .. text:sub(at + 1)
        else
          text = text:sub(1, at - 1) .. byte .. text:sub(at + 1)
        end
        if #text == 0 then text = "[" end
      end
      if text:find("^[%[{]") then assert_agree(text) end
    end
  end)

  it("agrees on random tokens", function()
    local random = chance(1963)
    local tokens = {
      "{", "}", "[", "]", ":", ",", '"a"', '"b":', "1", "-", "0", ".5", "e", "E+1", "true", "false", "null",
      " ", "\n",
      '{"k":', "[1,", '"\\n"', "12", ',"c":', "{}", "[]", "1.5", "}", "]",
    }
    for _ = 1, 60000 do
      local parts = { random(2) == 0 and "[" or "{" }
      for i = 1, random(14) + 1 do parts[i + 1] = tokens[random(#tokens) + 1] end
      assert_agree(table.concat(parts))
    end
  end)

  it("agrees on bytes beyond ASCII in strings", function()
    local random = chance(42)
    for _ = 1, 20000 do
      local parts = { '["', ("x"):rep(random(70)) }
      for _ = 1, random(8) + 1 do parts[#parts + 1] = string.char(128 + random(128)) end
      parts[#parts + 1] = ("y"):rep(random(3)) .. '"]'
      assert_agree(table.concat(parts))
    end
  end)
end)

describe("doc: the plain check", function()
  local function whole(text)
    local node, why = doc.parse(doc.arena(), text)
    return node and "valid" or why
  end

  local complaints = {
    [""] = "EOF",
    [" \n\t\r"] = "EOF",
    ["{"] = "unexpected EOF",
    ['{"a"'] = "unexpected EOF",
    ['"abc'] = "unexpected EOF",
    ["tru"] = "unexpected EOF",
    ["-"] = "unexpected EOF",
    ["1."] = "unexpected EOF",
    ["1e"] = "unexpected EOF",
    ['"\\'] = "unexpected EOF",
    ['"\\u12'] = "unexpected EOF",
    ["[1"] = "unexpected EOF",
    ["[1,"] = "unexpected EOF",
    ["x"] = "invalid character 'x' looking for beginning of value",
    ["[1,]"] = "invalid character ']' looking for beginning of value",
    ['{"a":}'] = "invalid character '}' looking for beginning of value",
    ["{a"] = "invalid character 'a' looking for beginning of object key string",
    ['{"a":1,}'] = "invalid character '}' looking for beginning of object key string",
    ['{"a"}'] = "invalid character '}' after object key",
    ['{"a":1 "b"'] = "invalid character '\"' after object key:value pair",
    ["[1 2]"] = "invalid character '2' after array element",
    ["[1}"] = "invalid character '}' after array element",
    ["{} {"] = "invalid character '{' after top-level value",
    ["01"] = "invalid character '1' after top-level value",
    ["[01]"] = "invalid character '1' after array element",
    ["-x"] = "invalid character 'x' in numeric literal",
    ["1.x"] = "invalid character 'x' after decimal point in numeric literal",
    ["1e+x"] = "invalid character 'x' in exponent of numeric literal",
    ["trux"] = "invalid character 'x' in literal true (expecting 'e')",
    ["nil"] = "invalid character 'i' in literal null (expecting 'u')",
    ["falsy"] = "invalid character 'y' in literal false (expecting 'e')",
    ['"\n"'] = "invalid character '\\n' in string literal",
    ['"\0"'] = "invalid character '\\x00' in string literal",
    ['"\\x"'] = "invalid character 'x' in string escape code",
    ['"\\\0"'] = "invalid character '\\x00' in string escape code",
    ['"\\u12g4"'] = "invalid character 'g' in \\u hexadecimal character escape",
    ["'"] = "invalid character '\\'' looking for beginning of value",
    ["\\"] = "invalid character '\\\\' looking for beginning of value",
    ["\127"] = "invalid character '\\x7f' looking for beginning of value",
    ["\195\169"] = "invalid character 'Ã' looking for beginning of value",
    ["\128"] = "invalid character '\\u0080' looking for beginning of value",
    ["\239\187\191{}"] = "invalid character 'ï' looking for beginning of value",
  }

  for text, complaint in pairs(complaints) do
    it(("says of %q: %s"):format(text, complaint), function()
      assert.equal(complaint, whole(text))
    end)
  end

  it("reports an unexpected EOF for every cut text", function()
    for _, text in ipairs(texts) do
      text = text:match("^(.-)%s*$")
      for len = 1, #text - 1 do
        local _, why = doc.parse(doc.arena(), text:sub(1, len))
        assert.equal("unexpected EOF", why)
      end
    end
  end)

  it("looks at the first value alone if told so", function()
    local arena = doc.arena()
    for text, value in pairs({
      ['{"a":1} garbage'] = '{"a":1}', ["[1]]"] = "[1]", ["12x"] = "12", ["01"] = "0", ["truex"] = "true",
      [' "a"b'] = '"a"', ["-0-"] = "-0", ['{}"'] = "{}", ['[""]\\"\1'] = '[""]', ["[] \255"] = "[]",
    }) do
      assert.equal(value, (doc.write(arena, doc.parse(arena, text, doc.FIRST).node)))
      assert.equal(value, (doc.write(arena, doc.parse_plain(arena, text, doc.FIRST).node)))
    end
  end)

  it("accepts 10000 levels and refuses one more", function()
    for _, parse in ipairs({ doc.parse, doc.parse_plain }) do
      local arena = doc.arena()
      assert.is_truthy(parse(arena, ("["):rep(10000) .. ("]"):rep(10000)))
      assert.is_truthy(parse(arena, ('{"a":'):rep(9999) .. "[]" .. ("}"):rep(9999)))
      local _, why = parse(arena, ("["):rep(10001) .. ("]"):rep(10001))
      assert.equal("invalid character '[' exceeded max depth", why)
      _, why = parse(arena, ('{"a":'):rep(10001))
      assert.equal("invalid character '{' exceeded max depth", why)
    end
  end)
end)
