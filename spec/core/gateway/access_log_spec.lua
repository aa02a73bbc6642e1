local ffi = require("ffi")
local span = require("spec.support.span")
local core = require("spec.support.cdef").load("gateway/access_log.h")
local new_arena = require("spec.support.arena")

describe("access_log", function()
  local arena, clock, keep

  before_each(function()
    arena = new_arena()
    clock = ffi.new("struct access_clock")
    keep = {}
  end)

  local function str(text)
    keep[#keep + 1] = text
    return span.str(text)
  end

  local text = span.text

  local function line(entry)
    return text(core.access_log_line(arena, clock, ffi.new("struct access_entry", {
      wall = entry.wall or 0, latency = entry.latency or 0, status = entry.status or 200,
      client_ip = str(entry.ip or "127.0.0.1"),
      method = str(entry.method or "GET"), path = str(entry.path or "/"), query = str(entry.query or ""),
      error = str(entry.error or ""),
    })))
  end

  it("has gin's columns", function()
    local have = line({ latency = 732753, ip = "172.20.0.1", path = "/sequential", query = "x=1" })
    assert.equal('| 200 | 732.753µs |      172.20.0.1 | GET      "/sequential?x=1"', have:match("|.*"))
    assert.matches("^%[GIN%] %d%d%d%d/%d%d/%d%d %- %d%d:%d%d:%d%d | ", have)
  end)

  it("writes the date of each second", function()
    assert.equal("59", line({ wall = 59e9 }):match(":(%d%d) |"))
    assert.equal("00", line({ wall = 60e9 }):match(":(%d%d) |"))
  end)

  it("counts characters, not bytes, when it pads the latency", function()
    assert.equal("|    1.5µs |", line({ latency = 1500 }):match("|  .-|"))
    assert.equal("|    1.5ms |", line({ latency = 1500000 }):match("|  .-|"))
  end)

  it("pads methods to seven", function()
    assert.matches('| OPTIONS  "/"$', line({ method = "OPTIONS" }))
  end)

  it("has the error on a line of its own", function()
    assert.matches('"/"\nError #01: rate limit exceeded$', line({ error = "rate limit exceeded" }))
  end)

  local quoted = {
    { "/a b", '"/a b"' }, { '/"\\', [["/\"\\"]] }, { "/\n\t\1\127", [["/\n\t\x01\x7f"]] }, { "/é", '"/é"' },
    { "/\195", [["/\xc3"]] }, { "/\237\160\128", [["/\xed\xa0\x80"]] }, { "/\240\159\152\128", '"/😀"' },
    { "/\194\155" .. "2J", [["/\u009b2J"]] }, { "/\194\160", [["/\u00a0"]] },
    { "/\226\128\168\226\128\174", [["/\u2028\u202e"]] },
    { "/\239\187\191\239\191\189", '"/\\ufeff\239\191\189"' }, { "/\243\160\128\129", [["/\U000e0001"]] },
    { "/\238\128\128", [["/\ue000"]] }, { "/日本 ѐ", '"/日本 ѐ"' }, { "/\226\128", [["/\xe2\x80"]] },
  }
  for _, case in ipairs(quoted) do
    it(("quotes %q as Go does"):format(case[1]), function()
      assert.equal(case[2], text(core.quote_go(arena, str(case[1]))))
    end)
  end
end)
