--- The real binary behind a proxy that the environment names: what it sends there, byte by byte.
local process = require("spec.support.process")

describe("a gateway behind a proxy", function()
  local path, proxy, port, gateway, conns

  local function write(endpoints)
    local file = assert(io.open(path, "wb"))
    file:write(('{"version": 3, "port": %d, "listen_ip": "127.0.0.1", "endpoints": [%s]}'):format(port, endpoints))
    file:close()
  end

  before_each(function()
    path, conns = os.tmpname(), {}
    proxy, port = process.listen(), process.free_port()
    write('{"endpoint": "/a/{id}", "backend": [{"host": "http://backend.test:8080", "url_pattern": "/x/{id}"}]}')
  end)

  after_each(function()
    if gateway then gateway:stop() end
    for _, c in ipairs(conns) do c:close() end
    proxy:close()
    os.remove(path)
    gateway = nil
  end)

  local function start(variables, command)
    gateway = process.start({ command or "run", "-c", path, command == nil and "--workers=1" or nil }, nil, variables)
    if command then return gateway:wait(), gateway:err() end
    gateway:serves(port)
  end

  local function connect()
    local c = assert(process.connect(port))
    conns[#conns + 1] = c
    return c
  end

  --- A request on its way: the client's connection, the proxy's, and what came there.
  local function ask(upstream)
    local client = connect()
    client:send("GET /a/7 HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n")
    if upstream then return client, upstream, (upstream:receive("\r\n\r\n")) end
    local accepted, head = proxy:accept()
    conns[#conns + 1] = accepted
    return client, accepted, head
  end

  it("asks it for whole URLs, on a connection that is kept", function()
    start({ HTTP_PROXY = ("http://user:secret@127.0.0.1:%d"):format(proxy.port), NO_PROXY = "other.test" })
    local upstream
    for i = 1, 2 do
      local client, at, head = ask(upstream)
      upstream = at
      assert.equal("GET http://backend.test:8080/x/7 HTTP/1.1", head:match("^[^\r]*"))
      assert.equal("backend.test:8080", head:match("\r\nHost: ([^\r]*)"))
      assert.equal("Basic dXNlcjpzZWNyZXQ=", head:match("\r\nProxy%-Authorization: ([^\r]*)"))
      upstream:send(('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"n":%d}'):format(i))
      assert.matches(('{"n":%d}'):format(i), client:receive(), 1, true)
    end
  end)

  it("does not ask it for what is on this host", function()
    local backend = process.listen()
    write(([[{"endpoint": "/a/{id}", "backend": [{"host": "http://localhost:%d", "url_pattern": "/"}]},
      {"endpoint": "/b", "backend": [{"host": "http://127.0.0.1:%d", "url_pattern": "/"}]}]]):format(
      backend.port, backend.port))
    start({ http_proxy = ("127.0.0.1:%d"):format(proxy.port) })
    for _, target in ipairs({ "/a/7", "/b" }) do
      local client = connect()
      client:send(("GET %s HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n"):format(target))
      local upstream, head = backend:accept()
      conns[#conns + 1] = upstream
      assert.matches("^GET / HTTP/1.1\r\n", head)
      upstream:send('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}')
      assert.matches("^HTTP/1.1 200 ", client:receive())
    end
    backend:close()
  end)

  it("says that it cannot use it before it starts", function()
    for _, command in ipairs({ "run", "check" }) do
      local code, err = start({ HTTP_PROXY = "socks5://user:secret@127.0.0.1:1" }, command)
      assert.equal(command == "run" and 255 or 1, code)
      assert.matches("HTTP_PROXY: socks5:// proxies are not supported: only http:// ones are", err, 1, true)
      assert.is_nil(err:find("secret", 1, true))
      gateway:stop()
    end
    assert.equal(0, (start({ HTTP_PROXY = "socks5://127.0.0.1:1", NO_PROXY = "*" }, "check")))
  end)
end)
