jit.off(true, true) -- C calls back into Lua here, which compiled code may not

local ffi = require("ffi")
local lfs = require("lfs")
local core = require("spec.support.cdef").load("base/log.h", "base/buf.h")

ffi.cdef([[
int pipe(int fds[2]);
int dup(int fd);
int dup2(int from, int to);
int close(int fd);
long read(int fd, void *buf, size_t len);
int fcntl(int fd, int command, ...);
void *signal(int number, void *handler);
int fork(void);
int kill(int pid, int signal);
int waitpid(int pid, int *status, int options);
int poll(void *fds, unsigned long count, int timeout);
int clock_gettime(int clock, int64_t time[2]);
]])

local str = require("spec.support.span").str

local levels = { DEBUG = 0, INFO = 1, NOTICE = 2, WARNING = 3, ERROR = 4, CRITICAL = 5 }

describe("log", function()
  local log, lines, sink, wall, options, kept

  before_each(function()
    lines, kept = {}, {}
    -- LuaJIT takes no struct in a callback; its two members travel in the registers of two arguments
    sink = ffi.cast("void (*)(void *, int, bool, const char *, size_t)", function(_, level, access, ptr, len)
      lines[#lines + 1] = { level = level, access = access, text = ffi.string(ptr, len) }
    end)
    wall = ffi.cast("int64_t (*)(void *)", function() return 1700000000LL * 1000000000 + 45000000 end)
    log = ffi.new("struct log")
    core.log_init(log)
    log.sink, log.wall = ffi.cast("log_sink_fn *", sink), wall
    options = ffi.new("struct log_options", { level = levels.DEBUG, prefix = "" })
  end)

  after_each(function()
    core.log_fini(log)
    sink:free()
    wall:free()
  end)

  local function configure(form, values)
    options.form = form
    for name, value in pairs(values or {}) do
      kept[#kept + 1] = value -- texts are borrowed
      options[name] = value
    end
    core.log_configure(log, options)
  end

  local function write(level, text)
    core.log_write(log, levels[level], "%s", text)
    return #lines > 0 and lines[#lines].text or nil
  end

  it("writes the basic form", function()
    configure("LOG_BASIC")
    local time = os.date("%Y/%m/%d %H:%M:%S", 1700000000)
    assert.equal(time .. " KRAKEND ERROR: [ENDPOINT: /x] why", write("ERROR", "[ENDPOINT: /x] why"))
  end)

  it("writes the pattern, with prefix and colours", function()
    configure("LOG_PATTERN", { prefix = "[K]" })
    local time = os.date("%Y/%m/%d - %H:%M:%S", 1700000000)
    assert.equal("[K] " .. time .. ".045 \27[33m▶ WARNING\27[0m text", write("WARNING", "text"))
    assert.equal("[K] " .. time .. ".045 ▶ INFO\27[0m text", write("INFO", "text"))
    assert.truthy(write("CRITICAL", ""):find("\27[35m▶ CRITICAL\27[0m ", 1, true))
  end)

  it("writes logstash records whose message is escaped", function()
    configure("LOG_LOGSTASH", { prefix = "[K]" })
    assert.equal(
      '{"@timestamp":"2023-11-14T22:13:20.045+00:00", "@version": 1, "level": "INFO", ' ..
      '"message": "a \\"b\\" \\\\ \\n\\t\\u0001é", "module": "KRAKEND"}',
      write("INFO", 'a "b" \\ \n\t\1é'))
  end)

  it("writes whole logstash records of any bytes, and of messages whose escapes find no room", function()
    configure("LOG_LOGSTASH")
    assert.truthy(write("INFO", "a\255\226\130b"):find('"a\239\191\189\239\191\189b"', 1, true))
    for _, char in ipairs({ "\1", '"', "é" }) do
      local line = write("INFO", char:rep(65536))
      assert.truthy(#line <= 2 * 65536 and line:find('", "module": "KRAKEND"}', -25, true))
      assert.is_nil(line:match('"message": "(.*)", "module"'):gsub('\\u0001', ""):gsub('\\"', ""):find('[%c"]'))
    end
  end)

  describe("in a custom form", function()
    local cases = {
      ["%{level:.4s} <%{module}> %{message} (%{time:2006})"] = "WARN <KRAKEND> text (2023)",
      ["%{message}"] = "text",
      ["%{id}|%{id:04d}|%{id:4d}|%{id:-4d}|"] = "1|0001|   1|1   |",
      ["%{level:-9s}|%{level:9s}|"] = "WARNING  |  WARNING|",
      ["%{color}%{level}%{color:reset} %{color:bold}x"] = "\27[33mWARNING\27[0m \27[33;1mx",
      ["100% %{message} %{"] = "100% text %{",
      ["%{shortfile}"] = "???",
    }
    for format, line in pairs(cases) do
      it(("%q writes %q"):format(format, line), function()
        configure("LOG_CUSTOM", { custom_format = format, prefix = "[K]" })
        assert.equal(line, write("WARNING", "text"))
      end)
    end

    it("needs verbs, and known ones", function()
      local err = ffi.new("struct error")
      assert.is_true(core.log_custom_check("%{message} %{time:15:04}", err))
      for _, bad in ipairs({ "", "no verbs", "%{messag}", "%{message" }) do
        assert.is_false(core.log_custom_check(bad, err))
      end
      core.log_custom_check("a %{b}", err)
      assert.equal('logger: unknown verb "b" in "a %{b}"', ffi.string(err.text))
    end)
  end)

  it("keeps silent below its level", function()
    configure("LOG_BASIC", { level = levels.WARNING })
    assert.is_nil(write("NOTICE", "text"))
    assert.is_false(core.log_wants(log, levels.INFO))
    assert.is_true(core.log_wants(log, levels.ERROR))
    assert.truthy(write("WARNING", "text"))
  end)

  it("is not wanted by anybody without a sink", function()
    configure("LOG_BASIC")
    log.sink = nil
    assert.is_false(core.log_wants(log, levels.CRITICAL))
  end)

  it("knows level names in any letter case", function()
    local level = ffi.new("enum log_level[1]")
    for name, value in pairs(levels) do
      assert.is_true(core.log_level_parse(str(name:lower()), level))
      assert.equal(value, tonumber(level[0]))
    end
    assert.is_false(core.log_level_parse(str("WARN"), level))
    assert.is_false(core.log_level_parse(str(""), level))
  end)

  it("takes long messages, up to 64 KB", function()
    configure("LOG_CUSTOM", { custom_format = "%{message}" })
    local long = ("x"):rep(100000)
    assert.equal(long:sub(1, 5000), write("INFO", long:sub(1, 5000)))
    assert.equal(long:sub(1, 65536), write("INFO", long))
  end)

  it("gives access lines to the sink whatever the level", function()
    configure("LOG_BASIC", { level = levels.CRITICAL })
    core.log_access(log, str("[GIN] line"))
    assert.same({ level = levels.INFO, access = true, text = "[GIN] line" }, {
      level = tonumber(lines[1].level), access = lines[1].access, text = lines[1].text,
    })
  end)

  describe("on stdout", function()
    local reader

    local function close()
      ffi.C.close(reader)
      reader = nil
    end

    local function read_all()
      local buf, parts = ffi.new("char[65536]"), {}
      while true do
        local got = tonumber(ffi.C.read(reader, buf, 65536))
        if got <= 0 then return table.concat(parts) end
        parts[#parts + 1] = ffi.string(buf, got)
      end
    end

    --- Runs with a pipe for stdout, which busted has back before it writes there itself.
    local function it_reads(title, body)
      it(title, function()
        local fds, saved = ffi.new("int[2]"), ffi.C.dup(1)
        assert(ffi.C.pipe(fds) == 0)
        reader = fds[0]
        io.stdout:flush()
        ffi.C.dup2(fds[1], 1)
        ffi.C.close(fds[1])
        ffi.C.fcntl(reader, 4, ffi.cast("int", 2048)) -- O_NONBLOCK
        core.log_fini(log)
        core.log_init(log)
        configure("LOG_CUSTOM", { custom_format = "%{message}", to_stdout = true })
        local ok, why = pcall(body)
        core.log_fini(log)
        ffi.C.dup2(saved, 1)
        ffi.C.close(saved)
        if reader then close() end
        if not ok then error(why, 0) end
      end)
    end

    it_reads("collects access lines until they are flushed", function()
      core.log_access(log, str("one"))
      core.log_access(log, str("two"))
      assert.equal("", read_all())
      core.log_flush(log)
      assert.equal("one\ntwo\n", read_all())
    end)

    it_reads("writes access lines by itself when 64 KB wait", function()
      for _ = 1, 65 do core.log_access(log, str(("x"):rep(1023))) end
      assert.is_true(#read_all() >= 60 * 1024)
    end)

    it_reads("keeps the order of access lines and messages", function()
      core.log_access(log, str("one"))
      core.log_write(log, levels.INFO, "two")
      assert.equal("one\ntwo\n", read_all())
    end)

    it_reads("neither blocks nor grows when nobody reads, and says what was lost", function()
      for i = 1, 3000 do core.log_write(log, levels.INFO, "%s", ("%04d "):format(i) .. ("x"):rep(1018)) end
      assert.is_true(core.buf_len(log.waiting) <= 1024 * 1024)
      local text, before = "", nil
      while text ~= before do
        before = text
        text = text .. read_all()
        core.log_flush(log)
      end
      local count = 0
      for number, body in text:gmatch("(%d%d%d%d) (x+)\n") do
        count = count + 1
        assert.equal(count, tonumber(number))
        assert.equal(1018, #body)
      end
      local lost = tonumber(text:match("%[SERVICE: Logging%] (%d+) lines were lost"))
      assert.equal(3000, count + lost)
      assert.is_true(lost > 0)
    end)

    it_reads("survives a reader that is gone", function()
      close()
      local handler = ffi.C.signal(13, ffi.cast("void *", 1)) -- SIGPIPE, SIG_IGN
      core.log_write(log, levels.INFO, "text")
      core.log_write(log, levels.INFO, "text")
      assert.equal(0, tonumber(core.buf_len(log.waiting)))
      ffi.C.signal(13, handler)
    end)

    it_reads("ends in about a second though its reader is slow", function()
      for _ = 1, 300 do core.log_access(log, str(("x"):rep(1023))) end
      local pid = ffi.C.fork()
      if pid == 0 then
        local page = ffi.new("char[4096]")
        while true do
          ffi.C.poll(nil, 0, 300)
          ffi.C.read(reader, page, 4096)
        end
      end
      local before, after = ffi.new("int64_t[2]"), ffi.new("int64_t[2]")
      ffi.C.clock_gettime(1, before)
      core.log_fini(log)
      ffi.C.clock_gettime(1, after)
      ffi.C.kill(pid, 9)
      ffi.C.waitpid(pid, nil, 0)
      assert.is_true(tonumber(after[0] - before[0]) <= 5)
    end)

    it_reads("leaves to the parent what waited before a fork", function()
      core.log_access(log, str("one"))
      core.log_forget(log)
      core.log_flush(log)
      assert.equal("", read_all())
    end)

    it_reads("stays basic when there is no syslog, and says so", function()
      if lfs.attributes("/dev/log") or lfs.attributes("/var/run/syslog") then return end
      configure("LOG_PATTERN", { to_syslog = true, to_stdout = false, level = levels.ERROR })
      core.log_write(log, levels.DEBUG, "text")
      local text = read_all()
      assert.truthy(text:find("KRAKEND ERROR: [SERVICE: Logging] Unable to create the logger: ", 1, true))
      assert.truthy(text:find("KRAKEND DEBUG: text\n", 1, true))
    end)
  end)
end)
