--- Runs the real binary: processes, their output, and TCP connections to them, all with deadlines.
local ffi = require("ffi")

ffi.cdef([[
struct spec_poll { int fd; short events; short revents; };
struct spec_address { uint16_t family; uint16_t port; uint32_t ip; char zero[8]; };
int fork(void);
int execvp(const char *file, const char *const argv[]);
void _exit(int status);
int waitpid(int pid, int *status, int options);
int kill(int pid, int signal);
int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
int open(const char *path, int flags, int mode);
int dup2(int from, int to);
int close(int fd);
int poll(struct spec_poll *fds, unsigned long count, int timeout);
int clock_gettime(int clock, int64_t time[2]);
int socket(int domain, int type, int protocol);
int setsockopt(int fd, int level, int name, const void *value, unsigned len);
int bind(int fd, const void *address, unsigned len);
int listen(int fd, int backlog);
int shutdown(int fd, int how);
int accept4(int fd, void *address, void *len, int flags);
int connect(int fd, const void *address, unsigned len);
int getsockname(int fd, void *address, unsigned *len);
long send(int fd, const void *data, size_t len, int flags);
long recv(int fd, void *data, size_t len, int flags);
uint16_t htons(uint16_t port);
uint32_t htonl(uint32_t ip);
]])

local C = ffi.C
local CLOEXEC, STREAM, INET, NO_SIGNAL, NO_HANG, READABLE = 0x80000, 1, 2, 0x4000, 1, 1
local SOL_SOCKET, SO_REUSEADDR, SO_LINGER, SO_REUSEPORT, SO_SNDTIMEO = 1, 2, 13, 15, 21
local DEATH_SIGNAL, KILL = 1, 9
local WRITE_CREATE_TRUNCATE_APPEND = 0x1 + 0x40 + 0x200 + 0x400

-- Whoever runs the specs may sit behind a proxy; what they start does not know.
for _, name in ipairs({ "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD" }) do C.unsetenv(name) end

local process = { binary = os.getenv("CUTTLE_BIN") or "build/release/cuttle" }
process.__index = process

--- Seconds of the monotonic clock.
function process.now()
  local time = ffi.new("int64_t[2]")
  C.clock_gettime(1, time)
  return tonumber(time[0]) + tonumber(time[1]) / 1e9
end

local function pause() C.poll(nil, 0, 5) end

--- Asks condition again and again until it gives something true, which is returned; an error after some seconds.
function process.eventually(condition, what, seconds)
  local deadline = process.now() + (seconds or 5)
  while true do
    local result = condition()
    if result then return result end
    if process.now() > deadline then error("in vain, waited for: " .. what, 2) end
    pause()
  end
end

-- --- processes ---------------------------------------------------------------------------------

local function redirect(path, to)
  local fd = C.open(path, WRITE_CREATE_TRUNCATE_APPEND, 384)
  C.dup2(fd, to)
  C.close(fd)
end

