local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/log_syslog.h")

ffi.cdef([[
int socketpair(int domain, int type, int protocol, int fds[2]);
long recv(int fd, void *data, size_t len, int flags);
int close(int fd);
int getpid(void);
]])

local DONT_WAIT = 0x40
local levels = { DEBUG = 0, INFO = 1, NOTICE = 2, WARNING = 3, ERROR = 4, CRITICAL = 5 }

describe("a line for syslog", function()
  local fds

  before_each(function()
    fds = ffi.new("int[2]")
    assert(ffi.C.socketpair(1, 2, 0, fds) == 0) -- AF_UNIX, SOCK_DGRAM
  end)

  after_each(function()
    ffi.C.close(fds[0])
    ffi.C.close(fds[1])
  end)

  local function send(prefix, configured, level, text, facility)
    local options = ffi.new("struct log_options", { level = configured, prefix = prefix })
    options.syslog_facility = facility or 3
    core.log_syslog_send(fds[0], options, level, ffi.new("struct str", { text, #text }), 1700000000LL * 1000000000)
    local buf = ffi.new("char[70000]")
    local got = tonumber(ffi.C.recv(fds[1], buf, 70000, DONT_WAIT))
    return got > 0 and ffi.string(buf, got) or nil
  end

  it("has priority, time, tag, level and message", function()
    local time = os.date("%b %e %H:%M:%S", 1700000000)
    local line = ("<158>%s [K][%d]: ERROR > why"):format(time, ffi.C.getpid())
    assert.equal(line, send("[K]", levels.INFO, levels.ERROR, "why"))
  end)

  it("has the severity of the configured level, whatever its own", function()
    local severities = { DEBUG = 7, INFO = 6, NOTICE = 2, WARNING = 4, ERROR = 3, CRITICAL = 2 }
    for name, severity in pairs(severities) do
      local priority = (16 + 7) * 8 + severity
      assert.equal(priority, tonumber(send("t", levels[name], levels.CRITICAL, "x", 7):match("^<(%d+)>")))
    end
  end)

  it("is tagged with the program when there is no prefix", function()
    assert.truthy(send("", levels.INFO, levels.INFO, "text"):find(" %S+%[%d+%]: INFO > text$"))
  end)

  it("is lost rather than waited for when nobody reads", function()
    local options = ffi.new("struct log_options", { prefix = "t" })
    local text = ("x"):rep(1000)
    for _ = 1, 2000 do
      core.log_syslog_send(fds[0], options, levels.INFO, ffi.new("struct str", { text, #text }), 0)
    end
    assert.truthy(send("t", levels.INFO, levels.INFO, "text"):find("xxx"))
  end)

  it("tells a daemon that is gone from one that is slow", function()
    local options, text = ffi.new("struct log_options", { prefix = "t" }), ffi.new("struct str", { "x", 1 })
    local here = true
    for _ = 1, 2000 do here = here and core.log_syslog_send(fds[0], options, levels.INFO, text, 0) end
    assert.is_true(here)
    ffi.C.close(fds[1])
    assert.is_false(core.log_syslog_send(fds[0], options, levels.INFO, text, 0))
    assert.is_false(core.log_syslog_send(-1, options, levels.INFO, text, 0))
  end)
end)
