local span = require("spec.support.span")
local core = require("spec.support.cdef").load("base/quote.h")
local new_arena = require("spec.support.arena")

describe("quote", function()
  local arena

  before_each(function() arena = new_arena() end)

  local quoted = {
    { "/a b", '"/a b"' }, { '/"\\', [["/\"\\"]] }, { "/\n\t\1\127", [["/\n\t\x01\x7f"]] }, { "/é", '"/é"' },
    { "/\195", [["/\xc3"]] }, { "/\237\160\128", [["/\xed\xa0\x80"]] }, { "/\240\159\152\128", '"/😀"' },
    { "/\194\155" .. "2J", [["/\u009b2J"]] }, { "/\194\160", [["/\u00a0"]] },
    { "/\226\128\168\226\128\174", [["/\u2028\u202e"]] },
    { "/\239\187\191\239\191\189", '"/\\ufeff\239\191\189"' }, { "/\243\160\128\129", [["/\U000e0001"]] },
    { "/\238\128\128", [["/\ue000"]] }, { "/日本 ѐ", '"/日本 ѐ"' }, { "/\226\128", [["/\xe2\x80"]] },
  }
  for _, case in ipairs(quoted) do
    it(("quotes %q as Go does"):format(case[1]), function()
      assert.equal(case[2], span.text(core.quote_go(arena, span.str(case[1]))))
    end)
  end
end)
