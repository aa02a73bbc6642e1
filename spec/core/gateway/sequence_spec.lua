local ffi = require("ffi")
local core = require("spec.support.cdef").load("gateway/sequence.h")

describe("a value of an earlier step as text", function()
  local cases = {
    { '"a b"', "a b" }, { '""', "" }, { "1.50", "1.50" }, { "12345678901234567890", "12345678901234567890" },
    { "true", "true" }, { "null", "<nil>" }, { "[]", "" }, { '[1,"a",null,true]', "1,a,<nil>,true" },
    { '{"b":2,"a":{"c":[1,2]}}', "map[a:map[c:[1 2]] b:2]" }, { "[[1,2],[3]]", "[1 2],[3]" },
  }

  for _, case in ipairs(cases) do
    it(("of %s is %s"):format(case[1], case[2]), function()
      local arena = ffi.gc(ffi.new("struct arena"), core.arena_fini)
      core.arena_init(arena, nil)
      local node = core.doc_parse(arena, ffi.new("struct str", case[1], #case[1]), core.DOC_WHOLE, nil)
      local text = core.sequence_text(arena, node)
      assert.equal(case[2], text.len > 0 and ffi.string(text.ptr, text.len) or "")
    end)
  end
end)
