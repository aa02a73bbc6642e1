local ffi = require("ffi")
local kit = require("kit")
local script = require("spec.support.script")
local core = require("spec.support.cdef").load("gateway/sequence.h")
local new_arena = require("spec.support.arena")

describe("a value of an earlier step as text", function()
  local cases = {
    { '"a b"', "a b" }, { '""', "" }, { "1.50", "1.50" }, { "12345678901234567890", "12345678901234567890" },
    { "true", "true" }, { "null", "<nil>" }, { "[]", "" }, { '[1,"a",null,true]', "1,a,<nil>,true" },
    { '{"b":2,"a":{"c":[1,2]}}', "map[a:map[c:[1 2]] b:2]" }, { "[[1,2],[3]]", "[1 2],[3]" },
  }

  for _, case in ipairs(cases) do
    it(("of %s is %s"):format(case[1], case[2]), function()
      local arena = new_arena()
      local node = core.doc_parse(arena, ffi.new("struct str", case[1], #case[1]), core.DOC_WHOLE, nil)
      local text = core.sequence_text(arena, node)
      assert.equal(case[2], text.len > 0 and ffi.string(text.ptr, text.len) or "")
    end)
  end
end)

describe("a reference to an earlier step", function()
  after_each(script.clean)

  --- What the steps are asked for. steps: { {url_pattern, reply}, ... }; more: of the endpoint.
  local function asked(steps, more)
    local back = kit.upstream()
    local endpoint = { endpoint = "/a/{resp0_id}", backend = {}, extra_config = { proxy = { sequential = true } } }
    for i, step in ipairs(steps) do
      back:on("GET", ("/%d*"):format(i - 1)):reply(200, step[2])
      endpoint.backend[i] = { host = back.url, url_pattern = ("/%d%s"):format(i - 1, step[1]), encoding = step.encoding,
        is_collection = step.is_collection, mapping = step.mapping, group = step.group,
        extra_config = step.extra_config }
    end
    endpoint.extra_config.proxy.sequential_propagated_params = more and more.propagated
    kit.gateway({ plugin = more and more.plugin, endpoints = { endpoint } }):get("/a/of-path")
    local targets = {}
    for i, request in ipairs(back.requests) do targets[i] = request.target end
    return targets
  end

  it("keeps the text that it had first", function()
    assert.same({ "/0", "/1/old", "/2/old" },
      asked({ { "", { x = "old" } }, { "/{resp0_x}", { x = "new" } }, { "/{resp0_x}", {} } }))
  end)

  it("is looked up again as long as there was none", function()
    assert.same({ "/0", "/1/", "/2/new" },
      asked({ { "", { x = "" } }, { "/{resp0_x}", { x = "new" } }, { "/{resp0_x}", {} } }))
    assert.same({ "/0", "/1/of-path", "/2/new" },
      asked({ { "", {} }, { "/{resp0_id}", { id = "new" } }, { "/{resp0_id}", {} } }))
  end)

  it("is nothing for a collection that is null, wherever it stands, and <nil> for any other null", function()
    assert.same({ "/0", "/1/-" }, asked({ { "", "null", is_collection = true }, { "/{resp0_collection}-", {} } }))
    assert.same({ "/0", "/1/-" }, asked({
      { "", "null", is_collection = true, mapping = { collection = "list" }, group = "g" },
      { "/{resp0_g.list}-", {} },
    }))
    assert.same({ "/0", "/1/%3Cnil%3E-" }, asked({ { "", '{"collection":null}' }, { "/{resp0_collection}-", {} } }))
  end)

  it("may be propagated: each of a text, with or without a path, at every later step", function()
    local plugin = script.folder({ ["spec_plugin.lua"] = script.source([[
      function plugin.new() return setmetatable({}, { __index = plugin }) end
      function plugin:call(call)
        local found = {}
        for _, name in ipairs({ "Resp0", "Resp1", "Resp1_a", "Resp0_b.c", "Resp2_x", "Resp9" }) do
          found[#found + 1] = call:exchange():param(name) or "-"
        end
        call:set_url(call:url() .. "?" .. table.concat(found, ","))
      end
    ]], { scope = "backend" }) })
    local attached = { ["spec/plugin"] = {} }
    assert.same({ "/0", "/1", "/2?raw,-,1,-,-,-", "/3?raw,-,1,2,x,-" }, asked({
      { "", "raw", encoding = "no-op" }, { "", { a = 1 } }, { "", { b = { c = 2 }, x = "x" }, extra_config = attached },
      { "", {}, extra_config = attached },
    }, {
      plugin = { folder = plugin },
      propagated = { "resp0_", "both resp1_a,Resp0b.c", "resp2_x", "resp9", "resp", "respx_a", "response0" },
    }))
  end)
end)
