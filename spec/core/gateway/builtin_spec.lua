--- What is answered without a backend.
local kit = require("kit")

describe("a redirect to or from a final slash", function()
  it("has X-Forwarded-Prefix in front, cleaned, and as if it began with a slash", function()
    local back = kit.upstream()
    local gateway = kit.gateway({ endpoints = { { endpoint = "/foo", backend = {
      { host = back.url, url_pattern = "/" } } } } })
    for prefix, location in pairs({
      ["/v2"] = "/v2/foo?a=1", ["/v2//x/"] = "/v2/x/foo?a=1", ["v2"] = "/v2/foo?a=1", ["./v2"] = "/v2/foo?a=1",
      [".."] = "/foo?a=1", ["/"] = "/foo?a=1", ["."] = "/foo?a=1", ["http://evil.test"] = "/http/eviltest/foo?a=1",
      ["//evil.test"] = "/eviltest/foo?a=1", ["/a_b~c"] = "/abc/foo?a=1",
    }) do
      local response = gateway:get("/foo/?a=1", { fields = { ["X-Forwarded-Prefix"] = prefix } })
      assert.equal(301, response.status)
      assert.equal(location, response:field("Location"), prefix)
    end
  end)
end)

describe("a redirect of a method that reads", function()
  it("has a type, and content for GET", function()
    local gateway = kit.gateway({ debug_endpoint = true, endpoints = {} })
    for method, expected in pairs({ GET = "301 text/html; charset=utf-8 44", HEAD = "307 text/html; charset=utf-8 0",
      POST = "307 nil 0" }) do
      local response = gateway:request({ method = method, path = "/__debug" })
      local told = ("%d %s %d"):format(response.status, tostring(response:field("content-type")), #response.body)
      assert.equal(expected, told)
    end
  end)
end)

describe("/__debug", function()
  it("logs the request as Go prints it, but for secrets", function()
    local gateway = kit.gateway({ debug_endpoint = true, endpoints = {} })
    local response = gateway:request({ method = "POST", path = "/__debug/a/b?x=1&y&x=%20", body = "words", fields = {
      { "X-Z", "1" }, { "Cookie", "a=b" }, { "accept", "q" }, { "x-z", "2" } } })
    assert.equal('{"message":"pong"}', response.body)
    for _, line in ipairs({ "Method: POST", "URL: /__debug/a/b?x=1&y&x=%20", "Query: map[x:[1  ] y:[]]",
      "Params: [{param /a/b}]", "Headers: map[Accept:[q] Content-Length:[5] Cookie:[(hidden)] X-Z:[1 2]]",
      "Body: words" }) do
      assert.is_truthy(gateway:logged("[ENDPOINT: /__debug/*] " .. line, true), line)
    end
    gateway:get("/__debug/")
    assert.is_truthy(gateway:logged("[ENDPOINT: /__debug/*] Query: map[]", true))
  end)
end)
