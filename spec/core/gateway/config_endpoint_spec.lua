local config = require("spec.support.config")

local function reason(...)
  local c, why = config.parse(config.endpoints(...))
  assert.is_nil(c)
  return (why:gsub("^'k.json': ", ""))
end

local function parse(endpoint, members)
  local c = assert(config.parse(config.endpoints({ endpoint }, members)))
  return c.endpoints[0], c, c.endpoints[0].backends[0]
end

local function with_backend(backend, endpoint, members)
  return parse('"endpoint": "/a"' .. (endpoint and ", " .. endpoint or "") .. ', "backend": [' .. backend
    .. "]", members)
end

describe("config_endpoint, defaults (core.md 1.6, 1.7)", function()
  it("are the service's, then its own", function()
    local e, _, b = with_backend("{}", nil, '"timeout": "3s", "cache_ttl": "1h", "output_encoding": "string"')
    assert.equal("GET", config.lua(e.method))
    assert.equal(3e9, tonumber(e.timeout))
    assert.equal(3600e9, tonumber(e.cache_ttl))
    assert.equal("public, max-age=3600", config.lua(e.cache_control))
    assert.equal("string", config.lua(e.output_name))
    assert.equal(1, tonumber(e.concurrent_calls))
    assert.equal("GET", config.lua(b.method))
    assert.equal("/", config.lua(b.url_pattern.text))
    assert.equal("http", config.lua(b.sd_scheme))
    assert.equal(0, tonumber(b.encoding))
    assert.is_false(b.filters_headers)
  end)

  it("cannot be switched off with zero", function()
    local e = with_backend("{}",
      '"timeout": "0s", "cache_ttl": 0, "concurrent_calls": 0, "output_encoding": ""',
      '"cache_ttl": "90s"')
    assert.equal(2e9, tonumber(e.timeout))
    assert.equal("public, max-age=90", config.lua(e.cache_control))
    assert.equal(1, tonumber(e.concurrent_calls))
    assert.equal("json", config.lua(e.output_name))
  end)

  local ages = { ["500ms"] = "public, max-age=0", ["1.9s"] = "public, max-age=1",
    ["-5s"] = "public, max-age=-5", ["0s"] = "" }
  for ttl, value in pairs(ages) do
    it("cut " .. ttl .. " to whole seconds", function()
      assert.equal(value, config.lua(with_backend("{}", '"cache_ttl": "' .. ttl .. '"').cache_control))
    end)
  end

  it("give the backend the endpoint's method as written, and send it in upper case", function()
    local _, _, b = with_backend("{}", '"method": "pOsT"')
    assert.equal("pOsT", config.lua(b.method))
    assert.equal("POST", config.lua(b.method_sent))
    _, _, b = with_backend('{"method": "brew"}')
    assert.equal("BREW", config.lua(b.method_sent))
  end)

  it("include no name to look up", function()
    local c, why = config.parse('{"version": 3, "endpoints": [{"endpoint": "/a", "backend": [{"sd": "dns"}]}]}')
    assert.is_nil(c)
    assert.equal("'k.json': backend 0 of GET /a: sd is dns, but there is no host to look up", why)
    assert.is_not_nil(config.parse('{"version": 3, "endpoints": [{"endpoint": "/a", "backend": [{"sd": "static"}]}]}'))
  end)

  it("number endpoints and backends", function()
    local c = config.parse(config.endpoints({ '"backend": [{}, {}]', '"endpoint": "b", "backend": [{}]' }))
    assert.equal(3, tonumber(c.backend_count))
    assert.equal(2, c.endpoints[1].backends[0].id)
    assert.equal(1, c.endpoints[0].backends[1].index)
    assert.equal("/b", config.lua(c.endpoints[1].path))
    assert.equal("/", config.lua(c.endpoints[0].route))
    assert.equal(c.endpoints + 1, c.endpoints[1].backends[0].endpoint)
  end)

  it("spell header names canonically and find the stars", function()
    local e, _, b = with_backend('{"input_headers": ["x-b", "*"], "input_query_strings": [""]}',
      '"input_headers": ["x-a", "*"], "input_query_strings": ["q"]')
    assert.same({ "X-A", "*" }, config.list(e.input_headers))
    assert.is_true(e.all_headers)
    assert.is_false(e.all_query_strings)
    assert.same({ "X-B", "*" }, config.list(b.input_headers))
    assert.is_true(b.filters_headers)
    assert.is_true(b.filters_query_strings)
  end)
end)

