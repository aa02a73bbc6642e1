local ffi = require("ffi")
local span = require("spec.support.span")
local core = require("spec.support.cdef").load("base/str.h")

local str, text = span.str, span.text

local none = ffi.new("struct str")

describe("str", function()
  it("is equal by length and bytes", function()
    assert.is_true(core.str_equal(str("a\0b"), str("a\0b")))
    assert.is_false(core.str_equal(str("ab"), str("abc")))
    assert.is_true(core.str_equal(none, str("")))
  end)

  it("ignores the case of ASCII letters only", function()
    assert.is_true(core.str_equal_nocase(str("Content-TYPE"), str("content-type")))
    assert.is_false(core.str_equal_nocase(str("["), str("{")))
    assert.is_false(core.str_equal_nocase(str("@"), str("`")))
    assert.is_false(core.str_equal_nocase(str("\195\132"), str("\195\164")))
  end)

  it("compares bytes as unsigned, the shorter first", function()
    assert.is_true(core.str_compare(str("a"), str("b")) < 0)
    assert.is_true(core.str_compare(str("\200"), str("a")) > 0)
    assert.is_true(core.str_compare(str("ab"), str("a")) > 0)
    assert.equal(0, core.str_compare(none, str("")))
  end)

  it("knows prefixes and suffixes", function()
    assert.is_true(core.str_starts_with(str("/a/b"), str("/a")))
    assert.is_false(core.str_starts_with(str("/"), str("/a")))
    assert.is_true(core.str_starts_with(none, none))
    assert.is_true(core.str_ends_with(str("x.lua"), str(".lua")))
    assert.is_false(core.str_ends_with(str("lua"), str(".lua")))
  end)

  it("slices within its bounds", function()
    assert.equal("bc", text(core.str_slice(str("abcd"), 1, 3)))
    assert.equal("cd", text(core.str_slice(str("abcd"), 2, 99)))
    assert.equal("", text(core.str_slice(str("abcd"), 3, 1)))
    assert.equal("", text(core.str_slice(none, 5, 9)))
  end)

  it("trims blanks and tabs, nothing else", function()
    assert.equal("a b", text(core.str_trim(str(" \ta b\t "))))
    assert.equal("\na", text(core.str_trim(str("\na"))))
    assert.equal("", text(core.str_trim(str("  \t"))))
  end)

  it("finds a character, or says its length", function()
    assert.equal(1, tonumber(core.str_find_char(str("a=b=c"), string.byte("="))))
    assert.equal(3, tonumber(core.str_find_char(str("abc"), string.byte("="))))
    assert.equal(0, tonumber(core.str_find_char(none, string.byte("="))))
  end)

  it("splits until nothing is left", function()
    local rest, parts = ffi.new("struct str[1]", str("a,,b,")), {}
    while rest[0].ptr ~= nil do parts[#parts + 1] = text(core.str_split(rest, string.byte(","))) end
    assert.same({ "a", "", "b", "" }, parts)
  end)

  describe("as a number", function()
    local value = ffi.new("uint64_t[1]")

    it("takes what fits into 64 bits", function()
      assert.is_true(core.str_to_u64(str("18446744073709551615"), value))
      assert.equal(18446744073709551615ULL, value[0])
      assert.is_true(core.str_to_u64(str("000"), value))
      assert.equal(0ULL, value[0])
    end)

    local refused = { "", "18446744073709551616", "99999999999999999999", "-1", "+1", "1 ", "0x1", "1\0" }
    for _, bad in ipairs(refused) do
      it(("refuses %q"):format(bad), function() assert.is_false(core.str_to_u64(str(bad), value)) end)
    end
  end)

  it("is found in a list by its bytes", function()
    local items = ffi.new("struct str[2]", { str("ab"), str("") })
    local list = ffi.new("struct str_list", { items, 2 })
    assert.is_true(core.str_list_has(list, str("ab")))
    assert.is_true(core.str_list_has(list, none))
    assert.is_false(core.str_list_has(list, str("AB")))
    assert.is_false(core.str_list_has(ffi.new("struct str_list"), none))
  end)

  it("is made of a C string", function()
    assert.equal("abc", text(core.str_of("abc")))
    assert.equal(0, tonumber(core.str_of(nil).len))
  end)
end)
