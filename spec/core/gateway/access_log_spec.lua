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
end)
