local ffi = require("ffi")
local http = require("spec.support.http")
local core = require("spec.support.cdef").load("http/proxy_rules.h")

describe("proxy_rules", function()
  local a, err

  local function str(text) return http.str(a, text) end

  before_each(function()
    a = http.arena()
    err = ffi.new("struct error")
  end)

  --- The rules; nil and why not. false: there is no proxy.
  local function read(proxy, exceptions)
    local rules = core.proxy_rules_read(a, str(proxy), str(exceptions or ""))
    if rules == nil then return false end
    if rules.problem.len > 0 then return nil, http.text(rules.problem) end
    return rules
  end

  local function way(rules, text)
    local url = ffi.new("struct url")
    assert(core.url_parse(a, str(text), url, err), text)
    assert.equal(tonumber(core.WAY_UNDECIDED), tonumber(url.way))
    return core.proxy_rules_way(rules, url) == core.WAY_PROXY and "proxy" or "direct"
  end

  describe("HTTP_PROXY", function()
    --- {value, host, port, Proxy-Authorization}
    for _, case in ipairs({
      { "http://p.test:3128", "p.test", 3128 },
      { "http://p.test", "p.test", 80 },
      { "http://p.test:", "p.test", 80 },
      { "HTTP://p.test:1/path?query#fragment", "p.test", 1 },
      { "p.test:3128", "p.test", 3128 },
      { "p.test", "p.test", 80 },
      { "192.0.2.1:8080", "192.0.2.1", 8080 },
      { "http://[2001:db8::1]:8080", "2001:db8::1", 8080 },
      { "[2001:db8::1]", "2001:db8::1", 80 },
      { ":3128", "localhost", 3128 },
      { "http://:3128/", "localhost", 3128 },
      { "http://u:p@:3128", "localhost", 3128, "Basic dTpw" },
      { "http://user:secret@p.test:3128", "p.test", 3128, "Basic dXNlcjpzZWNyZXQ=" },
      { "user:secret@p.test:3128", "p.test", 3128, "Basic dXNlcjpzZWNyZXQ=" },
      { "http://user@p.test", "p.test", 80, "Basic dXNlcjo=" },
      { "http://u%40a:s%3Ac%20r@p.test", "p.test", 80, "Basic dUBhOnM6YyBy" },
      { "http://u:a@b@p.test", "p.test", 80, "Basic dTphQGI=" },
    }) do
      it(("%q is a proxy"):format(case[1]), function()
        local rules = assert(read(case[1]))
        assert.equal(case[2], http.text(rules.url.host))
        assert.equal(case[3], rules.url.port)
        assert.equal(case[4] or "", http.text(rules.authorization))
      end)
    end

    it("is none when it is empty", function()
      assert.is_false(read(""))
      assert.is_false(read("", "a.test"))
    end)

    for _, scheme in ipairs({ "https", "HTTPS", "socks5", "socks5h", "socks4", "ftp", "x+y.z-1" }) do
      it(("of %s:// is not supported"):format(scheme), function()
        local rules, why = read(scheme .. "://user:secret@p.test:1")
        assert.is_nil(rules)
        assert.equal(scheme .. ":// proxies are not supported: only http:// ones are", why)
      end)
    end

    for _, text in ipairs({
      "http://", "http:///", "http://u:secret@", "/p.test", "p.test:x", "p.test:65536", "p.test:0", "http://p.test:-1",
      "p test:1", "p.test:1\n", "http://p.test/%zz", "http://[::1", "::1", "http://p\195\169.test", "://p.test",
      "http:p", "u:secret word@p.test", "\"http://p.test\"", "?", "@", "#",
    }) do
      it(("%q is refused without repeating it"):format(text), function()
        local rules, why = read(text)
        assert.is_nil(rules)
        assert.equal("this is not the URL of a proxy, such as http://proxy.test:3128", why)
      end)
    end

    it("has user and password encoded as URLs have them", function()
      for _, text in ipairs({ "http://u:%zz@p.test", "http://%@p.test", "http://u:50%@p.test" }) do
        local rules, why = read(text)
        assert.is_nil(rules)
        assert.matches("^the user and password of the proxy are not", why)
      end
    end)
  end)

  describe("NO_PROXY", function()
    --- {list, what goes there directly, what goes through the proxy}
    for _, case in ipairs({
      { "", "", "a.test x.a.test 192.0.2.1 [2001:db8::1]:8080" },
      { "a.test", "a.test x.a.test y.x.a.test A.Test:8080 X.A.TEST", "ba.test test a.test.x a.test." },
      { "A.TEST", "a.test x.a.test", "b.test" },
      { ".a.test", "x.a.test y.x.a.test", "a.test ba.test" },
      { "*.a.test", "x.a.test y.x.a.test", "a.test ba.test" },
      { "a.test:8080", "a.test:8080 x.a.test:8080", "a.test a.test:80 x.a.test:81" },
      { ".a.test:80", "x.a.test x.a.test:80", "a.test x.a.test:8080" },
      { "*.a.test:80", "x.a.test", "a.test x.a.test:8080" },
      { "a.test:80", "a.test a.test:80", "a.test:8080" },
      { "a.test:", "a.test a.test:8080", "b.test" },
      { "test", "test a.test x.a.test", "atest a.test2" },
      { "192.0.2.1", "192.0.2.1 192.0.2.1:8080 [::ffff:192.0.2.1]", "192.0.2.2 192.0.2.10 1.192.0.2.1" },
      { "192.0.2.1:80", "192.0.2.1 [::ffff:c000:201]:80", "192.0.2.1:81" },
      { "192.0.2.1:", "192.0.2.1:81", "192.0.2.2" },
      { "192.0.2.0/24", "192.0.2.0 192.0.2.255:9 [::ffff:192.0.2.9]", "192.0.3.1 a192.0.2.1" },
      { "192.0.2.77/24", "192.0.2.1", "192.0.3.1" },
      { "0.0.0.0/0", "192.0.2.1 10.0.0.1", "a.test [2001:db8::1]" },
      { "::/0", "[2001:db8::1]", "192.0.2.1 a.test" },
      { "2001:db8::/32", "[2001:db8::1] [2001:DB8:1::1]:8080", "[2001:db9::1]" },
      { "2001:db8::1", "[2001:db8::1] [2001:db8:0:0::1]:8080", "[2001:db8::2]" },
      { "[2001:db8::1]:8080", "[2001:db8::1]:8080", "[2001:db8::1]" },
      { "[2001:db8::1]", "", "[2001:db8::1]" }, -- brackets need a port, as there
      { " a.test ,\tb.test\n,, 192.0.2.0/24 ", "a.test x.b.test 192.0.2.1", "c.test" },
      { "a.test b.test", "", "a.test b.test" },
      { ".2.1", "192.0.2.1", "192.0.1.2" }, -- a name that ends so
      -- what is none of these matches nothing, and spoils nothing
      { "a.test:http, b.test", "b.test", "a.test a.test:80" },
      { "a.test:080,a.test:0,a.test:65616,a.test:-1,a.test:+80", "", "a.test" },
      { "192.0.2.0/33,192.0.2.1/x,2001:db8::/129,192.0.2/24,010.0.0.1,b.test", "b.test",
        "192.0.2.1 [2001:db8::1] 10.0.0.1" },
      { ":80,[]:80,[,],:,.,*.,/,//,a:b:c,[::1,::1]:80,*:80,[*]:80,b.test", "b.test", "a.test 192.0.2.1 [2001:db8::1]" },
      { "*a.test,a.*,**", "", "a.test xa.test" },
      { "http://a.test", "", "a.test" },
      { "a%2etest", "", "a.test" },
    }) do
      it(("%q excepts what it names"):format(case[1]), function()
        local rules = assert(read("http://p.test:3128", case[1]))
        for host in case[2]:gmatch("%S+") do assert.equal("direct", way(rules, "http://" .. host .. "/x"), host) end
        for host in case[3]:gmatch("%S+") do assert.equal("proxy", way(rules, "http://" .. host .. "/x"), host) end
      end)
    end

    it("with * in it means that there is no proxy, be it usable or not", function()
      for _, list in ipairs({ "*", " * ", "a.test,*", "*,a.test", "a.test:1, *,," }) do
        assert.is_false(read("http://p.test:3128", list))
        assert.is_false(read("socks5://p.test:3128", list))
      end
    end)
  end)

  it("never send through a proxy what is for this host", function()
    local rules = assert(read("http://p.test:3128"))
    for _, host in ipairs({ "localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:80", "127.255.3.4", "[::1]:8080",
      "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]" }) do
      assert.equal("direct", way(rules, "http://" .. host), host)
    end
    for _, host in ipairs({ "localhost.test", "xlocalhost", "128.0.0.1", "0.0.0.0", "[::2]", "[::]" }) do
      assert.equal("proxy", way(rules, "http://" .. host), host)
    end
  end)

  it("are for http alone, and let all go directly when there are none", function()
    assert.equal("direct", way(assert(read("p.test")), "https://a.test/"))
    assert.equal("direct", way(nil, "http://a.test/"))
  end)
end)
