local ffi = require("ffi")
local fetching = require("spec.support.fetching")
local gzip = require("kit.gzip").pack

local core = require("spec.support.cdef").load("http/gunzip.h")

describe("gunzip", function()
  --- Decodes pieces of at most `piece` bytes into output of `cap` bytes at a time.
  local function decode(packed, piece, cap)
    local g = core.gunzip_new()
    local out, dst, got = {}, ffi.new("char[?]", cap), ffi.new("size_t[1]")
    local span = ffi.new("struct str[1]")
    local verdict
    for at = 1, #packed, piece do
      local part = packed:sub(at, at + piece - 1)
      span[0].ptr, span[0].len = part, #part
      repeat
        verdict = core.gunzip_read(g, span, dst, cap, got)
        out[#out + 1] = ffi.string(dst, got[0])
      until verdict ~= core.GUNZIP_FULL
      if verdict == core.GUNZIP_BAD then break end
    end
    local whole = core.gunzip_is_whole(g)
    core.gunzip_free(g)
    return verdict ~= core.GUNZIP_BAD and whole, table.concat(out)
  end

  local function each_way(packed, check)
    for _, piece in ipairs({ 1, 7, 1000000 }) do
      for _, cap in ipairs({ 1, 100, 100000 }) do check(decode(packed, piece, cap)) end
    end
  end

  local text = ("What is packed and unpacked is the same. "):rep(50)

  it("decodes whatever the pieces", function()
    each_way(gzip(text), function(good, out)
      assert.is_true(good)
      assert.equal(text, out)
    end)
  end)

  it("decodes members one behind the other, and empty ones", function()
    each_way(gzip("one ") .. gzip("") .. gzip("two"), function(good, out)
      assert.is_true(good)
      assert.equal("one two", out)
    end)
  end)

  it("takes no bytes for no content", function()
    assert.is_true((decode("", 1, 1)))
  end)

  it("tells a content that is cut, wherever", function()
    local packed = gzip("abcdef")
    for len = 1, #packed - 1 do assert.is_false((decode(packed:sub(1, len), 1000, 1000))) end
  end)

  it("refuses garbage, also behind a member, a wrong checksum and a wrong length", function()
    local packed = gzip("abcdef")
    local function broken(bytes) each_way(bytes, function(good) assert.is_false(good) end) end
    broken('{"a":1}')
    broken(packed .. "x")
    broken(packed .. ("\0"):rep(16))
    broken(packed:sub(1, -9) .. "\0" .. packed:sub(-7))
    broken(packed:sub(1, -2) .. "\1")
  end)
end)

local URL = "http://10.0.0.1/"
local CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

describe("a gzip content", function()
  local world, origin

  before_each(function()
    world = fetching.world()
    origin = world:origin("10.0.0.1", 80)
  end)

  after_each(function() world:close() end)

  local function packed(bytes, fields)
    local head = "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
    return head:format(fields or "gzip", #bytes) .. bytes
  end

  local function get(answer, options)
    origin:now(answer)
    return world:finish(world:get(URL, options))
  end

  local forwarded = { fields = { { "Accept-Encoding", "gzip" } } }

  it("that we asked for is decoded, and the fields about it are gone", function()
    local fetch = get(packed(gzip("plain"), "GZip"))
    assert.equal("plain", fetch.body)
    assert.is_nil(fetch.fields["content-encoding"])
    assert.is_nil(fetch.fields["content-length"])
    assert.equal(fetching.core.FRAMING_CHUNKED, fetch.fetch.response.framing)
    assert.equal(1, world:idle())
  end)

  it("that the request asked for passes as it is", function()
    local bytes = gzip("plain")
    local fetch = get(packed(bytes), forwarded)
    assert.equal(bytes, fetch.body)
    assert.equal("gzip", fetch.fields["content-encoding"])
    assert.equal(tostring(#bytes), fetch.fields["content-length"])
  end)

  it("is decoded whoever asked, when told so", function()
    local options = { fields = forwarded.fields, gunzip_always = true }
    assert.equal("plain", get(packed(gzip("plain")), options).body)
  end)

  it("of another coding passes", function()
    for _, coding in ipairs({ "br", "deflate", "x-gzip", "identity", "gzip, br" }) do
      local fetch = get(packed("opaque", coding))
      assert.equal("opaque", fetch.body)
      assert.equal(coding, fetch.fields["content-encoding"])
    end
    assert.equal("opaque", get(packed("opaque", "gzip\r\nContent-Encoding: br")).body)
    assert.equal("opaque", get(packed("opaque", "br\r\nContent-Encoding: gzip")).body)
  end)

  it("that is empty or not sent is left alone", function()
    assert.equal("", get(packed("")).body)
    local fetch = get(CHUNKED:sub(1, -3) .. "Content-Encoding: gzip\r\n\r\n0\r\n\r\n")
    assert.equal("", fetch.body)
    fetch = get("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n",
      { method = "HEAD", gunzip_always = true })
    assert.equal("gzip", fetch.fields["content-encoding"])
  end)

  it("comes in chunks, in two members, split anywhere", function()
    local bytes = gzip("one ") .. gzip("two")
    local chunks = {}
    for i = 1, #bytes do chunks[i] = "1\r\n" .. bytes:sub(i, i) .. "\r\n" end
    local answer = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. table.concat(chunks) .. "0\r\n\r\n"
    assert.equal("one two", get(answer).body)
    origin.fault = fetching.fault_of({ split = 1 })
    assert.equal("one two", get("HTTP/1.1 200 OK\r\nConnection: close\r\n" .. answer:sub(18)).body)
    assert.equal("one two", get(answer).body)
  end)

  it("ends with the connection", function()
    local function cut(len)
      return get(function(conn)
        conn:write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" .. gzip("plain"):sub(1, len))
        conn:close_after()
      end)
    end
    assert.equal("plain", cut(-1).body)
    local fetch = cut(-2)
    assert.equal("cut", fetch.failure)
    assert.equal("unexpected EOF", fetch.text)
  end)

  local function breaks(what, bytes, failure, text, collected)
    it("that is broken fails: " .. what, function()
      for _, options in ipairs({ { collect = 1000 }, { collect = 0 } }) do
        options.gunzip_always = true
        local fetch = get(packed(bytes), options)
        assert.equal(failure, fetch.failure)
        assert.equal(text, fetch.text)
        assert.equal(collected, options.collect > 0 and fetching.text(fetch.fetch.collected) or fetch.body)
        assert.equal(0, world:idle())
      end
    end)
  end

  breaks("not gzip at all", '{"a":1}', "decode", "gzip: invalid data", "")
  breaks("a wrong checksum", gzip("plain"):sub(1, -9) .. "\0" .. gzip("plain"):sub(-7), "decode", "gzip: invalid data",
    "plain")
  breaks("a second member with a wrong length", gzip("plain") .. gzip("more"):sub(1, -2) .. "\1", "decode",
    "gzip: invalid data", "plainmore")
  breaks("cut", gzip("plain"):sub(1, -4), "cut", "unexpected EOF", "plain")
  breaks("cut in a second member", gzip("plain") .. gzip("more"):sub(1, -4), "cut", "unexpected EOF", "plainmore")
  breaks("followed by garbage", gzip("plain") .. "garbage", "cut", "gzip: invalid data behind it", "plain")
  breaks("followed by zeroes", gzip("plain") .. ("\0"):rep(9), "cut", "gzip: invalid data behind it", "plain")

  it("that unpacks to more than its limit is too large, and no more than that is unpacked", function()
    local bomb = gzip(("\0"):rep(20000000))
    local fetch = get(packed(bomb), { collect = 1000 })
    assert.equal("too_large", fetch.failure)
    assert.equal("12345", get(packed(gzip("12345")), { collect = 5 }).body)
    assert.equal("too_large", get(packed(gzip("123456")), { collect = 5 }).failure)
    assert.equal(20000000, #get(packed(bomb), { collect = 20000000 }).body)
  end)

  it("is collected in many turns when it unpacks to very much, so that others have theirs", function()
    local function turns(size)
      local count = 0
      origin:now(packed(gzip(("\0"):rep(size)), "gzip"))
      local fetch = world:get(URL, { collect = 30000000 })
      world:run(function()
        count = count + 1
        return fetch.over
      end)
      assert.equal(size, #fetch.body)
      return count
    end
    assert.is_true(turns(1000) < 10)
    assert.is_true(turns(20000000) > 15)
  end)

  it("streams in bounded pieces, and waits when told to", function()
    origin:now(packed(gzip(("x"):rep(3000000)), "gzip"))
    local fetch = world:fetch(URL)
    local largest = 0
    fetch.on_piece = function(_, piece)
      largest = math.max(largest, #piece)
      fetch:pause()
    end
    world:advance(1)
    assert.equal(1, #fetch.events)
    local paused = #fetch.body
    assert.is_true(paused <= 65536)
    while not fetch.over do
      fetch:resume()
      world:advance(0.01)
    end
    assert.equal(3000000, #fetch.body)
    assert.is_true(largest <= 65536)
    assert.is_true(#fetch.events >= 45)
    assert.equal(1, world:idle())
  end)

  it("may be cancelled between any two pieces", function()
    local answer = packed(gzip(("x"):rep(2000000)), "gzip")
    for stop = 1, 32 do
      origin:now(answer)
      local fetch = world:fetch(URL)
      fetch.on_piece = function()
        if #fetch.events == stop then
          fetch:cancel()
          fetch:free()
        end
      end
      world:run(function() return fetch.over end)
      world:advance(0.1)
      assert.equal(stop < 31 and stop or #fetch.events, #fetch.events)
    end
  end)
end)
