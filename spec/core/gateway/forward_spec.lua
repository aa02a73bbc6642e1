--- What of a client's request a backend gets.
local kit = require("kit")

local function start(endpoint, backend)
  local back = kit.upstream()
  back:on("*", "*"):reply(200, { ok = true })
  backend.host, backend.url_pattern = back.url, "/"
  endpoint.endpoint, endpoint.backend = "/a", { backend }
  return kit.gateway({ endpoints = { endpoint } }), back
end

describe("User-Agent", function()
  local cases = {
    { "a", "b", want = { "a" } }, { "a", "a", want = { "a" } }, { "a", "", want = { "a" } },
    { "", "b", want = {} }, { "", want = {} }, { "a", want = { "a" } },
  }
  for _, case in ipairs(cases) do
    it("goes out in one line, the first: " .. table.concat(case, "|"), function()
      for _, of_backend in ipairs({ false, { "User-Agent" } }) do
        local gateway, back = start({ input_headers = { "User-Agent" } }, { input_headers = of_backend or nil })
        local list = {}
        for i, value in ipairs(case) do list[i] = { "User-Agent", value } end
        gateway:get("/a", { fields = list })
        assert.same(case.want, back.requests[1].fields:all("User-Agent"))
      end
    end)
  end
end)

describe("a URL that cannot be asked", function()
  local cases = {
    { "x", [[Get "x/p?q=1&a=b+c": unsupported protocol scheme ""]] },
    { "ftp://u:secret@h", [[Get "ftp://u:***@h/p?q=1&a=b+c": unsupported protocol scheme "ftp"]] },
    { "http://u:secret@", [[Get "http://u:***@/p?q=1&a=b+c": http: no Host in request URL]] },
    { "http:h", [[Get "http:h/p?q=1&a=b+c": http: no Host in request URL]] },
    { "http://h:p", [[parse "http://h:p/p?q=1": invalid port ":p" after host]] },
    { "http://a b", [[parse "http://a b/p?q=1": invalid character " " in host name]] },
  }
  for _, case in ipairs(cases) do
    it("is named as Go names it, without a password: " .. case[1], function()
      local function backend(pattern)
        return { { host = case[1], disable_host_sanitize = true, method = "get", url_pattern = pattern } }
      end
      local gateway = kit.gateway({ extra_config = { router = { return_error_msg = true } }, endpoints = {
        { endpoint = "/fixed", input_query_strings = { "a" }, backend = backend("/p?q=1") },
        { endpoint = "/of/{x}", input_query_strings = { "a" }, backend = backend("/{x}?q=1") } } })
      for _, path in ipairs({ "/fixed", "/of/p" }) do
        local response = gateway:get(path .. "?a=b%20c")
        assert.same({ 500, case[2] }, { response.status, response.body })
      end
    end)
  end
end)
