--- No-op endpoints: content in both directions as it comes, no faster than the slower side takes it.
local kit = require("kit")

local MiB = 1024 * 1024

--- An upstream of raw sockets: handler(sock) for each connection.
local function origin(handler)
  local ip = "192.0.2.77"
  local self = { url = "http://" .. ip .. ":80", socks = {}, received = 0, bytes = "" }
  kit.world():listen(ip, 80, function(sock)
    self.socks[#self.socks + 1] = sock
    self.sock = sock
    sock:on(function(_, event, data)
      if event == "data" then
        self.received = self.received + #data
        if #self.bytes < 4096 then self.bytes = self.bytes .. data end
      elseif event == "end" or event == "error" then
        self.ended = true
        sock:close()
      end
    end)
    if handler then handler(sock, self) end
  end)
  return self
end

local function gateway_to(url, more)
  local endpoint = {
    endpoint = "/a", output_encoding = "no-op", timeout = "30s", backend = { { host = url, url_pattern = "/a" } } }
  for key, value in pairs(more or {}) do endpoint[key] = value end
  return kit.gateway({ endpoints = { endpoint } })
end

local function chunk(data) return ("%x\r\n%s\r\n"):format(#data, data) end

describe("a reply that streams", function()
  it("reaches the client piece by piece", function()
    local back = origin()
    local gateway = gateway_to(back.url)
    local client = gateway:connect():request({ path = "/a" })
    assert.is_true(kit.wait(function() return back.sock ~= nil end))
    back.sock:write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for i = 1, 3 do
      back.sock:write(chunk("data: " .. i .. "\n\n"))
      assert.is_true(kit.wait(function() return client.pending:find("data: " .. i, 1, true) ~= nil end, "10ms"))
    end
    back.sock:write("0\r\n\r\n")
    assert.equal("data: 1\n\ndata: 2\n\ndata: 3\n\n", client:receive().body)
    kit.advance("1ms")
    assert.equal(0, (gateway:counts()))
  end)

  it("comes with the interim responses before it, unless calls race for who replies", function()
    for calls, interim in pairs({ true, false }) do
      local back = origin(function(sock)
        sock:write("HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n")
      end)
      local gateway = gateway_to(back.url, { concurrent_calls = calls })
      local client = gateway:connect():request({ path = "/a" })
      assert.is_true(kit.wait(function() return #back.socks == calls end, "1s"))
      kit.advance("1s")
      assert.equal(interim, client.pending:find("X-Hint", 1, true) ~= nil, calls)
      kit.seed(1)
    end
  end)

  it("is not taken faster than the client takes it", function()
    local total, piece = 64 * MiB, ("x"):rep(64 * 1024)
    local back = origin()
    local gateway = gateway_to(back.url)
    local client = gateway:connect()
    local received = 0
    client.on_data = function(data) received = received + #data end
    client:request({ path = "/a" })
    assert.is_true(kit.wait(function() return back.sock ~= nil end))
    client.sock:pause(true)
    back.sock:write(("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: %d\r\n\r\n"):format(total))
    for _ = 1, total / #piece do back.sock:write(piece) end
    kit.advance("1s")
    assert.is_true(total - back.sock:queued() < 2 * MiB) -- what gateway and client hold together
    client.sock:pause(false)
    assert.is_true(kit.wait(function() return received > total end, "20s"))
  end)

  it("is cut where the endpoint's time ends, and the client sees it", function()
    local back = origin(function(sock)
      sock:write("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n" .. chunk("begun"))
    end)
    local gateway = gateway_to(back.url, { timeout = "2s" })
    local began = kit.now()
    local client = gateway:connect():request({ path = "/a" })
    local response = client:receive(nil, "5s")
    assert.equal("closed", response.error)
    assert.matches("begun", response.partial)
    assert.is_true(kit.now() - began >= 2 and kit.now() - began < 2.1)
    assert.is_true(kit.wait(function() return back.ended end, "1s"))
    assert.is_truthy(gateway:logged("%[ENDPOINT: /a%] the content of .* was cut after 5 bytes: context deadline"))
  end)

  it("is cut where the backend hangs up, and the log tells", function()
    local back = kit.upstream()
    back:on("GET", "/a"):raw("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 100\r\n\r\npart of it")
    local gateway = gateway_to(back.url)
    local response = gateway:connect():request({ path = "/a" }):receive()
    assert.equal("closed", response.error)
    assert.matches("part of it$", response.partial)
    assert.is_truthy(gateway:logged("%[ENDPOINT: /a%] the content of http.*/a was cut after 10 bytes"))
  end)

  it("is cut where its framing or its gzip breaks, though that comes with the head", function()
    local packed = require("kit.gzip").pack(("packed "):rep(9))
    local head = "HTTP/1.1 404 X\r\nX-A: b\r\n%s\r\n\r\n%s"
    local coded = "Content-Encoding: gzip\r\nContent-Length: "
    for _, case in ipairs({
      { "Transfer-Encoding: chunked", chunk("begun") .. "zz\r\n", "begun" },
      { "Transfer-Encoding: chunked", "zz\r\n", "" },
      { coded .. #packed + 1, packed .. "x", ("packed "):rep(9) },
      { coded .. "9", "no gzip .", "" },
    }) do
      local back = kit.upstream()
      back:on("GET", "/a"):raw(head:format(case[1], case[2]))
      local gateway = gateway_to(back.url)
      local response = gateway:connect():request({ path = "/a" }):receive()
      assert.equal("closed", response.error)
      assert.matches("^HTTP/1.1 404 Not Found\r\n.*\nX%-A: b\r\n", response.partial)
      local content = response.partial:match("\r\n\r\n(.*)$")
      assert.equal(case[3], content:match("^%x+\r\n(.-)\r\n") or content)
      assert.is_truthy(gateway:logged("was cut after " .. #case[3] .. " bytes"))
    end
  end)

  it("ends upstream when the client goes away", function()
    local back = origin(function(sock)
      sock:write("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n" .. chunk("begun"))
    end)
    local gateway = gateway_to(back.url)
    local client = gateway:connect():request({ path = "/a" })
    assert.is_true(kit.wait(function() return client.pending:find("begun") ~= nil end))
    client:close()
    assert.is_true(kit.wait(function() return back.ended end, "1s"))
  end)

  it("gets a type that its first bytes tell, though they come after the head", function()
    local back = origin(function(sock)
      sock:write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      kit.world():after(0.5, function() sock:write(chunk("<html>") .. "0\r\n\r\n") end)
    end)
    local response = gateway_to(back.url):get("/a")
    assert.equal("text/html; charset=utf-8", response:field("content-type"))
    assert.equal("<html>", response.body)
  end)

  it("needs no type when it stays empty", function()
    local back = origin(function(sock)
      sock:write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      kit.world():after(0.5, function() sock:write("0\r\n\r\n") end)
    end)
    local response = gateway_to(back.url):get("/a")
    assert.equal(200, response.status)
    assert.is_nil(response:field("content-type"))
  end)
end)

describe("the type of what streams", function()
  it("is told by its first bytes unless a coding hides them; an empty coding is none", function()
    local back = kit.upstream()
    local gateway = gateway_to(back.url)
    back:on("GET", "/a"):reply(200, "<html>", { ["Content-Encoding"] = "br" })
      :reply(200, "<html>", { ["Content-Encoding"] = "" }):reply(200, "<html>", { ["Content-Type"] = "" })
    assert.is_nil(gateway:get("/a"):field("content-type"))
    assert.equal("text/html; charset=utf-8", gateway:get("/a"):field("content-type"))
    assert.equal("", gateway:get("/a"):field("content-type"))
  end)
end)

describe("content that is sent", function()
  it("is not taken faster than the backend takes it", function()
    local total, piece = 32 * MiB, ("x"):rep(64 * 1024)
    local back = origin(function(sock) sock:pause(true) end)
    local gateway = gateway_to(back.url, { method = "POST" })
    local client = gateway:connect()
    client:send(("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"):format(total))
    for _ = 1, total / #piece do client:send(piece) end
    kit.advance("1s")
    assert.is_true(total - client.sock:queued() < 2 * MiB)
    back.sock:pause(false)
    assert.is_true(kit.wait(function() return back.received > total end, "20s"))
    back.sock:write("HTTP/1.1 204 No Content\r\n\r\n")
    assert.equal(204, client:receive().status)
  end)

  it("goes on while the reply already comes", function()
    local back = origin(function(sock)
      kit.world():after(0.1, function()
        sock:write("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n" .. chunk("early"))
      end)
    end)
    local gateway = gateway_to(back.url, { method = "POST" })
    local client = gateway:connect()
    client:send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst")
    assert.is_true(kit.wait(function() return client.pending:find("early") ~= nil end, "1s"))
    client:send("later")
    assert.is_true(kit.wait(function() return back.bytes:find("later", 1, true) ~= nil end, "1s"))
    back.sock:write("0\r\n\r\n")
    assert.equal("early", client:receive().body)
  end)

  it("reaches the backend in the client's own framing only when its length is forwarded", function()
    local back = kit.upstream()
    back:on("*", "*"):reply(200, "x")
    local plain = gateway_to(back.url, { method = "POST" })
    plain:post("/a", { body = "12345" })
    assert.equal("chunked", back.requests[1].fields:get("transfer-encoding"))
    local listed = gateway_to(back.url, { method = "POST", input_headers = { "Content-Length" } })
    listed:post("/a", { body = "12345" })
    assert.equal("5", back.requests[2].fields:get("content-length"))
    assert.equal("12345", back.requests[2].body)
  end)
end)
