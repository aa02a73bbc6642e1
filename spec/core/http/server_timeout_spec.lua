local serving = require("spec.support.serving")

describe("server", function()
  local world
  local get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

  local function start(options)
    if world then world:close() end
    world = serving.world(options)
  end

  --- When the connection ended, in seconds from now.
  local function ended_after(client, from)
    world:advance(60)
    return client.ended and math.floor((client.ended_at - from) * 10 + 0.5) / 10
  end

  after_each(function()
    world:close()
    world = nil
  end)

  it("waits for ever without timeouts", function()
    start()
    local clients = { world:connect(), world:connect("GET"), world:connect(get) }
    clients[4] = world:connect("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab")
    world:advance(100000)
    for i = 1, 3 do assert.is_nil(clients[i].ended) end
    assert.equal(4, world:count())
  end)

  it("closes in silence when a head takes too long", function()
    start({ read_header_timeout = 2 })
    local from = world:now()
    local client = world:connect("GET / HTTP/1.1\r\n")
    world:advance(1)
    client:send("Host: ")
    assert.equal(2, ended_after(client, from))
    assert.equal("", client.received)
  end)

  it("closes in silence when a head takes longer than a request may", function()
    start({ read_header_timeout = 5, read_timeout = 2 })
    local from = world:now()
    assert.equal(2, ended_after(world:connect("GET"), from))
  end)

  it("closes when no first byte comes", function()
    start({ read_header_timeout = 2, idle_timeout = 30 })
    local from = world:now()
    assert.equal(2, ended_after(world:connect(), from))
  end)

  it("counts the time for a head from its first byte", function()
    start({ read_header_timeout = 2 })
    local client = world:connect(get)
    world:advance(10)
    local from = world:now()
    client:send("GET")
    assert.equal(2, ended_after(client, from))
  end)

  it("keeps idle connections for ever where their timeout is negative", function()
    start({ idle_timeout = -1, read_timeout = 1 })
    local client = world:connect(get)
    world:advance(1000)
    assert.is_nil(client.ended)
  end)

  it("closes idle connections", function()
    start({ idle_timeout = 3 })
    local client = world:connect(get)
    world:advance(2)
    client:send(get)
    local from = world:now()
    assert.equal(3, ended_after(client, from))
  end)

  it("takes read_timeout for the timeouts that are not given", function()
    start({ read_timeout = 4 })
    local from = world:now()
    assert.equal(4, ended_after(world:connect(get), from))
    from = world:now()
    assert.equal(4, ended_after(world:connect("GET"), from))
  end)

  it("answers an empty 500 when content does not come in time", function()
    start({ read_timeout = 2 })
    world.handler = function(s) s:read(true) end
    local client = world:connect("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab")
    world:advance(1.9)
    assert.equal("", client.received)
    world:advance(0.2)
    local response = client:responses()[1]
    assert.equal(500, response.status)
    assert.equal("close", response.fields.connection)
    assert.equal("context canceled", world.streams[1].why)
    world:advance(1)
    assert.equal("eof", client.ended)
  end)

  it("has no read timeout once the request is complete", function()
    start({ read_timeout = 2, read_header_timeout = 1 })
    local stream
    world.handler = function(s) stream = s end
    local client = world:connect(get)
    world:advance(10)
    stream:respond(200, "late")
    world:advance(0.001)
    assert.equal("late", client:responses()[1].body)
  end)

  it("has none either once all the content has come", function()
    start({ read_timeout = 2 })
    local stream
    world.handler = function(s)
      stream = s
      s:read(true)
    end
    local client = world:connect("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab")
    client:send("cde")
    world:advance(10)
    stream:respond(200, stream.body)
    world:advance(0.001)
    assert.equal("abcde", client:responses()[1].body)
  end)

  it("takes nothing more once it is too late", function()
    start({ write_timeout = 1 })
    local stream
    world.handler = function(s) stream = s end
    world:connect(get)
    stream:respond(200, "a", { more = true })
    world:advance(2)
    assert.is_false(stream:write("b"))
    world:advance(0.001)
    assert.equal("write timeout", stream.why)
  end)

  it("cuts a response that is written after write_timeout, without a byte", function()
    start({ write_timeout = 1 })
    local stream
    world.handler = function(s) stream = s end
    local client = world:connect(get)
    world:advance(3)
    assert.is_nil(client.ended)
    stream:respond(200, "late")
    world:advance(0.001)
    assert.equal("", client.received)
    assert.equal("eof", client.ended)
    assert.equal("write timeout", stream.why)
  end)

  it("cuts a response that the client does not take in time", function()
    start({ write_timeout = 5 })
    world.handler = function(s) s:respond(200, ("x"):rep(1000000)) end
    local client = world:connect()
    client:pause(true)
    client:send(get)
    world:advance(4.9)
    assert.is_nil(world.streams[1].over)
    world:advance(0.2)
    assert.equal("write timeout", world.streams[1].why)
    assert.equal(0, world:count())
  end)

  it("tells apart what has taken too long while content is awaited", function()
    start({ write_timeout = 2, read_timeout = 5 })
    world.handler = function(s) s:respond(200, ("x"):rep(1000000)) end
    local client = world:connect()
    client:pause(true)
    client:send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab")
    world:advance(2.1)
    assert.equal("write timeout", world.streams[1].why)
  end)

  it("counts write_timeout anew for each request", function()
    start({ write_timeout = 2 })
    local client = world:connect(get)
    for i = 2, 5 do
      world:advance(1.5)
      client:send(get)
      assert.equal(i, #client:responses())
    end
  end)

  it("does not wait for ever for content to drop", function()
    start({ read_timeout = 2 })
    local from = world:now()
    local client = world:connect("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab")
    assert.equal(200, client:responses()[1].status)
    assert.equal(2, ended_after(client, from))
  end)

  it("lingers half a second", function()
    start()
    local client = world:connect("BAD\r\n\r\n")
    assert.equal("eof", client.ended)
    assert.equal(0, world:count())
  end)

  it("says when a request began", function()
    start()
    world:advance(5)
    local client, from = world:connect("GE"), world:now()
    world:advance(3)
    client:send("T / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert.is_true(math.abs(world.streams[1].started - from) < 0.1)
  end)
end)
