--- Connections of the real binary where the kernel matters (RFC 9112 sections 8 and 9): ends of one side, resets,
-- answers to clients that are still sending, upstream connections that break.
local process = require("spec.support.process")

local get = "GET /a HTTP/1.1\r\nHost: g\r\n\r\n"
local ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
local last_ok = ok:gsub("\r\n\r\n", "\r\nConnection: close%0")

describe("a connection over TCP", function()
  local path, gateway, upstream, port, conns

  local function endpoint(method)
    return ([[{ "endpoint": "/a", "method": "%s", "output_encoding": "no-op", "input_headers": ["*"], "timeout": "20s",
      "backend": [{ "host": ["http://127.0.0.1:%d"], "url_pattern": "/b" }] }]]):format(method, upstream.port)
  end

  local function keep(conn)
    conns[#conns + 1] = conn
    return conn
  end

  local function connect(bytes)
    local client = keep(assert(process.connect(port)))
    if bytes then client:send(bytes) end
    return client
  end

  --- The gateway, of one worker, has seen what happened on other connections before this returns.
  local function settle()
    assert.equal(200, process.get(port, "/__health"))
  end

  --- The upstream's end of a request.
  local function accept()
    local backend, head = upstream:accept()
    return keep(backend), head
  end

  setup(function()
    path, upstream, port = os.tmpname(), process.listen(), process.free_port()
    local file = assert(io.open(path, "wb"))
    file:write(([[{ "version": 3, "port": %d, "listen_ip": "127.0.0.1", "endpoints": [%s, %s] }]]):format(port,
      endpoint("GET"), endpoint("POST")))
    file:close()
    gateway = process.start({ "run", "-c", path, "--workers", "1" })
    gateway:serves(port)
  end)

  teardown(function()
    gateway:stop()
    upstream:close()
    os.remove(path)
  end)

  before_each(function() conns = {} end)

  after_each(function()
    for _, conn in ipairs(conns) do conn:close() end
  end)

  it("whose client shuts its side after the request is answered, then closed", function()
    local client = connect(get)
    local backend = accept()
    client:shutdown()
    settle()
    backend:send(last_ok)
    local answer, state = client:receive()
    assert(answer:find("^HTTP/1%.1 200 .*\r\n\r\nok$"), answer .. "|" .. state)
    assert.truthy(answer:find("\r\nConnection: close\r\n", 1, true))
    assert.equal("end", state)
  end)

  it("whose client shuts its side after several requests answers them all", function()
    local client = connect(get .. get .. get)
    client:shutdown()
    local backend = accept()
    for _ = 1, 2 do
      backend:send(ok)
      assert.truthy(backend:receive("\r\n\r\n$"):find("^GET /b "))
    end
    backend:send(last_ok)
    local answer, state = client:receive()
    assert.equal(3, select(2, answer:gsub("\r\n\r\nok", "")))
    assert.equal("end", state)
  end)

  it("whose client shuts its side inside a head or a content is answered 400", function()
    for _, part in ipairs({ "G", "GE", "\r\nG", "GET /a HT", "GET /a HTTP/1.1\r\nHo",
      "POST /none HTTP/1.1\r\nHost: g\r\nContent-Le" }) do
      local client = connect(part)
      client:shutdown()
      local answer, state = client:receive()
      assert.truthy(answer:find("^HTTP/1%.1 400 "), part)
      assert.equal("end", state)
    end
    local client = connect("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\n\r\nab")
    local backend = accept()
    client:shutdown()
    assert.truthy(client:receive():find("^HTTP/1%.1 400 "))
    local _, state = backend:receive()
    assert.not_equal("late", state)
  end)

  it("whose client shuts its side before a request is closed without an answer", function()
    for _, part in ipairs({ "", "\r\n" }) do
      local client = connect(part)
      client:shutdown()
      local answer, state = client:receive()
      assert.equal("", answer)
      assert.equal("end", state)
    end
  end)

  it("whose client closes or resets ends the call", function()
    for _, how in ipairs({ "close", "reset" }) do
      local client = connect(get)
      local backend = accept()
      client[how](client)
      local _, state = backend:receive(nil, 2)
      assert.not_equal("late", state, how)
    end
  end)

  it("that is refused lets the client send on, so that it sees the answer", function()
    for _, head in ipairs({ "POST /a HTTP/1.1\r\n\r\n",
      "POST /none HTTP/1.1\r\nHost: g\r\nContent-Length: 4194304\r\n\r\n",
      "POST /none HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n400000\r\n" }) do
      local client, content = connect(head), ("x"):rep(4194304)
      assert.equal(#content, client:send(content))
      local answer, state = client:receive()
      assert.truthy(answer:find("^HTTP/1%.1 40[04] "))
      assert.equal("end", state)
    end
  end)

  it("gets the upstream's early answer, though that closes while content is sent", function()
    local client = connect("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 1000000\r\n\r\n" .. ("x"):rep(1000))
    local backend = accept()
    backend:send("HTTP/1.1 413 X\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
    backend:close()
    assert.truthy(client:receive("big$"):find("^HTTP/1%.1 413 "))
  end)

  it("ends without the end of the content when the upstream's is reset inside it", function()
    for _, framing in ipairs({ "Content-Length: 9", "Transfer-Encoding: chunked", "X-A: b" }) do
      for _, version in ipairs({ "1.1", "1.0" }) do
        local client = connect("GET /a HTTP/" .. version .. "\r\nHost: g\r\n\r\n")
        local backend = accept()
        local chunked = framing:find("chunked")
        backend:send("HTTP/1.1 200 OK\r\n" .. framing .. "\r\n\r\n" .. (chunked and "2\r\nab\r\n" or "ab"))
        local first = client:receive("ab")
        backend:reset()
        local rest, state = client:receive()
        local answer = first .. rest
        assert.is_nil(answer:find("\r\n0\r\n", 1, true))
        local length = answer:match("\r\nContent%-Length: (%d+)")
        assert(length == "9" or answer:find("chunked", 1, true) or state == "reset", answer .. state)
      end
    end
  end)

  it("to the upstream that closed meanwhile is not used for a request", function()
    for _, how in ipairs({ "close", "reset" }) do
      local client = connect(get)
      local backend = accept()
      backend:send(ok)
      assert.truthy(client:receive("ok$"):find("^HTTP/1%.1 200 "))
      backend[how](backend)
      settle()
      client:send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nab")
      local again, head = accept()
      assert.truthy(head:find("^POST /b "))
      again:send(last_ok)
      assert.truthy(client:receive("ok$"):find("^HTTP/1%.1 200 "), how)
    end
  end)

  it("serves thousands of requests that nobody waits for, in order", function()
    local client, parts = connect(), {}
    for i = 1, 3000 do parts[i] = ("GET /none%s HTTP/1.1\r\nHost: g\r\n\r\n"):format(i % 3 == 0 and "" or i) end
    parts[#parts + 1] = "OPTIONS * HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n"
    client:send(table.concat(parts))
    local answer, state = client:receive()
    assert.equal(3000, select(2, answer:gsub("HTTP/1%.1 404 ", "")))
    assert.truthy(answer:find("HTTP/1%.1 200 OK\r\n[^\n]*\n?[^\n]*\n?[^\n]*\r\n\r\n$"))
    assert.equal("end", state)
  end)
end)