local function become(arguments, out, err, closed, variables)
  C.prctl(DEATH_SIGNAL, KILL, 0, 0, 0) -- a run of specs that is cut leaves nobody behind
  for name, value in pairs(variables or {}) do C.setenv(name, value, 1) end
  local argv = ffi.new("const char *[?]", #arguments + 2)
  argv[0] = process.binary
  for i, argument in ipairs(arguments) do argv[i] = argument end
  redirect("/dev/null", 0)
  redirect(out, 1)
  redirect(err, 2)
  for _, fd in ipairs(closed or {}) do C.close(fd) end
  C.execvp(process.binary, argv)
  C._exit(127)
end

--- Starts the binary with these arguments; closed: the standard streams that it is to start without; variables: more of
--- the environment, {name = value}.
function process.start(arguments, closed, variables)
  local self = setmetatable({ out_path = os.tmpname(), err_path = os.tmpname() }, process)
  io.stdout:flush()
  self.pid = C.fork()
  if self.pid == 0 then become(arguments, self.out_path, self.err_path, closed, variables) end
  assert(self.pid > 0)
  return self
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function process:out() return read_file(self.out_path) end
function process:err() return read_file(self.err_path) end

function process:signal(number) C.kill(self.pid, number) end

local function ended(self)
  if self.code then return true end
  local status = ffi.new("int[1]")
  if C.waitpid(self.pid, status, NO_HANG) ~= self.pid then return false end
  local signal = bit.band(status[0], 127)
  self.code = signal == 0 and bit.rshift(status[0], 8) or -signal
  return true
end

--- Its exit code, or minus the signal that ended it.
function process:wait(seconds)
  process.eventually(function() return ended(self) end, "the end of the process\n" .. self:out() .. self:err(), seconds)
  return self.code
end

--- Waits until it answers as a gateway on that port; an error, with what it has written, if it does not.
function process:serves(port)
  local deadline = process.now() + 10
  local status
  repeat
    status = process.get(port, "/__health")
    if status == 200 then return end
    pause()
  until ended(self) or process.now() > deadline
  error(("the gateway does not answer on port %d (status %s, code %s):\n%s%s"):format(port, tostring(status),
    tostring(self.code), self:out(), self:err()), 2)
end

--- The pids of its workers.
function process:workers()
  local pids = {}
  local file = io.open(("/proc/%d/task/%d/children"):format(self.pid, self.pid))
  if not file then return pids end
  for pid in file:read("*a"):gmatch("%d+") do pids[#pids + 1] = tonumber(pid) end
  file:close()
  return pids
end

--- Is there such a process, and is it no zombie?
function process.lives(pid)
  local file = io.open(("/proc/%d/stat"):format(pid))
  if not file then return false end
  local state = file:read("*a"):match("%) (%a)")
  file:close()
  return state ~= "Z" and state ~= "X"
end

function process:stop()
  if not ended(self) then
    local workers = self:workers()
    C.kill(self.pid, 9)
    for _, pid in ipairs(workers) do C.kill(pid, 9) end
    self:wait()
  end
  os.remove(self.out_path)
  os.remove(self.err_path)
end

-- --- connections ---------------------------------------------------------------------------------

local conn = {}
conn.__index = conn

local function loopback(port) return ffi.new("struct spec_address", { INET, C.htons(port), C.htonl(0x7f000001) }) end

local function ready(fd, seconds)
  local fds = ffi.new("struct spec_poll[1]", { { fd = fd, events = READABLE } })
  local deadline = process.now() + seconds
  local count
  repeat -- again when a signal came between
    count = C.poll(fds, 1, math.max(0, deadline - process.now()) * 1000)
  until count >= 0
  return count == 1
end

--- A connection to a port of this machine; nil when it is refused.
function process.connect(port)
  local fd = C.socket(INET, STREAM + CLOEXEC, 0)
  if C.connect(fd, loopback(port), 16) ~= 0 then
    C.close(fd)
    return nil
  end
  C.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, ffi.new("int64_t[2]", 5, 0), 16)
  return setmetatable({ fd = fd }, conn)
end

--- Sends it all, unless the other side stops reading for seconds or is gone; how many bytes went.
function conn:send(text)
  local sent = 0
  while sent < #text do
    local step = tonumber(C.send(self.fd, ffi.cast("const char *", text) + sent, #text - sent, NO_SIGNAL))
    if step <= 0 then break end
    sent = sent + step
  end
  return sent
end

--- Ends this side; the other may still send.
function conn:shutdown() C.shutdown(self.fd, 1) end

--- Closes by a reset.
function conn:reset()
  C.setsockopt(self.fd, SOL_SOCKET, SO_LINGER, ffi.new("int[2]", 1, 0), 8)
  self:close()
end

function conn:close()
  if self.fd then C.close(self.fd) end
  self.fd = nil
end

--- What arrives until it matches the pattern, or to its end without one; then whether it ended ("end", "reset") or is
--- open, or that it took too long ("late").
function conn:receive(pattern, seconds)
  local deadline, text, buf = process.now() + (seconds or 5), "", ffi.new("char[65536]")
  while not (pattern and text:find(pattern)) do
    if not ready(self.fd, deadline - process.now()) then return text, "late" end
    local got = tonumber(C.recv(self.fd, buf, 65536, 0))
    if got <= 0 then return text, got == 0 and "end" or "reset" end
    text = text .. ffi.string(buf, got)
  end
  return text, "open"
end

--- One request on a connection of its own: status and the whole answer; nil when none came.
function process.get(port, path, seconds)
  local c = process.connect(port)
  if not c then return nil end
  c:send(("GET %s HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n"):format(path))
  local text = c:receive(nil, seconds)
  c:close()
  return tonumber(text:match("^HTTP/1%.1 (%d%d%d)")), text
end

local listener = {}
listener.__index = listener

--- The next connection, with what it sent up to the end of a head.
function listener:accept(seconds)
  assert(ready(self.fd, seconds or 5), "nobody connected")
  local c = setmetatable({ fd = C.accept4(self.fd, nil, nil, CLOEXEC) }, conn)
  return c, (c:receive("\r\n\r\n", seconds))
end

listener.close = conn.close

--- A socket on a port that the kernel chose.
local function bind(options)
  local self = setmetatable({ fd = C.socket(INET, STREAM + CLOEXEC, 0) }, listener)
  local address, len = loopback(0), ffi.new("unsigned[1]", 16)
  for _, option in ipairs(options) do C.setsockopt(self.fd, SOL_SOCKET, option, ffi.new("int[1]", 1), 4) end
  assert(C.bind(self.fd, address, 16) == 0)
  C.getsockname(self.fd, address, len)
  self.port = C.htons(address.port)
  return self
end

--- A listening socket.
function process.listen()
  local self = bind({})
  assert(C.listen(self.fd, 64) == 0)
  return self
end

local HELD = 32
local held, drawn = {}, 0

--- A port for a gateway. It is held until HELD more were drawn, by a socket that does not listen and shares it, as a
--- gateway's do: else the kernel could give it to somebody meanwhile.
function process.free_port()
  local socket = bind({ SO_REUSEADDR, SO_REUSEPORT })
  local place = drawn % HELD + 1
  if held[place] then held[place]:close() end
  held[place], drawn = socket, drawn + 1
  return socket.port
end

return process
