local config = require("spec.support.config")

local function endpoint(path, wide)
  local c = assert(config.parse(config.endpoints({ path }, wide and '"disable_rest": true')))
  return c.endpoints[0], c
end

local function pattern(url_pattern, path)
  local c, why = config.parse(config.endpoints({
    ('"endpoint": "%s", "backend": [{"url_pattern": "%s"}]'):format(path or "/e/{id}/{b-c}/{ABC}",
      url_pattern),
  }))
  if not c then return nil, (why:gsub("^'k.json': ", "")) end
  local p = c.endpoints[0].backends[0].url_pattern
  local parts = {}
  for i = 0, tonumber(p.count) - 1 do
    local part = p.parts[i]
    parts[i + 1] = part.param.len > 0 and ("<%s %s>"):format(config.lua(part.param), config.lua(part.key))
      or config.lua(part.literal)
  end
  return table.concat(parts), config.lua(p.text)
end

describe("config_pattern, endpoints (R-CFG-11, R-CFG-12)", function()
  local strict = {
    ["/u/{id}"] = "/u/:id", ["/u/{id}/{x_1-y}"] = "/u/:id/:x_1-y", ["/a.{b}"] = "/a.{b}",
      ["/a/{b}.json"] = "/a/:b.json",
    ["/a/{b}{c}"] = "/a/:b{c}", ["/{a b}/{}/{a.b}"] = "/{a b}/{}/{a.b}", ["/a/{b}/x{b}"] = "/a/:b/x:b",
    ["/a/{b}?x={b}"] = "/a/:b?x={b}", ["/{é}"] = "/{é}",
  }
  for path, route in pairs(strict) do
    it("rewrite " .. path, function()
      assert.equal(route, config.lua(endpoint(path).route))
    end)
  end

  local wide = { ["/file.{ext}"] = "/file.:ext", ["/u/{user.name}"] = "/u/:user.name",
    ["/{a}-{b}"] = "/:a-:b" }
  for path, route in pairs(wide) do
    it("rewrite " .. path .. " with disable_rest", function()
      assert.equal(route, config.lua(endpoint(path, true).route))
    end)
  end

  it("name their parameters as the router does", function()
    assert.same({ "id", "b.json" }, config.list(endpoint("/a/{id}/{b}.json").params))
  end)
end)

describe("config_pattern, url_pattern (R-CFG-13, R-CFG-14)", function()
  local good = {
    ["/p/{id}"] = { "/p/<id Id>", "/p/{{.Id}}" },
    ["p/{b-c}.json"] = { "/p/<b-c B-c>.json", "/p/{{.B-c}}.json" },
    ["/{ABC}{id}"] = { "/<ABC ABC><id Id>", "/{{.ABC}}{{.Id}}" },
    ["/{a b}/{}/{id"] = { "/{a b}/{}/{id", "/{a b}/{}/{id" },
    ["/{{id}}"] = { "/{<id Id>}", "/{{{.Id}}}" },
    ["/q?a={id}&b={id}#f"] = { "/q?a=<id Id>&b=<id Id>#f", "/q?a={{.Id}}&b={{.Id}}#f" },
    ["/{resp0_x.y}/{JWT.sub}"] = { "/<resp0_x.y Resp0_x.y>/<JWT.sub JWT.sub>",
      "/{{.Resp0_x.y}}/{{.JWT.sub}}" },
    [""] = { "/", "/" },
    ["//double"] = { "//double", "//double" },
  }
  for text, want in pairs(good) do
    it("takes " .. text .. " apart", function()
      assert.same(want, { pattern(text) })
    end)
  end
end)

describe("config_pattern, placeholders (R-CFG-8, R-CFG-9)", function()
  local accepted = { "resp0_x", "resp12_a.b:c/d", "JWT.sub", "JWT.https://ns/role", "resp0_x_JWT.y",
    "resp0__" }
  for _, name in ipairs(accepted) do
    it("always accepts " .. name, function()
      assert.is_not_nil(pattern("/{" .. name .. "}", "/e"))
    end)
  end

  for _, name in ipairs({ "Resp0_a", "jwt.sub", "resp0", "resp_a", "JWT.", "resp0_", "input_headers.X",
    "xresp0_a" }) do
    it("does not accept " .. name, function()
      local _, why = pattern("/{" .. name .. "}", "/e")
      local want = "undefined output param '%s'! endpoint: GET /e, backend: 0. input: [], output: [%s]"
      assert.equal(want:format(name, name), why)
    end)
  end

  it("are matched exactly, and lists are sorted", function()
    local _, why = pattern("/{ID}", "/z/{id}/{a}")
    assert.equal("undefined output param 'ID'! endpoint: GET /z/:id/:a, backend: 0. input: [a id], "
      .. "output: [ID]", why)
  end)

  it("are too many when more than the endpoint's, the last one not counted", function()
    local _, why = pattern("/{one}/{two}", "/e")
    assert.equal("input and output params do not match. endpoint: GET /e, backend: 0. input: [], output: "
      .. "[one two]", why)
    _, why = pattern("/{a}/{b}", "/e/{x}")
    assert.equal("undefined output param 'a'! endpoint: GET /e/:x, backend: 0. input: [x], output: [a b]",
      why)
    assert.is_not_nil(pattern("/{x}/{x}/{JWT.a}/{resp0_b}/{resp1_c}", "/e/{x}"))
  end)
end)
