local ffi = require("ffi")
local http = require("spec.support.http")
local core = http.core

describe("target", function()
  local a

  local function str(text) return http.str(a, text) end

  before_each(function() a = http.arena() end)

  describe("of a request", function()
    local function parse(method, text)
      local t = ffi.new("struct target")
      if not core.target_parse(t, str(method), str(text)) then return nil end
      return { tonumber(t.form), http.text(t.authority), http.text(t.path), t.has_query
        and http.text(t.query) or nil }
    end

    it("is taken apart", function()
      assert.same({ 0, "", "/a", nil }, parse("GET", "/a"))
      assert.same({ 0, "", "/a", "" }, parse("GET", "/a?"))
      assert.same({ 0, "", "//a//", "b?c=d/e" }, parse("GET", "//a//?b?c=d/e"))
      assert.same({ 0, "", "/\195\169|\"{}", "<i>%zz" }, parse("GET", "/\195\169|\"{}?<i>%zz"))
      assert.same({ 0, "", "/a", "b#c" }, parse("GET", "/a?b#c"))
      assert.same({ 1, "h:81", "/a", "b" }, parse("GET", "http://h:81/a?b"))
      assert.same({ 1, "h", "/", nil }, parse("GET", "HTTPS://h"))
      assert.same({ 1, "[::1]:80", "/", "x" }, parse("GET", "http://[::1]:80?x"))
      assert.same({ 2, "h:80", "", nil }, parse("CONNECT", "h:80"))
      assert.same({ 3, "", "*", nil }, parse("OPTIONS", "*"))
      assert.same({ 1, "h", "*", nil }, parse("OPTIONS", "http://h"))
      assert.same({ 1, "h", "/", "" }, parse("OPTIONS", "http://h?"))
    end)

    it("is refused when it is none", function()
      for _, text in ipairs({
        "", "a", "a/b", "?a", "/a b", "/a\t", "/\0", "/a\127", "/a#b", "#", "/#?a", "http://h#?a", "/%",
        "/%4", "/%zz", "/a%2",
        "*", "h:80", "h",
        "http:/a", "http:a", "http://", "http:///a", "http://?a", "http://u@h/", "http://u:p@h/",
        "ftp://h/", "http://h:x/",
        "http://[::1/", "http://[1/", "http://h /", "http://h/%g0", "://h/", ":", "//", "http//h",
      }) do
        if text == "//" then
          assert.is_table(parse("GET", text))
        else
          assert.is_nil(parse("GET", text), text)
        end
      end
      for _, text in ipairs({ "/a", "h", "h:", "h:0", "h:65536", ":80", "http://h/", "*", "u@h:1",
        "h:1/" }) do
        assert.is_nil(parse("CONNECT", text), text)
      end
      assert.is_nil(parse("GET", "*"))
    end)
  end)

  describe("authority", function()
    it("is legal or not", function()
      for _, text in ipairs({
        "", "h", "h:", "h:80", "h.test.", "a_b", "1.2.3.4:65535", "[::1]", "[::1]:80", "[1:2::3:4]",
        "[::ffff:1.9.1.1]",
        "%41b", "a!$&'()*+,;=b", "[v1.a:b]", "xn--bcher-kva",
      }) do
        assert.is_true(core.authority_is_valid(str(text)), text)
      end
      for _, text in ipairs({
        " ", "a b", "h:x", "h:80:80", "h:65536", ":80", ":", "u@h", "a/b", "a?b", "a#b", "[", "[]", "[::1",
        "::1", "[::1]x",
        "[::g]", "[1.2.3.4]", "[v.a]", "[v1.]", "[vg.a]", "%4", "%zz", "\195\169", "a\0b", "a\"b", "a<b",
        "[::1%25eth0]",
        "h:+1", "h: 1", "a\\b", "[::1\0]",
      }) do
        assert.is_false(core.authority_is_valid(str(text)), text)
      end
    end)

    it("is split, with a default port", function()
      local host, port = ffi.new("struct str"), ffi.new("uint16_t[1]")
      local function split(text)
        if not core.authority_split(str(text), 443, host, port) then return nil end
        return { http.text(host), port[0] }
      end
      assert.same({ "h", 443 }, split("h"))
      assert.same({ "h", 443 }, split("h:"))
      assert.same({ "h", 8080 }, split("h:8080"))
      assert.same({ "::1", 443 }, split("[::1]"))
      assert.same({ "::1", 80 }, split("[::1]:80"))
      assert.is_nil(split(""))
    end)
  end)

  describe("percent-encoding", function()
    local out, bad

    before_each(function() out, bad = ffi.new("struct str"), ffi.new("struct str") end)

    it("is decoded", function()
      for text, decoded in pairs({ ["a"] = "a", ["%41%62%2f"] = "Ab/", ["a+b"] = "a+b", ["%00"] = "\0",
        [""] = "",
        ["%e9%FF"] = "\233\255", ["%2541"] = "%41" }) do
        assert.is_true(core.percent_decode(a, str(text), out, bad))
        assert.equal(decoded, http.text(out))
      end
      for text, escape in pairs({ ["%"] = "%", ["a%4"] = "%4", ["%zz"] = "%zz", ["%4z1"] = "%4z",
        ["%41%%41"] = "%%4" }) do
        assert.is_false(core.percent_decode(a, str(text), out, bad))
        assert.equal(escape, http.text(bad))
      end
    end)

    it("is decoded in queries, where + is a space", function()
      assert.is_true(core.query_decode(a, str("a+b%2Bc"), out))
      assert.equal("a b+c", http.text(out))
      assert.is_false(core.query_decode(a, str("a+%"), out))
    end)

    it("is written in queries", function()
      assert.equal("aZ0-_.~+%21%2A%2F%3D%26%2B%C3%A9%00", http.text(core.query_encode(a,
        str("aZ0-_.~ !*/=&+\195\169\0"))))
      assert.equal("", http.text(core.query_encode(a, str(""))))
    end)

    it("is written in paths as Go does: verbatim, or whole", function()
      local function encode(raw)
        local path = ffi.new("struct str")
        assert.is_true(core.percent_decode(a, str(raw), path, bad))
        return http.text(core.path_encode(a, path, str(raw)))
      end
      for raw, want in pairs({
        ["/a!b'(c)"] = "/a!b'(c)", ["/a!b c"] = "/a%21b%20c", ["/[x]"] = "/[x]", ["/[x y]"] = "/%5Bx%20y%5D",
        ["/a|b"] = "/a%7Cb", ["/a%2Fb"] = "/a%2Fb", ["/a|b%2Fc"] = "/a%7Cb/c", ["/p/a b"] = "/p/a%20b",
        ["/p/a&b"] = "/p/a&b",
        ["/p/a\\b"] = "/p/a%5Cb", ["/p/.."] = "/p/..", ["/{{.A}}"] = "/%7B%7B.A%7D%7D",
        ["/\195\169"] = "/%C3%A9",
        ["/a%20b"] = "/a%20b", ["/%e9"] = "/%e9", ["/a;b=c,d@e:f$g+h"] = "/a;b=c,d@e:f$g+h", ["/*"] = "/*",
        ["/a\"b"] = "/a%22b", ["/?"] = "/%3F", ["/a%3Fb"] = "/a%3Fb", ["/%zz"] = nil,
      }) do
        assert.equal(want, encode(raw), raw)
      end
      assert.equal("/x%2520", http.text(core.path_encode(a, str("/x%20"), str(""))))
      assert.equal("/y", http.text(core.path_encode(a, str("/y"), str("/x"))))
    end)
  end)

  it("cleans paths", function()
    for path, want in pairs({
      [""] = "/", ["/"] = "/", ["a"] = "/a", ["//a//b"] = "/a/b", ["/a/./b"] = "/a/b", ["/a/../b"] = "/b",
      ["/.."] = "/",
      ["/../../a"] = "/a", ["/a/"] = "/a/", ["/a//"] = "/a/", ["/a/b/.."] = "/a", ["/a/b/../"] = "/a/",
      ["/a/."] = "/a",
      ["/a/.."] = "/", ["/a/../"] = "/", ["/..."] = "/...", ["/.a"] = "/.a", ["/a..b"] = "/a..b",
      ["//evil.test/"] = "/evil.test/",
    }) do
      assert.equal(want, http.text(core.path_clean(a, str(path))), path)
    end
  end)

  describe("query", function()
    local function format(raw)
      local q = ffi.new("struct query")
      core.query_parse(a, str(raw), q)
      local pairs_of = {}
      for i = 0, tonumber(q.count) - 1 do
        pairs_of[i + 1] = { http.text(q.pairs[i].name), http.text(q.pairs[i].value) }
      end
      return http.text(core.query_format(a, q)), pairs_of
    end

    it("is parsed in order, and written sorted by name", function()
      for raw, want in pairs({
        [""] = "", ["a"] = "a=", ["a="] = "a=", ["=v"] = "=v", ["="] = "=", ["&&p=1&&Q=2&"] = "Q=2&p=1",
        ["q=no&Q=yes&p=2&p=1&P=no&p=2"] = "P=no&Q=yes&p=2&p=1&p=2&q=no",
        ["b[]=1&b%5B%5D=2"] = "b%5B%5D=1&b%5B%5D=2",
        ["a=1;b=2&c=3"] = "c=3", ["a=%zz&c=3"] = "c=3", ["%=1&c=3"] = "c=3", ["a=1%3B2"] = "a=1%3B2",
        ["a==1&b=2=3"] = "a=%3D1&b=2%3D3",
        ["p=1?x=2"] = "p=1%3Fx%3D2", ["a=x+y%20z"] = "a=x+y+z", ["\195\169=\195\169"] = "%C3%A9=%C3%A9",
        ["p*=3"] = "p%2A=3",
      }) do
        assert.equal(want, format(raw), raw)
      end
      local _, list = format("b=1&a=2&b=3")
      assert.same({ { "b", "1" }, { "a", "2" }, { "b", "3" } }, list)
    end)

    it("may be long", function()
      local raw, sorted = {}, {}
      for i = 1, 20000 do
        raw[i] = ("k%05d=%d"):format(20001 - i, i)
        sorted[20001 - i] = raw[i]
      end
      assert.equal(table.concat(sorted, "&"), (format(table.concat(raw, "&"))))
    end)
  end)
end)
