local config = require("spec.support.config")

local function parse(block)
  return config.parse(config.service('"extra_config": {"router": ' .. block .. "}"))
end

local function router(block)
  local c = assert(parse(block))
  return c.router, c
end

describe("config_router, options (core.md 2.5)", function()
  it("have the reference's defaults", function()
    local c = config.parse(config.service())
    local r = c.router
    assert.is_true(r.forwarded_by_client_ip)
    assert.same({ "X-Forwarded-For", "X-Real-Ip" }, config.list(r.remote_ip_headers))
    assert.equal(0, tonumber(r.trusted_proxy_count))
    assert.equal("/__health", config.lua(r.health_path))
    assert.is_false(r.auto_options or r.return_error_msg or r.has_error_404 or r.disable_access_log)
  end)

  local bools = { "app_engine", "disable_access_log", "disable_handle_method_not_allowed", "disable_health",
    "disable_path_decoding", "disable_redirect_fixed_path", "disable_redirect_trailing_slash",
      "hide_version_header",
    "remove_extra_slash", "return_error_msg", "auto_options" }
  for _, name in ipairs(bools) do
    it("read " .. name, function()
      assert.is_true(router('{"' .. name .. '": true}')[name])
      assert.is_false(router('{"' .. name .. '": null}')[name])
    end)
  end

  it("read lists, texts, and names in any letter case", function()
    local r = router([[{"logger_skip_paths": ["/a", "/b"], "health_path": "up",
      "remote_ip_headers": ["x-client"],
      "Forwarded_By_Client_IP": false, "max_multipart_memory": 5}]])
    assert.same({ "/a", "/b" }, config.list(r.logger_skip_paths))
    assert.equal("/up", config.lua(r.health_path))
    assert.same({ "X-Client" }, config.list(r.remote_ip_headers))
    assert.is_false(r.forwarded_by_client_ip)
  end)

  it("keep the defaults in the place of empty lists", function()
    local r = router('{"trusted_proxies": [], "remote_ip_headers": []}')
    assert.same({ "X-Forwarded-For", "X-Real-Ip" }, config.list(r.remote_ip_headers))
    assert.equal(0, tonumber(r.trusted_proxy_count))
  end)

  it("switch HTTP/2 on as the root key does", function()
    local _, c = router('{"use_h2c": true}')
    assert.is_true(c.use_h2c)
  end)
end)

describe("config_router, error bodies (core.md 2.4)", function()
  local bodies = {
    ['{"404": {"a": "x  y", "b": [1, 2]}}'] = '{"a":"x  y","b":[1,2]}',
    ['{"404": "go \\" ne"}'] = '"go \\" ne"',
    ['{"404": false}'] = "false",
    ['{"404": {}}'] = "{}",
    ['{"404": 1.50}'] = "1.50",
  }
  for body, text in pairs(bodies) do
    it("make " .. body .. " compact", function()
      local r = router('{"error_body": ' .. body .. "}")
      assert.is_true(r.has_error_404)
      assert.is_false(r.has_error_405)
      assert.equal(text, config.lua(r.error_404))
    end)
  end

  it("are found in any letter case", function()
    local r = router('{"Error_Body": {"405": 1}}')
    assert.is_true(r.has_error_405)
    assert.is_false(r.has_error_404)
  end)

  for _, body in ipairs({ '{"404": null}', '["404"]', '"x"', "null", '{"500": 1}' }) do
    it("are none in " .. body, function()
      assert.is_false(router('{"error_body": ' .. body .. "}").has_error_404)
    end)
  end
end)

describe("config_router, wrong types (R-RT-11)", function()
  local wrong = { '"remove_extra_slash": "x"', '"logger_skip_paths": "x"', '"logger_skip_paths": [1]',
    '"health_path": 5',
    '"max_multipart_memory": 1.5', '"auto_options": 1' }
  for _, member in ipairs(wrong) do
    it("drop the block for " .. member .. ", with a warning", function()
      local r, c = router('{"return_error_msg": true, "app_engine": true, "disable_health": true, ' .. member
        .. "}")
      assert.is_false(r.return_error_msg)
      assert.is_false(r.app_engine)
      assert.is_true(r.disable_health)
      assert.matches("WARNING router." .. member:match('"(.-)"') .. " has a wrong type",
        config.warnings(c)[1], 1, true)
    end)
  end

  it("are told by a number's value, not by its text", function()
    for _, number in ipairs({ "3.0", "1e6", "-1", "9007199254740993", "-9223372036854775808" }) do
      assert.is_true(router('{"app_engine": true, "max_multipart_memory": ' .. number .. "}").app_engine, number)
    end
    for _, number in ipairs({ "9223372036854775807", "1e30", "0.5" }) do
      assert.is_false(router('{"app_engine": true, "max_multipart_memory": ' .. number .. "}").app_engine, number)
    end
  end)

  it("spare what is read apart", function()
    local r = router([[{"disable_access_log": true, "disable_path_decoding": true, "health_path": "/up",
      "use_h2c": 1,
      "auto_options": true, "error_body": {"404": 1}, "hide_version_header": true}]])
    assert.is_true(r.disable_access_log and r.disable_path_decoding and r.auto_options and r.has_error_404)
    assert.equal("/up", config.lua(r.health_path))
    assert.is_false(r.hide_version_header)
  end)

  it("drop a block that is no object", function()
    local r, c = router('["return_error_msg"]')
    assert.is_false(r.return_error_msg)
    assert.same({ "WARNING router is no object: its options are not applied" }, config.warnings(c))
  end)
end)

describe("config_router, trusted proxies", function()
  it("are addresses and blocks", function()
    local r = router('{"trusted_proxies": ["127.0.0.1", "2.2.2.0/24", "::1", "fe80::/10"]}')
    assert.equal(4, tonumber(r.trusted_proxy_count))
    assert.equal(120, r.trusted_proxies[1].bits)
  end)

  it("end the start when one is no address: a guard must not be missing in silence", function()
    local c, why = parse('{"trusted_proxies": ["127.0.0.1", "nonsense", "2.2.2.2"]}')
    assert.is_nil(c)
    assert.equal("'k.json': router.trusted_proxies[1]: 'nonsense' is no IP address or CIDR block", why)
  end)

  it("end the start when the block would be dropped with them", function()
    for _, member in ipairs({ '"trusted_proxies": "127.0.0.1"',
      '"app_engine": 1, "trusted_proxies": ["127.0.0.1"]' }) do
      local c, why = parse("{" .. member .. "}")
      assert.is_nil(c)
      assert.matches("has a wrong type: router.trusted_proxies cannot be applied", why, 1, true)
    end
  end)
end)