describe("config_endpoint, encodings (core.md 5.2, 7.2)", function()
  local JSON, STRING, NOOP, COLLECTION = 0, 1, 2, 3
  local outputs = { json = JSON, string = STRING, ["no-op"] = NOOP, ["json-collection"] = COLLECTION,
    JSON = JSON, typo = JSON }
  for name, output in pairs(outputs) do
    it("know the output " .. name, function()
      local e, c = with_backend("{}", '"output_encoding": "' .. name .. '"')
      assert.equal(output, tonumber(e.output))
      assert.same({}, config.warnings(c))
    end)
  end

  it("fall back to the only backend's encoding", function()
    assert.equal(STRING, tonumber(with_backend('{"encoding": "string"}', '"output_encoding": "typo"').output))
    assert.equal(JSON, tonumber(with_backend('{"encoding": "STRING"}', '"output_encoding": "typo"').output))
    assert.equal(JSON, tonumber(with_backend('{"encoding": "string"}, {}',
      '"output_encoding": "typo"').output))
    assert.equal(JSON, tonumber(with_backend('{"encoding": "safejson"}', '"output_encoding": "typo"').output))
  end)

  it("make every backend of a no-op endpoint no-op, and allow one", function()
    local _, _, b = with_backend('{"encoding": "json"}', '"output_encoding": "no-op"')
    assert.equal(3, tonumber(b.encoding))
    assert.equal("can not use NoOp encoding with more than one backends connected to the same endpoint",
      reason({ '"endpoint": "/a", "backend": [{}, {"extra_config": {"proxy": {"shadow": true}}}]' },
        '"output_encoding": "no-op"'))
  end)

  local encodings = { json = 0, SafeJSON = 1, String = 2, ["no-op"] = 3, ["NO-OP"] = 4, yaml = 0, ["fast-json"] = 0 }
  for name, encoding in pairs(encodings) do
    it("know the encoding " .. name, function()
      local _, c, b = with_backend('{"encoding": "' .. name .. '"}')
      assert.equal(encoding, tonumber(b.encoding))
      assert.same({}, config.warnings(c))
    end)
  end

  it("that are not there yet are JSON with a warning that names the place", function()
    for _, name in ipairs({ "xml", "yaml", "negotiate" }) do
      local e, c = with_backend("{}", '"output_encoding": "' .. name .. '"')
      assert.equal(JSON, tonumber(e.output))
      assert.same({ "WARNING output_encoding " .. name
        .. " of endpoint GET /a is not supported yet: JSON is sent" },
        config.warnings(c))
    end
    local _, c = with_backend('{"encoding": "RSS"}')
    assert.same({ "WARNING encoding RSS at backend 0 of GET /a is not supported yet: the reply is read as "
      .. "JSON" },
      config.warnings(c))
  end)
end)

describe("config_endpoint, paths (R-CFG-10)", function()
  local forbidden = { "/__debug", "/__debug/x", "/__echo/", "/a/__health", "/a/__debug/x", "/a/*/b", "/*rest",
    "/**" }
  for _, path in ipairs(forbidden) do
    it("may not be " .. path, function()
      assert.equal("ignoring the ' " .. path .. "' endpoint, since it is invalid!!!",
        reason({ ('"endpoint": "%s", "backend": [{}]'):format(path) }))
    end)
  end

  for _, path in ipairs({ "/__healthz", "/__stats", "/a__debug", "/x/__echoes" }) do
    it("may be " .. path, function()
      assert.equal(path, config.lua(parse(('"endpoint": "%s", "backend": [{}]'):format(path)).route))
    end)
  end

  it("need a backend; the method is told as written", function()
    assert.equal("ignoring the 'Post /a' endpoint, since it has 0 backends defined!",
      reason({ '"endpoint": "a", "method": "Post"' }))
    assert.equal("ignoring the ' /__health' endpoint, since it is invalid!!!",
      reason({ '"endpoint": "__health"' }))
  end)
end)

describe("config_endpoint, methods", function()
  it("that cannot be served are reported and left out", function()
    local e, c = with_backend("{}", '"method": "brew"')
    assert.is_false(e.supported)
    assert.same({ "ERROR [SERVICE: Gin] [ENDPOINT: /a ] Unsupported method BREW" }, config.warnings(c))
    for _, method in ipairs({ "GET", "post", "Put", "PATCH", "delete" }) do
      assert.is_true(with_backend("{}", '"method": "' .. method .. '"').supported)
    end
  end)

  it("of backends that cannot be sent are reported", function()
    for _, method in ipairs({ "a b", "p\\u00e4st", "GET\\r\\n", "{id}" }) do
      local _, c = with_backend('{"method": "' .. method:gsub("\\\\", "\\") .. '"}')
      assert.matches("WARNING backend 0 of GET /a: '.*' is no method: its calls fail", config.warnings(c)[1])
    end
    local _, c = with_backend('{"method": "m-search"}')
    assert.same({}, config.warnings(c))
  end)
end)

