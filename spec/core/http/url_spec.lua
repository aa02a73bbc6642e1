local ffi = require("ffi")
local http = require("spec.support.http")
local core = http.core

describe("url", function()
  local a, err

  local function str(text) return http.str(a, text) end

  local function take(ok, u)
    if not ok then return nil, ffi.string(err.text) end
    return {
      scheme = http.text(u.scheme), tls = u.tls, authority = http.text(u.authority),
        host = http.text(u.host), port = u.port,
      target = http.text(u.target), text = http.text(u.text), userinfo = http.text(u.userinfo),
    }
  end

  local function parse(text)
    local u = ffi.new("struct url")
    return take(core.url_parse(a, str(text), u, err), u)
  end

  before_each(function()
    a = http.arena()
    err = ffi.new("struct error")
  end)

  it("is taken apart", function()
    assert.same({
      scheme = "http", tls = false, authority = "h:8080", host = "h", port = 8080, target = "/a?b=c",
        userinfo = "",
      text = "http://h:8080/a?b=c",
    }, parse("http://h:8080/a?b=c#d"))
    assert.same({
      scheme = "https", tls = true, authority = "[::1]", host = "::1", port = 443, target = "/",
        userinfo = "u:p",
      text = "https://u:***@[::1]",
    }, parse("HTTPS://u:p@[::1]"))
  end)

  it("has a target that may stand on a request line", function()
    for text, target in pairs({
      ["http://h"] = "/", ["http://h?"] = "/?", ["http://h/e?"] = "/e?", ["http://h?x"] = "/?x",
      ["http://h//y"] = "//y",
      ["http://h/a b?id=a b&c=\195\169"] = "/a%20b?id=a%20b&c=%C3%A9",
      ["http://h/c?s=%7e+x&u=[1]&&v={{.A}}"] = "/c?s=%7e+x&u=[1]&&v={{.A}}",
      ["http://h/a|b%2Fc"] = "/a%7Cb/c", ["http://h/p/../q"] = "/p/../q", ["http://h/?%zz"] = "/?%zz",
    }) do
      assert.equal(target, parse(text).target)
    end
  end)

  it("says why not, in Go's words", function()
    for text, why in pairs({
      ["http://h/a\nb"] = [[parse "http://h/a\nb": net/url: invalid control character in URL]],
      ["http://h/a\0b"] = [[parse "http://h/a\x00b": net/url: invalid control character in URL]],
      ["http://h/\"\\\127"] = [[parse "http://h/\"\\\x7f": net/url: invalid control character in URL]],
      ["http://h/50%"] = [[parse "http://h/50%": invalid URL escape "%"]],
      ["http://h/%zz"] = [[parse "http://h/%zz": invalid URL escape "%zz"]],
      ["127.0.0.1:1/p"] = [[parse "127.0.0.1:1/p": first path segment in URL cannot contain colon]],
      ["h/p"] = [[unsupported protocol scheme ""]], [""] = [[unsupported protocol scheme ""]],
      ["localhost:80/p"] = [[unsupported protocol scheme "localhost"]],
      ["ftp://h/"] = [[unsupported protocol scheme "ftp"]],
      [":x"] = [[parse ":x": missing protocol scheme]], ["http:h"] = "http: no Host in request URL",
      ["http:///a"] = "http: no Host in request URL", ["http://:80/"] = "http: no Host in request URL",
      ["http://h:x/"] = [[parse "http://h:x/": invalid port ":x" after host]],
      ["http://h:99999/"] = [[parse "http://h:99999/": invalid port ":99999" after host]],
      ["http://a b/"] = [[parse "http://a b/": invalid character " " in host name]],
      ["http://\195\169/"] = [[parse "http://é/": invalid character "é" in host name]],
      ["http://[::1/"] = [[parse "http://[::1/": missing ']' in host]],
      ["http://%4/"] = [[parse "http://%4/": invalid URL escape "%4"]],
      ["http://a b@h/"] = [[parse "http://a b@h/": net/url: invalid userinfo]],
    }) do
      local url, message = parse(text)
      assert.is_nil(url, text)
      assert.equal(why, message)
    end
  end)

  describe("resolving a reference", function()
    local function resolve(base, reference)
      local from, u = ffi.new("struct url"), ffi.new("struct url")
      assert.is_true(core.url_parse(a, str(base), from, err))
      local url, message = take(core.url_resolve(a, from, str(reference), u, err), u)
      return url and url.text, message
    end

    --- RFC 3986 section 5.4, but for "g:h" and what has no authority; fragments are dropped, "" and "?y"
    -- keep them not.
    it("gives what RFC 3986 section 5.4 says", function()
      for reference, want in pairs({
        ["g"] = "http://a/b/c/g", ["./g"] = "http://a/b/c/g", ["g/"] = "http://a/b/c/g/",
        ["/g"] = "http://a/g",
        ["//g"] = "http://g", ["?y"] = "http://a/b/c/d;p?y", ["g?y"] = "http://a/b/c/g?y",
        ["#s"] = "http://a/b/c/d;p?q",
        ["g#s"] = "http://a/b/c/g", ["g?y#s"] = "http://a/b/c/g?y", [";x"] = "http://a/b/c/;x",
        ["g;x"] = "http://a/b/c/g;x",
        [""] = "http://a/b/c/d;p?q", ["."] = "http://a/b/c/", ["./"] = "http://a/b/c/",
        [".."] = "http://a/b/",
        ["../"] = "http://a/b/", ["../g"] = "http://a/b/g", ["../.."] = "http://a/", ["../../"] = "http://a/",
        ["../../g"] = "http://a/g", ["../../../g"] = "http://a/g", ["../../../../g"] = "http://a/g",
        ["/./g"] = "http://a/g",
        ["/../g"] = "http://a/g", ["g."] = "http://a/b/c/g.", [".g"] = "http://a/b/c/.g",
        ["g.."] = "http://a/b/c/g..",
        ["..g"] = "http://a/b/c/..g", ["./../g"] = "http://a/b/g", ["./g/."] = "http://a/b/c/g/",
        ["g/./h"] = "http://a/b/c/g/h",
        ["g/../h"] = "http://a/b/c/h", ["g;x=1/./y"] = "http://a/b/c/g;x=1/y",
        ["g;x=1/../y"] = "http://a/b/c/y",
        ["g?y/./x"] = "http://a/b/c/g?y/./x", ["g?y/../x"] = "http://a/b/c/g?y/../x",
      }) do
        assert.equal(want, resolve("http://a/b/c/d;p?q", reference), reference)
      end
    end)

    it("takes whole URLs, and those without scheme", function()
      assert.equal("https://x:1/y?z", resolve("http://a/b", "https://x:1/y?z#f"))
      assert.equal("http://x/c", resolve("http://a/b", "HTTP://x/b/../c"))
      assert.equal("https://x/y", resolve("https://a/b", "//x/y"))
      assert.equal("http://x?q", resolve("http://a/b", "//x?q"))
      assert.equal("http://a/x", resolve("http://a", "x"))
      assert.equal("http://a/a//b", resolve("http://a/", "/a//b"))
      assert.equal("http://a/%20b", resolve("http://a/", " b"))
    end)

    it("refuses what is none", function()
      for _, reference in ipairs({ "ftp://x/", "http:x", ":", "/%zz", "http://", "mailto:x", "//a b/",
        "/\r\nX: y" }) do
        assert.is_nil((resolve("http://a/b", reference)), reference)
      end
    end)
  end)
end)
