--- Reading and editing documents.
local ffi = require("ffi")
local doc = require("spec.support.doc")
local core, str, lua = doc.core, doc.str, doc.lua

local arena

local function parse(text)
  local parsed, why = doc.parse(arena, text)
  assert(parsed, why)
  return parsed.node
end

local kept = {} -- strings that nodes borrow

local function keep(text)
  kept[#kept + 1] = text
  return str(text)
end

local function get(node, ...)
  for _, name in ipairs({ ... }) do
    if type(name) == "number" then
      node = core.node_at(node, name)
    else
      node = core.node_get(node, str(name))
    end
    if node == nil then return nil end
  end
  return node
end

local function written(node)
  return (doc.write(arena, node))
end

local function raw(text)
  return core.node_new_raw(arena, keep(text))
end

local function members(node)
  local cursor = ffi.new("struct node_cursor")
  local name, child = ffi.new("struct str[1]"), ffi.new("struct node *[1]")
  local list = {}
  while core.node_next(node, cursor, name, child) do
    list[#list + 1] = lua(name[0]) .. "=" .. written(child[0])
  end
  return table.concat(list, " ")
end

before_each(function()
  arena = doc.arena()
  kept = {}
end)

describe("doc: reading", function()
  it("tells types", function()
    local types = {
      ["null"] = "null", ["true"] = "bool", ["false"] = "bool", ["-1.5"] = "number", ['""'] = "string",
      ["[]"] = "array", ["{}"] = "object",
    }
    for text, name in pairs(types) do
      assert.equal(name, ffi.string(core.doc_type_name(core.node_type(parse(text)))))
      assert.equal(text, written(parse(text)))
    end
  end)

  it("finds members and elements at any depth", function()
    local node = parse(' { "a" : [ 1 , { "b" : [ [ ] , "x" ] } ] , "c" : null } ')
    assert.equal(2, tonumber(core.node_count(node)))
    assert.equal('"x"', written(get(node, "a", 1, "b", 1)))
    assert.equal("[ ]", written(get(node, "a", 1, "b", 0)))
    assert.equal("null", written(get(node, "c")))
    assert.is_nil(get(node, "d"))
    assert.is_nil(get(node, "a", 2))
    assert.is_nil(get(node, "a", "b"))
    assert.is_nil(get(node, "c", "b"))
    assert.is_nil(get(node, "c", 0))
    assert.equal(0, tonumber(core.node_count(get(node, "c"))))
    assert.equal(0, tonumber(core.node_count(get(node, "a", 1, "b", 0))))
  end)

  it("gives the same node each time", function()
    local node = parse('{"a":{"b":1}}')
    assert.equal(get(node, "a", "b"), get(node, "a", "b"))
  end)

  it("walks members in their order", function()
    assert.equal('a=1 b=[2] c={"d":3}', members(parse('{"a":1,"b":[2],"c":{"d":3}}')))
    assert.equal("=1 =[2] =3", members(parse("[1,[2],3]")))
    assert.equal("", members(parse("{}")))
    assert.equal("", members(parse("1")))
  end)

  it("lets the last of duplicate members count", function()
    local text = '{"a":1,"b":2,"\\u0061":3,"b":{"x":1},"a":4}'
    local node = parse(text)
    assert.equal('b={"x":1} a=4', members(node))
    assert.equal(2, tonumber(core.node_count(node)))
    assert.equal("4", written(get(node, "a")))
    assert.equal(text, written(node))
    core.node_set(get(node, "b"), str("x"), core.node_new_bool(arena, true))
    assert.equal('{"b":{"x":true},"a":4}', written(node))
  end)

  it("lets the last of duplicate members count among many", function()
    local parts = {}
    for i = 1, 500 do parts[i] = ('"k%d":%d'):format(i % 50, i) end
    local node = parse("{" .. table.concat(parts, ",") .. "}")
    assert.equal(50, tonumber(core.node_count(node)))
    for i = 451, 500 do assert.equal(tostring(i), written(get(node, "k" .. i % 50))) end
    assert.equal("k1=451", members(node):match("^%S+"))
    core.node_remove(node, str("k7"))
    assert.is_nil(get(node, "k7"))
    core.node_set(node, keep("k7"), raw("[7]"))
    assert.equal("[7]", written(get(node, "k7")))
    assert.equal("k7=[7]", members(node):match("%S+$"))
  end)

  it("takes time in proportion to duplicate members", function()
    local from = os.clock()
    local node = parse("{" .. ('"a":1,'):rep(100000) .. '"a":2}')
    assert.equal("a=2", members(node))
    for i = 1, 100000 do
      core.node_remove(node, str("b"))
      core.node_set(node, keep("b"), core.node_new_bool(arena, i % 2 == 0))
    end
    assert.equal("a=2 b=true", members(node))
    assert.is_true(os.clock() - from < 5, "seconds: " .. os.clock() - from)
  end)

  it("unescapes strings and names", function()
    local strings = {
      ["\\u0000\\u001f\\u007f"] = "\0\31\127",
      ['\\"\\\\\\/\\b\\f\\n\\r\\t'] = '"\\/\b\f\n\r\t',
      ["\\u00e9\\u20AC\\ud83d\\uDE00"] = "é€😀",
      ["\\ud800"] = "\239\191\189",
      ["\\udc00x"] = "\239\191\189x",
      ["\\ud800\\ud83d\\ude00"] = "\239\191\189😀",
      ["\\ud800\\u0041"] = "\239\191\189A",
      ["\\ud800\\n"] = "\239\191\189\n",
      ["a\255b"] = "a\239\191\189b",
      ["plain é"] = "plain é",
      [("long "):rep(20) .. '\\"'] = ("long "):rep(20) .. '"',
      [("x"):rep(15) .. "\\\\"] = ("x"):rep(15) .. "\\",
    }
    for escaped, plain in pairs(strings) do
      assert.equal(plain, lua(core.node_string(parse('"' .. escaped .. '"'))))
      local node = parse('{"' .. escaped .. '":[true]}')
      assert.equal("[true]", written(get(node, plain)))
      assert.equal(plain .. "=[true]", members(node))
    end
    assert.equal("", lua(core.node_string(parse("12"))))
  end)

  it("keeps escapes of lone surrogates as they were, and replaces what is not UTF-8", function()
    assert.equal('{"a":"\\ud800"}', written(parse('{"a":"\\ud800"}')))
    assert.equal('["\239\191\189","\239\191\189a"]', written(parse('["\255","\226\130a"]')))
  end)

  it("finds what dotted paths lead to", function()
    local node = parse('{"a":{"b":{"c":[1]},"":{"x":2}},"a.b":3}')
    local function find(path)
      local found = core.node_find(node, str(path))
      return found ~= nil and written(found) or nil
    end
    assert.equal("[1]", find("a.b.c"))
    assert.equal('{"c":[1]}', find("a.b"))
    assert.equal("2", find("a..x"))
    assert.is_nil(find("a.b.c.0"))
    assert.is_nil(find("a.x"))
    assert.is_nil(find("a."  .. ".y"))
    assert.is_nil(find(""))
  end)

  it("reads a document a level at a time, ten thousand levels deep", function()
    local node = parse(('{"n":'):rep(9999) .. "[1]" .. ("}"):rep(9999))
    local deepest = node
    for _ = 1, 9999 do deepest = get(deepest, "n") end
    assert.equal("[1]", written(deepest))
    core.node_append(deepest, raw("2"))
    assert.equal(('{"n":'):rep(9999) .. "[1,2]" .. ("}"):rep(9999), written(node))
    assert.equal(written(node), written(core.node_clone(arena, node)))
  end)
end)

describe("doc: numbers", function()
  local function to_int64(text)
    local value = ffi.new("int64_t[1]")
    if core.node_to_int64(parse(text), value) then return tostring(value[0]) end
    return nil
  end

  it("keep their text", function()
    for _, text in ipairs({ "1.0", "1e5", "-0", "12345678901234567890.120", "1E400" }) do
      assert.equal(text, lua(core.node_number(parse(text))))
      assert.equal("[" .. text .. "]", written(parse("[" .. text .. "]")))
    end
    assert.equal("", lua(core.node_number(parse('"1"'))))
  end)

  it("are integers only if they are written as such and fit", function()
    assert.equal("0LL", to_int64("0"))
    assert.equal("0LL", to_int64("-0"))
    assert.equal("9223372036854775807LL", to_int64("9223372036854775807"))
    assert.equal("-9223372036854775808LL", to_int64("-9223372036854775808"))
    local others = {
      "9223372036854775808", "-9223372036854775809", "18446744073709551617", "1.0", "1e2", '"1"',
    }
    for _, text in ipairs(others) do
      assert.is_nil(to_int64(text))
    end
  end)

  it("are doubles, rounded right", function()
    local values = {
      ["0"] = 0, ["-1.5"] = -1.5, ["0.1"] = 0.1, ["1e5"] = 1e5, ["123456789012345678"] = 123456789012345678,
      ["1.7976931348623157e308"] = 1.7976931348623157e308, ["5e-324"] = 5e-324, ["1e-400"] = 0,
      ["1e400"] = math.huge, ["-1e400"] = -math.huge, ["123456.789012345"] = 123456.789012345,
      ["0.000000000000001"] = 1e-15,
      ["9007199254740993"] = 9007199254740993, ['"1"'] = 0, ["999999999999999"] = 999999999999999,
      ["0.30000000000000004"] = 0.1 + 0.2, ["7.038531e-26"] = 7.038531e-26,
    }
    for text, value in pairs(values) do assert.equal(value, core.node_to_double(parse(text))) end
    assert.equal(-math.huge, 1 / core.node_to_double(parse("-0")))
  end)

  it("are made with the fewest digits", function()
    local texts = {
      ["0"] = 0, ["1"] = 1, ["-1.5"] = -1.5, ["0.1"] = 0.1, ["0.30000000000000004"] = 0.1 + 0.2,
      ["1e-7"] = 1e-7, ["1.5e-7"] = 1.5e-7, ["0.000001"] = 1e-6, ["0.00000123"] = 1.23e-6, ["1e+21"] = 1e21,
      ["100000000000000000000"] = 1e20, ["123456789012345680000"] = 123456789012345680000,
      ["-1.7976931348623157e+308"] = -1.7976931348623157e308, ["5e-324"] = 5e-324, ["1234.5678"] = 1234.5678,
      ["2251799813685248.5"] = 2251799813685248.5, ["1.25e+25"] = 1.25e25, ["10"] = 10,
    }
    for text, value in pairs(texts) do
      assert.equal(text, written(core.node_new_double(arena, value)))
    end
    assert.equal("-0", written(core.node_new_double(arena, -1 / math.huge)))
    assert.equal("-9223372036854775808", written(core.node_new_int64(arena, -9223372036854775807LL - 1)))
    assert.equal("1e+02", written(core.node_new_number(arena, keep("1e+02"))))
  end)
end)

describe("doc: editing", function()
  it("replaces in place, appends what is new, keeps the rest byte for byte", function()
    local node = parse('{ "a" : 1 , "\\u0062" : [ 1 , 2.50 ] ,\n"c" : "\\u00e9" }')
    core.node_set(node, str("a"), raw("true"))
    core.node_set(node, keep("new"), core.node_new_string(arena, keep('q"\1é')))
    assert.equal('{"a":true,"\\u0062" : [ 1 , 2.50 ] ,\n"c" : "\\u00e9","new":"q\\"\\u0001é"}', written(node))
    core.node_set(node, str("b"), raw("null"))
    assert.equal('{"a":true,"\\u0062":null,"c" : "\\u00e9","new":"q\\"\\u0001é"}', written(node))
  end)

  it("replaces what is not UTF-8 in names and strings that are put in", function()
    local node = core.node_new_object(arena)
    core.node_set(node, keep("a\255"), core.node_new_string(arena, keep("\237\160\128")))
    core.node_set(node, keep("a\254"), core.node_new_string(arena, keep("")))
    assert.equal('{"a\239\191\189":""}', written(node))
    assert.equal("", lua(core.node_string(get(node, "a\239\191\189"))))
  end)

  it("removes members", function()
    local node = parse('{"a":1,"b":2,"c":3}')
    assert.is_true(core.node_remove(node, str("b")))
    assert.is_false(core.node_remove(node, str("b")))
    assert.equal('{"a":1,"c":3}', written(node))
    assert.is_true(core.node_remove(node, str("a")))
    assert.is_true(core.node_remove(node, str("c")))
    assert.equal("{}", written(node))
    assert.is_false(core.node_remove(parse("[1]"), str("a")))
  end)

  it("edits arrays", function()
    local node = parse("[1, 2, [3]]")
    core.node_append(node, raw("4"))
    assert.is_true(core.node_put(node, 1, raw('{"x":1}')))
    assert.is_true(core.node_cut(node, 0))
    assert.is_false(core.node_cut(node, 3))
    assert.is_false(core.node_put(node, 3, raw("0")))
    assert.equal('[{"x":1},[3],4]', written(node))
    core.node_append(core.node_at(node, 1), core.node_new_null(arena))
    assert.equal('[{"x":1},[3,null],4]', written(node))
    for _ = 1, 3 do core.node_cut(node, 0) end
    assert.equal("[]", written(node))
    assert.is_false(core.node_put(parse("{}"), 0, raw("0")))
  end)

  it("writes an edit deep inside, and what is around it as it was", function()
    local node = parse('{"a": [ {"b": {"c": 1 , "d": 2} } , 3 ],"e":  4}')
    core.node_set(get(node, "a", 0, "b"), str("d"), raw("5"))
    assert.equal('{"a":[{"b":{"c": 1,"d":5}},3],"e":  4}', written(node))
  end)

  it("writes what nobody changed as one span of the text itself", function()
    local parsed = doc.parse(arena, '{"a":[1,2,3],"b":{"c":"d"}}')
    local node = parsed.node
    core.node_count(get(node, "b"))
    local out = ffi.new("struct doc_spans")
    core.doc_write(arena, node, out)
    assert.equal(1, tonumber(out.count))
    assert.equal(ffi.cast("char *", parsed.text), ffi.cast("char *", out.spans[0].iov_base))
  end)

  it("needs few spans for few edits, and no copies of long texts", function()
    local parts = {}
    for i = 1, 1000 do parts[i] = ('"member%d":"%s"'):format(i, ("x"):rep(300)) end
    local text = "{" .. table.concat(parts, ",") .. "}"
    local node = parse(text)
    core.node_remove(node, str("member500"))
    core.node_set(node, str("member700"), raw("1"))
    local out, count = doc.write(arena, node)
    local expected = text:gsub('"member500":"x*",', ""):gsub('("member700":)"x*"', "%11")
    assert.equal(expected, out)
    assert.is_true(count <= 7, "spans: " .. count)
  end)

  it("builds documents", function()
    local node = core.node_new_object(arena)
    local list = core.node_new_array(arena)
    assert.equal("{}", written(node))
    assert.equal("[]", written(list))
    core.node_set(node, keep("list"), list)
    for i = 1, 40 do
      core.node_append(list, core.node_new_int64(arena, i))
      core.node_set(node, keep("k" .. i), core.node_new_bool(arena, i % 2 == 0))
    end
    assert.equal(41, tonumber(core.node_count(node)))
    assert.equal("true", written(get(node, "k18")))
    assert.equal("40", written(get(node, "list", 39)))
    assert.equal("{\"list\":[1,2,3,", written(node):sub(1, 15))
    local again = parse(written(node))
    assert.equal(members(node), members(again))
  end)

  it("reads and edits raw values", function()
    local node = raw(' {"a" : [1 , {"b":"\\n"}]} ')
    assert.equal('{"a" : [1 , {"b":"\\n"}]}', written(node))
    assert.equal("\n", lua(core.node_string(get(node, "a", 1, "b"))))
    local around = core.node_new_object(arena)
    core.node_set(around, keep("raw"), node)
    core.node_set(get(around, "raw"), keep("c"), raw('"x"'))
    assert.equal('{"raw":{"a" : [1 , {"b":"\\n"}],"c":"x"}}', written(around))
  end)

  it("clones what is then edited apart", function()
    local node = parse('{"a":{"b":[1]}}')
    local first = core.node_clone(arena, node)
    core.node_append(get(first, "a", "b"), raw("2"))
    local second = core.node_clone(arena, first)
    core.node_append(get(second, "a", "b"), raw("3"))
    core.node_set(get(node, "a"), keep("c"), core.node_clone(arena, core.node_new_string(arena, keep("s"))))
    assert.equal('{"a":{"b":[1],"c":"s"}}', written(node))
    assert.equal('{"a":{"b":[1,2]}}', written(first))
    assert.equal('{"a":{"b":[1,2,3]}}', written(second))
  end)

  it("ignores edits of what is no container", function()
    local node = parse('["a"]')
    core.node_set(node, str("x"), raw("1"))
    core.node_append(core.node_at(node, 0), raw("1"))
    assert.equal('["a"]', written(node))
  end)

  it("quotes bytes", function()
    local quoted = lua(core.doc_quote(arena, str('a"\\\b\f\n\r\t\0\31/\127é\255<&>')))
    assert.equal('"a\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f/\127é\239\191\189<&>"', quoted)
  end)
end)

describe("doc: keeping and dropping", function()
  local text = '{"id":42,"empty":{},"list":[],"a":{"a1":{"x":1,"y":2},"a2":2},"rows":[{"sku":1}],"n":null}'

  local function run(op, paths, other)
    local list = ffi.new("struct str[?]", #paths + 1)
    for i, path in ipairs(paths) do list[i - 1] = keep(path) end
    local compiled = core.doc_paths_new(arena, list, #paths)
    local node = parse(other or text)
    core["node_" .. op](node, compiled)
    return written(node)
  end

  local cases = {
    { "keep", { "id", "n" }, '{"id":42,"n":null}' },
    { "keep", { "empty", "list" }, '{"empty":{},"list":[]}' },
    { "keep", { "a.a2" }, '{"a":{"a2":2}}' },
    { "keep", { "a.a1.y", "a.zz", "id.x" }, '{"a":{"a1":{"y":2}}}' },
    { "keep", { "a.zz" }, "{}" },
    { "keep", { "empty.x" }, "{}" },
    { "keep", { "rows.sku", "rows.0.sku", "rows.*.sku" }, "{}" },
    { "keep", { "rows" }, '{"rows":[{"sku":1}]}' },
    { "keep", { "a", "a.a2" }, '{"a":{"a2":2}}' },
    { "keep", { "a.a2", "a" }, '{"a":{"a1":{"x":1,"y":2},"a2":2}}' },
    { "keep", { "a", "a.a2", "a.a1.x" }, '{"a":{"a1":{"x":1},"a2":2}}' },
    { "keep", { "a.a2", "a", "a.a1" }, '{"a":{"a1":{"x":1,"y":2}}}' },
    { "keep", { "a.a1.x", "a", "a.a1.y" }, '{"a":{"a1":{"y":2}}}' },
    { "keep", {}, "{}" },
    { "keep", { "" }, "{}" },
    { "keep", { "id", "empty", "list", "a", "rows", "n" }, text },
    { "drop", { "id", "list", "rows", "n" }, '{"empty":{},"a":{"a1":{"x":1,"y":2},"a2":2}}' },
    { "drop", { "a.a1.x", "a.a1.y", "rows.sku", "rows.0", "id.x", "zz" },
      '{"id":42,"empty":{},"list":[],"a":{"a1":{},"a2":2},"rows":[{"sku":1}],"n":null}' },
    { "drop", { "a.a1", "a" }, '{"id":42,"empty":{},"list":[],"rows":[{"sku":1}],"n":null}' },
    { "drop", { "a", "a.a1" }, '{"id":42,"empty":{},"list":[],"rows":[{"sku":1}],"n":null}' },
    { "drop", {}, text },
  }

  for _, case in ipairs(cases) do
    local op, paths, expected = unpack(case)
    it(("%ss %s"):format(op, table.concat(paths, ", ")), function()
      assert.equal(expected, run(op, paths))
    end)
  end

  it("goes forty steps deep", function()
    local path = ("n."):rep(40) .. "leaf"
    local deep = ('{"n":'):rep(40) .. '{"leaf":1,"more":[[2]]}' .. ("}"):rep(40)
    assert.equal(('{"n":'):rep(40) .. '{"leaf":1}' .. ("}"):rep(40), run("keep", { path }, deep))
    assert.equal(('{"n":'):rep(40) .. '{"more":[[2]]}' .. ("}"):rep(40), run("drop", { path }, deep))
  end)

  it("keeps by many paths among many members", function()
    local parts, paths, wanted = {}, {}, {}
    for i = 1, 300 do
      parts[i] = ('"k%d":%d'):format(i, i)
      if i % 3 == 0 then
        paths[#paths + 1] = "k" .. i
        wanted[#wanted + 1] = parts[i]
      end
    end
    local wide = "{" .. table.concat(parts, ",") .. "}"
    assert.equal("{" .. table.concat(wanted, ",") .. "}", run("keep", paths, wide))
  end)

  it("leaves alone what is no object", function()
    for _, other in ipairs({ "[1]", "null", '"x"' }) do
      assert.equal(other, run("keep", { "a" }, other))
      assert.equal(other, run("drop", { "a" }, other))
    end
  end)
end)

describe("doc: renaming and merging", function()
  local function rename(text, ...)
    local names = { ... }
    local renames = ffi.new("struct doc_rename[?]", #names / 2)
    for i = 1, #names, 2 do
      renames[(i - 1) / 2].from, renames[(i - 1) / 2].to = keep(names[i]), keep(names[i + 1])
    end
    local node = parse(text)
    core.node_rename(node, renames, #names / 2)
    return members(node), node
  end

  it("renames, over what is there", function()
    assert.equal("b=2 x=1", (rename('{"a":1,"b":2}', "a", "x")))
    assert.equal("b=1", (rename('{"a":1,"b":2}', "a", "b")))
    assert.equal("a=1 b=2", (rename('{"a":1,"b":2}', "zz", "b")))
    assert.equal("=1", (rename('{"a":1}', "a", "")))
  end)

  it("renames all at once", function()
    assert.equal("b=1 a=2", (rename('{"a":1,"b":2}', "a", "b", "b", "a")))
    assert.equal("b=1 c=2 d=3", (rename('{"a":1,"b":2,"c":3}', "a", "b", "b", "c", "c", "d")))
    assert.equal("x=2", (rename('{"a":1,"b":2}', "a", "x", "b", "x")))
  end)

  it("drops what is renamed to itself", function()
    assert.equal("b=2", (rename('{"a":1,"b":2}', "a", "a")))
  end)

  it("keeps the values of what it renames editable", function()
    local shown, node = rename('{"\\u0061":{"x":[1]},"b":2}', "a", "z")
    assert.equal('b=2 z={"x":[1]}', shown)
    core.node_append(get(node, "z", "x"), raw("2"))
    assert.equal('{"b":2,"z":{"x":[1,2]}}', written(node))
  end)

  it("does nothing to other types", function()
    assert.equal("=1", (rename("[1]", "a", "b")))
  end)

  it("merges, the later over the earlier", function()
    local node = parse('{"a":1,"b":{"x":1}}')
    core.node_merge(node, parse('{"b":{"y":[2]},"c":"\\u00e9","c":3}'))
    assert.equal('{"a":1,"b":{"y":[2]},"c":3}', written(node))
    core.node_append(get(node, "b", "y"), raw("3"))
    core.node_set(get(node, "b"), keep("z"), raw("0"))
    assert.equal('{"a":1,"b":{"y":[2,3],"z":0},"c":3}', written(node))
    core.node_merge(node, parse("[1]"))
    core.node_merge(node, parse("{}"))
    core.node_merge(node, node)
    assert.equal('{"a":1,"b":{"y":[2,3],"z":0},"c":3}', written(node))
  end)

  it("merges edited documents, into new ones", function()
    local node = core.node_new_object(arena)
    local first, second = parse('{"a":{"n":1},"b":"2"}'), parse('{"c":[{"d":1}]}')
    core.node_set(get(first, "a"), keep("m"), raw("2"))
    core.node_append(get(second, "c"), raw("3"))
    core.node_merge(node, first)
    core.node_merge(node, second)
    assert.equal('{"a":{"n":1,"m":2},"b":"2","c":[{"d":1},3]}', written(node))
    core.node_set(get(node, "c", 0), keep("e"), raw("2"))
    assert.equal('{"a":{"n":1,"m":2},"b":"2","c":[{"d":1,"e":2},3]}', written(node))
  end)

  it("merges many members", function()
    local node = core.node_new_object(arena)
    for part = 0, 2 do
      local parts = {}
      for i = 1, 30 do parts[i] = ('"k%d":%d'):format(i + part * 15, part) end
      core.node_merge(node, parse("{" .. table.concat(parts, ",") .. "}"))
    end
    assert.equal(60, tonumber(core.node_count(node)))
    assert.equal("0", written(get(node, "k15")))
    assert.equal("1", written(get(node, "k16")))
    assert.equal("2", written(get(node, "k60")))
  end)
end)
