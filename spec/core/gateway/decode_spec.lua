local gzip = require("kit.gzip")
local kit = require("kit")

describe("a reply that breaks off", function()
  local back, gateway

  --- "500 text" or "200 {...}" for a backend that sends these bytes; then it closes, or stalls.
  local function answered(bytes, fields, stalls)
    back = kit.upstream()
    back:on("GET", "/u"):raw(bytes, stalls)
    local backend = { host = back.url, url_pattern = "/u" }
    for key, value in pairs(fields or {}) do backend[key] = value end
    gateway = kit.gateway({
      extra_config = { router = { return_error_msg = true } },
      endpoints = { { endpoint = "/a", timeout = "1s", backend = { backend } } },
    })
    local response = gateway:get("/a")
    return response.status .. " " .. response.body, response
  end

  local function sized(content)
    return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" .. content
  end

  local function chunk(content)
    return ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n"):format(#content, content)
  end

  it("behind a value that is whole counts as whole", function()
    for _, framed in ipairs({ sized, chunk }) do
      local text, response = answered(framed('{"a":[1.0]}, "b'))
      assert.equal('200 {"a":[1.0]}', text)
      assert.equal("true", response:field("X-Krakend-Completed"))
      assert.equal('200 {"collection":[1]}', (answered(framed("[1]\n"), { is_collection = true })))
      assert.equal('200 {"collection":[]}', (answered(framed("[]"), { encoding = "safejson" })))
    end
  end)

  it("is not a malformed one", function()
    assert.equal("500 malformed chunked encoding", (answered(chunk('{"a":1}') .. "zz\r\n")))
  end)

  it("within its value does not", function()
    for _, framed in ipairs({ sized, chunk }) do
      for _, content in ipairs({ '{"a":[1]', "null", "  " }) do
        assert.equal("500 unexpected EOF", (answered(framed(content))))
      end
      assert.equal("500 unexpected EOF", (answered(framed("12"), { encoding = "safejson" })))
      assert.equal("500 unexpected EOF", (answered(framed('{"a":1}'), { encoding = "string" })))
    end
  end)

  it("is of the wrong type if its value is", function()
    assert.matches("^500 json: cannot unmarshal array", (answered(sized("[1]"))))
  end)

  it("counts when the time is up, too", function()
    assert.equal('200 {"a":1}', (answered(sized('{"a":1}'), nil, true)))
    assert.equal("500 context deadline exceeded", (answered(sized('{"a":1'), nil, true)))
  end)

  it("in gzip counts by what could be unpacked", function()
    local packed = gzip.pack('{"a":1}')
    local head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    assert.equal('200 {"a":1}', (answered(head:format(#packed) .. packed:sub(1, -5))))
    assert.equal("500 unexpected EOF", (answered(head:format(#packed) .. packed:sub(1, 12))))
  end)

  it("in the midst of gzip, or goes on behind it, does so too; what is damaged does not", function()
    local packed = gzip.pack('{"a":1}')
    local function of(bytes, fields)
      local head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
      return (answered(head:format(#bytes) .. bytes, fields))
    end
    assert.equal('200 {"a":1}', of(packed:sub(1, -5)))
    assert.equal('200 {"a":1}', of(packed .. "garbage"))
    assert.equal("500 unexpected EOF", of(packed:sub(1, 14)))
    assert.equal("500 unexpected EOF", of(packed:sub(1, -5), { encoding = "string" }))
    assert.equal("500 gzip: invalid data behind it", of(packed .. "garbage", { encoding = "string" }))
    assert.equal("500 gzip: invalid data", of(packed:sub(1, -9) .. "\0" .. packed:sub(-7)))
    assert.equal("500 gzip: invalid data", of('{"a":1}'))
  end)

  it("says its status even so", function()
    local malformed = "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    assert.matches("^500 invalid status code 404", (answered(malformed)))
    local head = "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nwhy"
    for _, stalls in ipairs({ false, true }) do
      assert.matches("^500 invalid status code 404 %[GET /u%]", (answered(head, nil, stalls)))
      local options = { extra_config = { ["backend/http"] = { return_error_code = true } } }
      assert.equal("404 ", (answered(head, options, stalls)))
      options = { extra_config = { ["backend/http"] = { return_error_details = "x" } } }
      assert.equal('200 {"error_x":{"http_status_code":404}}', (answered(head, options, stalls)))
    end
  end)

  it("of a no-op step is an answer, whose content nobody can refer to", function()
    back = kit.upstream()
    back:on("GET", "/u"):raw("HTTP/1.1 500 X\r\nContent-Length: 100\r\n\r\nraw")
    back:on("GET", "/v"):reply(200, { v = 1 })
    local proxy = { sequential = true, sequential_propagated_params = { "resp0" } }
    gateway = kit.gateway({ endpoints = { { endpoint = "/a", extra_config = { proxy = proxy }, backend = {
      { host = back.url, url_pattern = "/u", encoding = "no-op" }, { host = back.url, url_pattern = "/v" },
    } } } })
    local response = gateway:get("/a")
    assert.equal('{"v":1}', response.body)
    assert.equal("true", response:field("X-Krakend-Completed"))
  end)

  it("is dropped, and its connection with it", function()
    answered(sized('{"a":1}'), nil, true)
    kit.advance("10ms")
    assert.is_false(back.socks[1]:is_open())
    gateway:get("/a")
    assert.equal(2, back.connections)
  end)
end)

describe("an encoding that is no-op but for its letter case", function()
  --- "200 {...}" of an endpoint whose backend answers with this status.
  local function answered(status, fields)
    local upstream = kit.upstream()
    upstream:on("GET", "/"):reply(status, { a = 1 })
    local backend = { host = upstream.url, url_pattern = "/", encoding = "No-Op" }
    for key, value in pairs(fields or {}) do backend[key] = value end
    local response = kit.gateway({ endpoints = { { endpoint = "/a", backend = { backend } } } }):get("/a")
    return response.status .. " " .. response.body
  end

  it("reads nothing, and lets a status be an error", function()
    assert.equal("200 null", answered(200))
    assert.equal('200 {"g":null}', answered(200, { group = "g" }))
    assert.equal("500 ", answered(404))
    assert.equal("200 {}", answered(404, { encoding = "no-op" }))
  end)
end)
