local kit = require("kit")

describe("manipulation", function()
  --- The answer's text for a backend that sends `text` and has these fields.
  local function answered(text, fields, status)
    local upstream = kit.upstream()
    upstream:on("GET", "/"):reply(status or 200, text, { ["Content-Type"] = "application/json" })
    fields.host, fields.url_pattern = upstream.url, "/"
    local gateway = kit.gateway({ endpoints = { { endpoint = "/x", backend = { fields } } } })
    local response = gateway:get("/x")
    return response.body, response
  end

  local user = '{"id":1,"name":"Ada","a":{"b":1,"c":{"d":2,"e":3}},"list":[{"x":1}],' ..
    '"n":12345678901234567890.120,"s":"\\u003c"}'

  local cases = {
    { "keeps what allow names", { allow = { "id", "a.c.d" } }, '{"id":1,"a":{"c":{"d":2}}}' },
    { "drops parents that nothing is left of", { allow = { "a.zz" } }, "{}" },
    { "does not look into arrays", { allow = { "list.x", "id" } }, '{"id":1}' },
    { "takes the last of overlapping names", { allow = { "a", "a.b" } }, '{"a":{"b":1}}' },
    { "drops what deny names, not its parents",
      { deny = { "a.c.d", "a.c.e", "list", "n", "s", "name" } }, '{"id":1,"a":{"b":1,"c":{}}}' },
    { "does not look at deny beside allow", { allow = { "id" }, deny = { "id" } }, '{"id":1}' },
    { "renames top-level members after filtering",
      { allow = { "id", "name" }, mapping = { id = "uid", name = "full.name", gone = "x" } },
      { uid = 1, full = "Ada" } },
    { "swaps names without losing anything", { allow = { "id", "name" }, mapping = { id = "name", name = "id" } },
      { name = 1, id = "Ada" } },
    { "descends to target before it filters", { target = "a.c", allow = { "d" } }, '{"d":2}' },
    { "groups last", { target = "a", deny = { "c" }, group = "in.it" }, '{"in.it":{"b":1}}' },
    { "has nothing where target leads nowhere", { target = "a.zz.y" }, "{}" },
    { "has nothing where target is no object", { target = "list" }, "{}" },
    { "groups even that", { target = "zz", group = "g" }, '{"g":{}}' },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local text = answered(user, case[2])
      assert.same(case[3], type(case[3]) == "table" and kit.json.decode(text) or text)
    end)
  end

  it("leaves digits and escapes as they came", function()
    assert.equal('{"n":12345678901234567890.120,"s":"\\u003c"}', (answered(user, { allow = { "n", "s" } })))
  end)

  it("lets null through filters, but not through target", function()
    assert.equal("null", (answered("null", { allow = { "a" } })))
    assert.equal("null", (answered("null", { deny = { "a" }, mapping = { a = "b" } })))
    assert.equal("{}", (answered("null", { target = "a" })))
    assert.equal('{"g":null}', (answered("null", { group = "g" })))
  end)

  it("calls an answer whole only if something is left", function()
    local _, response = answered(user, { target = "zz" })
    assert.equal("false", response:field("X-Krakend-Completed"))
    _, response = answered(user, { target = "zz", group = "g" })
    assert.equal("true", response:field("X-Krakend-Completed"))
  end)

  it("does not touch error details", function()
    local body = answered('{"why":1}', {
      target = "data", group = "g", extra_config = { ["backend/http"] = { return_error_details = "x" } },
    }, 404)
    assert.equal(404, kit.json.decode(body).error_x.http_status_code)
  end)

  it("does not touch the content of no-op", function()
    local upstream = kit.upstream()
    upstream:on("GET", "/"):reply(200, '{"a": 1}', { ["Content-Type"] = "application/json" })
    local gateway = kit.gateway({ endpoints = { {
      endpoint = "/x", output_encoding = "no-op", backend = { { host = upstream.url, url_pattern = "/", group = "g" } },
    } } })
    assert.equal('{"a": 1}', gateway:get("/x").body)
  end)
end)