describe("config_endpoint, proxy options (strict types)", function()
  local function proxy(options, backends)
    return parse('"endpoint": "/a", "backend": [' .. (backends or "{}, {}") .. '], "extra_config": {"proxy": '
      .. options .. "}")
  end

  it("are sequential if true, with two backends", function()
    assert.is_true(proxy('{"sequential": true}').sequential)
    assert.is_false(proxy('{"sequential": "true"}').sequential)
    assert.is_false(proxy('{"sequential": true}', "{}").sequential)
  end)

  it("are reported when they leave shadows alone, and so nobody to answer", function()
    local shadow = '{"extra_config": {"proxy": {"shadow": true}}}'
    local _, c = proxy("{}", shadow .. ", " .. shadow)
    assert.same({ "ERROR [SERVICE: Gin] Calling the ProxyFactory all endpoints must have at least one backend: "
      .. "those of endpoint GET /a are shadows, each request is answered with 500" }, config.warnings(c))
    _, c = proxy("{}", shadow .. ", {}")
    assert.same({}, config.warnings(c))
  end)

  it("name propagated parameters by texts", function()
    local e = proxy('{"sequential": true, "sequential_propagated_params": ["resp0_x", "y"]}')
    assert.same({ "resp0_x", "y" }, config.list(e.propagated))
    local broken = '"endpoint": "/a", "backend": [{}, {}], "extra_config": {"proxy": %s}'
    assert.equal("endpoint GET /a: proxy.sequential_propagated_params: expected texts, got a number",
      reason({ broken:format('{"sequential": true, "sequential_propagated_params": [1]}') }))
    assert.equal("endpoint GET /a: proxy.sequential_propagated_params: expected texts, got a null",
      reason({ broken:format('{"sequential_propagated_params": ["x", null]}') }))
    assert.equal("endpoint GET /a: proxy.combiner: expected a text, got a number",
      reason({ broken:format('{"combiner": 7}') }))
    assert.equal("endpoint GET /a: proxy.combiner: expected a text, got a null",
      reason({ broken:format('{"combiner": null}') }))
    assert.is_not_nil(proxy('{"combiner": 7}', "{}"))
  end)

  it("are not looked at in groups of one", function()
    local shadow = '{"extra_config": {"proxy": {"shadow": true}}}'
    local wrong = '{"sequential": true, "sequential_propagated_params": [1], "combiner": 7}'
    assert.is_false(proxy(wrong, "{}, " .. shadow).sequential)
    assert.is_true(proxy('{"sequential": true}', ("{}, %s, %s"):format(shadow, shadow)).sequential)
    local broken = '"endpoint": "/a", "backend": [{}, %s, %s], "extra_config": {"proxy": {"combiner": 7}}'
    assert.matches("proxy.combiner: expected a text", reason({ broken:format(shadow, shadow) }))
  end)

  local strategies = { always = 1, success = 2, complete = 3, errored = 4, incomplete = 5, other = 1 }
  for name, strategy in pairs(strategies) do
    it("know the static strategy " .. name, function()
      local e = proxy('{"static": {"strategy": "' .. name .. '", "data": {"a": 1}}}')
      assert.equal(strategy, tonumber(e.static_strategy))
    end)
  end

  it("ignore static data that is no object", function()
    assert.equal(0, tonumber(proxy('{"static": {"data": [1]}}').static_strategy))
    assert.equal(1, tonumber(proxy('{"static": {"data": {}, "strategy": 5}}').static_strategy))
  end)

  it("warn of flatmap filters", function()
    local _, c = proxy('{"flatmap_filter": [{"type": "del"}]}')
    assert.matches("flatmap_filter at endpoint GET /a is not supported yet", config.warnings(c)[1], 1, true)
    _, c = proxy('{"flatmap_filter": []}')
    assert.same({}, config.warnings(c))
  end)

  it("of a backend: shadow and its timeout", function()
    local _, _, b = with_backend('{"extra_config": {"proxy": {"shadow": true, "shadow_timeout": "5s"}}}')
    assert.is_true(b.shadow)
    assert.equal(5e9, tonumber(b.shadow_timeout))
    _, _, b = with_backend('{"extra_config": {"proxy": {"shadow": true, "shadow_timeout": "0s"}}}')
    assert.equal(0, tonumber(b.shadow_timeout))
    for _, value in ipairs({ '"soon"', "5", '"5"', "null" }) do
      _, _, b = with_backend('{"extra_config": {"proxy": {"shadow": "true", "shadow_timeout": ' .. value
        .. '}}}', '"timeout": "3s"')
      assert.is_false(b.shadow)
      assert.equal(3e9, tonumber(b.shadow_timeout))
    end
  end)

  it("of a backend: errors and redirects", function()
    local _, _, b = with_backend('{"extra_config": {"backend/http": {"return_error_code": true}}}')
    assert.is_true(b.return_error_code)
    assert.is_false(b.return_error_details_set)
    _, _, b = with_backend('{"extra_config": {"backend/http": {"return_error_code": "true", '
      .. '"return_error_details": "x"}}}')
    assert.is_false(b.return_error_code)
    assert.equal("x", config.lua(b.return_error_details))
    for _, value in ipairs({ '""', "5", "null" }) do
      _, _, b = with_backend('{"extra_config": {"backend/http": {"return_error_details": ' .. value .. "}}}")
      assert.is_true(b.return_error_details_set)
      assert.equal("", config.lua(b.return_error_details))
    end
    _, _, b = with_backend('{"extra_config": {"backend/http/client": {"send_body_on_redirect": true}}}')
    assert.is_true(b.send_body_on_redirect)
  end)
end)
