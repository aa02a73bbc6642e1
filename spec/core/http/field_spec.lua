local ffi = require("ffi")
local http = require("spec.support.http")
local core = http.core

describe("field", function()
  local a, f

  local function str(text) return http.str(a, text) end

  local function fields(list)
    f = ffi.new("struct fields")
    core.fields_init(f, a)
    for _, field in ipairs(list) do core.field_add(f, str(field[1]), str(field[2])) end
    return f
  end

  local function lines() return http.fields(f) end

  before_each(function() a = http.arena() end)

  it("knows its names in any letter case, and no others", function()
    for id = 1, tonumber(core.FIELD_COUNT) - 1 do
      local name = http.text(core.field_id_name(id))
      for _, form in ipairs({ name, name:lower(), name:upper(), (name:gsub("^%u", string.lower)) }) do
        assert.equal(id, tonumber(core.field_id(str(form))), form)
      end
      for _, form in ipairs({ name .. "x", name:sub(1, -2), "x" .. name, "", (name:gsub("-", "\r")),
        (name:gsub("-", "M")),
        (name:gsub("^.", "@")), (name:gsub(".$", "\1")), (name:gsub("e", "%%")) }) do
        if form:lower() ~= name:lower() then assert.not_equal(id, tonumber(core.field_id(str(form))),
          form) end
      end
    end
  end)

  it("spells names as Go does", function()
    for name, canonical in pairs({
      ["content-type"] = "Content-Type", ["autHoriZatiOn"] = "Authorization", ["x_under"] = "X_under",
      ["te"] = "Te",
      ["www-authenticate"] = "Www-Authenticate", ["a--b"] = "A--B", ["-a"] = "-A",
      ["x-KRAKEND-y"] = "X-Krakend-Y",
      ["with space"] = "with space", ["X-Done"] = "X-Done", ["1a-2B"] = "1a-2b", [""] = "",
      ["\195\169A"] = "\195\169A",
    }) do
      assert.equal(canonical, http.text(core.field_canonical(a, str(name))))
    end
  end)

  it("keeps order and repetition, and finds by any spelling", function()
    fields({ { "A", "1" }, { "b", "2" }, { "a", "3" }, { "CONTENT-TYPE", "x" } })
    assert.same({ { "A", "1" }, { "b", "2" }, { "a", "3" }, { "CONTENT-TYPE", "x" } }, lines())
    assert.equal("1", http.text(core.field_value(f, str("a"))))
    assert.equal("x", http.text(core.field_find_id(f, core.FIELD_CONTENT_TYPE).value))
    assert.is_true(core.field_find(f, str("c")) == nil)
    assert.equal("", http.text(core.field_value(f, str("c"))))
    assert.is_true(core.field_name_is(f.items[3], str("content-Type")))
    assert.is_false(core.field_name_is(f.items[0], str("content-Type")))
  end)

  it("replaces all of a name in the place of the first", function()
    fields({ { "A", "1" }, { "B", "2" }, { "a", "3" } })
    core.field_set(f, str("a"), str("4"))
    core.field_set(f, str("C"), str("5"))
    core.field_set_id(f, core.FIELD_HOST, str("h"))
    core.field_set_id(f, core.FIELD_HOST, str("i"))
    core.field_add_id(f, core.FIELD_TE, str("t"))
    assert.same({ { "a", "4" }, { "B", "2" }, { "C", "5" }, { "Host", "i" }, { "Te", "t" } }, lines())
  end)

  it("copies a section behind what there is, texts included", function()
    local other = http.arena()
    local from = ffi.new("struct fields")
    core.fields_init(from, other)
    core.field_add(from, core.arena_copy(other, http.str(a, "host")), core.arena_copy(other, http.str(a, "b")))
    core.field_add(from, core.arena_copy(other, http.str(a, "X")), core.arena_copy(other, http.str(a, "")))
    fields({ { "A", "1" } })
    core.fields_copy(f, from)
    core.arena_fini(other)
    assert.same({ { "A", "1" }, { "host", "b" }, { "X", "" } }, lines())
    assert.equal("b", http.text(core.field_find_id(f, core.FIELD_HOST).value))
  end)

  it("removes and counts", function()
    fields({ { "A", "1" }, { "B", "2" }, { "a", "3" }, { "host", "4" } })
    assert.equal(2, core.field_remove(f, str("a")))
    assert.equal(0, core.field_remove(f, str("a")))
    assert.equal(1, core.field_remove_id(f, core.FIELD_HOST))
    assert.same({ { "B", "2" } }, lines())
  end)

  it("grows", function()
    fields({})
    for i = 1, 1000 do core.field_add(f, str("n" .. i), str(tostring(i))) end
    assert.equal(1000, f.count)
    assert.equal("777", http.text(core.field_value(f, str("N777"))))
  end)

  it("tells valid names and values", function()
    for _, name in ipairs({ "a", "A-b_c.d!#$%&'*+^`|~",
      "0" }) do assert.is_true(core.field_name_is_valid(str(name))) end
    for _, name in ipairs({ "", "a b", "a:", "a\0", "\195\169", "a\127", "(a)", 'a"', "a,b" }) do
      assert.is_false(core.field_name_is_valid(str(name)))
    end
    for _, value in ipairs({ "", "a b\tc", "\195\169",
      '"x"' }) do assert.is_true(core.field_value_is_valid(str(value))) end
    for _, value in ipairs({ "a\r", "a\n", "a\0", "\27", "\127" }) do
      assert.is_false(core.field_value_is_valid(str(value)))
    end
  end)

  it("walks lists over all lines of a name", function()
    fields({ { "Connection", " a , b,,c;d=\"x,y\\\",z\" " }, { "X", "no" }, { "connection", "" },
      { "CONNECTION", ",e" } })
    local cursor, member, list = ffi.new("struct field_list_cursor"), ffi.new("struct str"), {}
    while core.field_list_next(f, core.FIELD_CONNECTION, cursor,
      member) do list[#list + 1] = http.text(member) end
    assert.same({ "a", "b", 'c;d="x,y\\",z"', "e" }, list)
    assert.is_true(core.field_list_has(f, core.FIELD_CONNECTION, str("E")))
    assert.is_false(core.field_list_has(f, core.FIELD_CONNECTION, str("no")))
    assert.is_false(core.field_list_has(f, core.FIELD_TE, str("e")))
  end)

  it("removes what belongs to one connection", function()
    fields({
      { "X-Hop", "1" }, { "Connection", "close, x-hop" }, { "Keep-Alive", "1" }, { "A", "2" }, { "TE",
      "trailers" },
      { "Proxy-Connection", "1" }, { "Trailer", "X" }, { "Transfer-Encoding", "chunked" }, { "Upgrade",
      "ws" },
      { "Content-Length", "3" }, { "connection", "content-length, b, host" }, { "B", "4" }, { "b", "5" },
      { "C", "6" },
    })
    core.fields_remove_hop_by_hop(f)
    assert.same({ { "A", "2" }, { "Content-Length", "3" }, { "C", "6" } }, lines())
  end)
end)
