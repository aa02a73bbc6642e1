local config = require("spec.support.config")

local function answer(r, method, path)
  local verdict, what, params = config.match(r, method, path)
  if verdict == "found" then return ("found " .. what .. " " .. params):gsub(" $", "") end
  return what and verdict .. " " .. what or verdict
end

local function router(routes)
  return assert(config.router(assert(config.parse(config.endpoints(routes)))))
end

describe("router_fix, as recorded", function()
  for i, case in ipairs(require("spec.core.gateway.router_recorded")) do
    it("answers like the reference, set " .. i, function()
      local r = router(case.routes)
      for _, recorded in ipairs(case.answers) do
        local method, path, want = unpack(recorded)
        assert.equal(want, answer(r, method, path), table.concat(case.routes,
          ", ") .. ": " .. method .. " " .. path)
      end
    end)
  end
end)

describe("router_fix, slashes", function()
  local cases = {
    { { "/{a}", "/ab{p}" }, "/AB/.", "redirect /AB" },
    { { "POST /a/b{p}" }, "/A/B/.", "none" },
    { { "/{a}", "/{a}/{b}" }, "/b///", "none" }, -- the parameter behind the slash takes it
    { { "/b/ab/{p}/{q}/" }, "/B/AB//A/", "none" },
    { { "/a/", "/a/b" }, "/A", "redirect /a/" },
    { { "/a" }, "/A/", "redirect /a" },
    { { "/q/{x}/b" }, "/Q/A/", "redirect /q/A" }, -- over-eager: /q/A is not there
    { { "/a" }, "//", "none" },
  }
  for _, case in ipairs(cases) do
    it("are mended as in the reference: " .. case[2], function()
      assert.equal(case[3], (answer(router(case[1]), "GET", case[2])))
    end)
  end
end)

describe("router_fix, the root", function()
  it("is where a path of slashes leads when all routes of the method begin with more than that", function()
    local r = router({ "POST /a/b", "POST /a/c" })
    for _, path in ipairs({ "//", "/./", "/..", "/a/.." }) do assert.equal("redirect /", answer(r, "POST", path)) end
    assert.equal("none", answer(r, "POST", "/"))
  end)
end)

describe("router_fix, letters beyond ASCII", function()
  local r = router({ "/élan/{x}", "/èz", "/ЯНВАРЬ", "/σ", "/日本/A" })
  local cases = {
    ["/ÉLAN/Äb"] = "redirect /%C3%A9lan/%C3%84b",
    ["/ÈZ/"] = "redirect /%C3%A8z",
    ["/Январь"] = "redirect /%D0%AF%D0%9D%D0%92%D0%90%D0%A0%D0%AC",
    ["/Σ"] = "redirect /%CF%83", ["/日本/a"] = "redirect /%E6%97%A5%E6%9C%AC/A", ["/êlan/x"] = "none",
    ["/\195LAN/x"] = "none",
  }
  for path, want in pairs(cases) do
    it("are found in the other case: " .. ("%q"):format(path), function()
      assert.equal(want, answer(r, "GET", path))
    end)
  end
end)
