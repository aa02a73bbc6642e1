--- Public texts: JSONTestSuite, and ill-formed UTF-8 after the Unicode Standard.
local doc = require("spec.support.doc")

-- What the suite leaves open. Like KrakenD we take what the grammar takes: numbers of any size stay text,
-- ill-formed UTF-8 within strings is replaced, escapes of lone surrogates stay as they are. No byte order
-- mark, no UTF-16.
local open_cases = {
  ["i_number_double_huge_neg_exp"] = true,
  ["i_number_huge_exp"] = true,
  ["i_number_neg_int_huge_exp"] = true,
  ["i_number_pos_double_huge_exp"] = true,
  ["i_number_real_neg_overflow"] = true,
  ["i_number_real_pos_overflow"] = true,
  ["i_number_real_underflow"] = true,
  ["i_number_too_big_neg_int"] = true,
  ["i_number_too_big_pos_int"] = true,
  ["i_number_very_big_negative_int"] = true,
  ["i_object_key_lone_2nd_surrogate"] = true,
  ["i_string_1st_surrogate_but_2nd_missing"] = true,
  ["i_string_1st_valid_surrogate_2nd_invalid"] = true,
  ["i_string_UTF-16LE_with_BOM"] = false,
  ["i_string_UTF-8_invalid_sequence"] = true,
  ["i_string_UTF8_surrogate_U+D800"] = true,
  ["i_string_incomplete_surrogate_and_escape_valid"] = true,
  ["i_string_incomplete_surrogate_pair"] = true,
  ["i_string_incomplete_surrogates_escape_valid"] = true,
  ["i_string_invalid_lonely_surrogate"] = true,
  ["i_string_invalid_surrogate"] = true,
  ["i_string_invalid_utf-8"] = true,
  ["i_string_inverted_surrogates_U+1D11E"] = true,
  ["i_string_iso_latin_1"] = true,
  ["i_string_lone_second_surrogate"] = true,
  ["i_string_lone_utf8_continuation_byte"] = true,
  ["i_string_not_in_unicode_range"] = true,
  ["i_string_overlong_sequence_2_bytes"] = true,
  ["i_string_overlong_sequence_6_bytes"] = true,
  ["i_string_overlong_sequence_6_bytes_null"] = true,
  ["i_string_truncated-utf-8"] = true,
  ["i_string_utf16BE_no_BOM"] = false,
  ["i_string_utf16LE_no_BOM"] = false,
  ["i_structure_500_nested_arrays"] = true,
  ["i_structure_UTF-8_BOM_empty_object"] = false,
}

local function suite()
  local list = io.popen("ls ../shared/vectors/json 2>/dev/null")
  local names = {}
  for name in list:lines() do
    if name:find("%.json$") then names[#names + 1] = name:sub(1, -6) end
  end
  list:close()
  return names
end

local function from_hex(hex)
  return (hex:gsub("..", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- With so much text before it, the case lies at the end of one block of the vector code and in the next.
local function wrapped(text)
  local texts = {}
  for pad = 0, 66, 3 do texts[#texts + 1] = '{"' .. ("x"):rep(pad) .. '":' .. text .. "}" end
  return texts
end

describe("doc, fed with JSONTestSuite,", function()
  local names = suite()
  if #names == 0 then print("skipped: there is no ../shared/vectors/json") end

  for _, name in ipairs(names) do
    local text = doc.vector("json/" .. name .. ".json")
    local kind = name:sub(1, 2)
    local valid = kind == "y_" or open_cases[name] == true

    it((valid and "accepts " or "refuses ") .. name, function()
      assert.is_true(kind ~= "i_" or open_cases[name] ~= nil, "decide whether it is valid")
      local arena = doc.arena()
      local parsed, why = doc.parse(arena, text)
      local plain, why_plain = doc.parse_plain(arena, text)
      assert.equal(why_plain, why)
      assert.equal(valid, parsed ~= nil, why)
      assert.equal(valid, plain ~= nil)
      if kind == "y_" then
        assert.equal(text:match("^%s*(.-)%s*$"), (doc.write(arena, parsed.node)))
      end
    end)

    it("treats " .. name .. " the same as a member", function()
      if #text > 10000 then return end
      local arena = doc.arena()
      for _, around in ipairs(wrapped(text)) do
        local parsed, why = doc.parse(arena, around)
        local _, why_plain = doc.parse_plain(arena, around)
        assert.equal(why_plain, why)
        if kind == "y_" then assert.equal(around, (doc.write(arena, parsed.node))) end
      end
    end)
  end
end)

describe("UTF-8", function()
  local records = doc.vector("utf8.json")
  if not records then
    print("skipped: there is no ../shared/vectors/utf8.json")
    return
  end

  for hex, valid, note in records:gmatch('{"hex":"(%x*)","valid":(%a+),"note":"([^"]*)"') do
    local bytes = from_hex(hex)
    local replaced = records:match('{"hex":"' .. hex .. '",[^}]*"replaced":"(%x+)"') or hex

    it("of " .. hex .. " (" .. note .. ") is " .. (valid == "true" and "valid" or "repaired"), function()
      local arena = doc.arena()
      assert.equal(valid == "true", doc.core.utf8_is_valid(doc.str(bytes)))
      assert.equal(from_hex(replaced), doc.lua(doc.core.utf8_repair(arena, doc.str(bytes))))
    end)

    it("of " .. hex .. " (" .. note .. ") is repaired in strings, wherever they lie", function()
      if bytes:find('[%z\1-\31"\\]') then return end
      local arena = doc.arena()
      for _, pad in ipairs({ 0, 1, 13, 27, 28, 29, 30, 31, 59, 60, 61, 62, 63 }) do
        local before = '["' .. ("x"):rep(pad)
        local parsed = doc.parse(arena, before .. bytes .. '"]')
        assert.equal(before .. from_hex(replaced) .. '"]', (doc.write(arena, parsed.node)))
      end
    end)
  end
end)
