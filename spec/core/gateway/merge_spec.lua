local ffi = require("ffi")
local core = require("spec.support.cdef").load("gateway/merge.h")
local new_arena = require("spec.support.arena")

describe("merge", function()
  local arena, keep

  before_each(function()
    arena = new_arena()
    keep = {}
  end)

  local function parse(text)
    keep[#keep + 1] = text
    return core.doc_parse(arena, ffi.new("struct str", text, #text), core.DOC_WHOLE, nil)
  end

  local function write(node)
    if node == nil then return nil end
    local text = core.doc_text(arena, node)
    return ffi.string(text.ptr, text.len)
  end

  --- Parts are texts, false for a failure, or { text, complete = false }.
  local function merge(...)
    local m = ffi.new("struct merge")
    core.merge_init(m, arena, false)
    for _, part in ipairs({ ... }) do
      if part == false then
        core.merge_miss(m)
      elseif type(part) == "table" then
        core.merge_add(m, parse(part[1]), part.complete)
      else
        core.merge_add(m, parse(part), true)
      end
    end
    return write(m.data), m.complete
  end

  local function gives(text, complete, ...)
    local have, whole = merge(...)
    assert.equal(text, have)
    assert.equal(complete, whole)
  end

  it("joins members", function() gives('{"a":1,"b":2}', true, '{"a":1}', '{"b":2}') end)

  it("lets the later of two members stay, whole", function()
    gives('{"a":{"y":2}}', true, '{"a":{"x":1}}', '{"a":{"y":2}}')
    gives('{"a":null}', true, '{"a":1}', '{"a":null}')
  end)

  it("takes an empty object for an answer", function()
    gives('{"a":1}', true, "{}", '{"a":1}')
    gives("{}", true, "{}", "{}")
  end)

  it("is not complete with a part missing", function()
    gives('{"a":1}', false, '{"a":1}', false)
    gives('{"a":1}', false, false, '{"a":1}')
    gives(nil, false, false, false)
  end)

  it("is not complete with a part that is not", function()
    gives('{"error_x":{},"a":1}', false, { '{"error_x":{}}', complete = false }, '{"a":1}')
  end)

  it("takes null for an answer that is not complete", function()
    gives('{"a":1}', false, "null", '{"a":1}')
    gives('{"a":1}', false, '{"a":1}', "null")
    gives("{}", false, "null", "null")
    gives("null", false, "null", false)
  end)

  it("leaves sources as they are when later steps read them", function()
    local m = ffi.new("struct merge")
    local second = parse('{"b":2}')
    core.merge_init(m, arena, true)
    core.merge_add(m, parse('{"a":1}'), true)
    core.merge_add(m, second, true)
    assert.equal('{"a":1,"b":2}', write(m.data))
    assert.equal('{"b":2}', write(second))
  end)
end)
