--- A name server of a few lines in a loop of its own, and questions to it.
local ffi = require("ffi")
local net = require("spec.support.net")
local core, second = net.core, net.second

jit.off(true, true)

ffi.cdef([[
int socket(int domain, int type, int protocol);
int bind(int fd, const void *addr, unsigned len);
long recvfrom(int fd, void *buf, size_t len, int flags, void *from, unsigned *from_len);
long sendto(int fd, const void *buf, size_t len, int flags, const void *to, unsigned to_len);
int close(int fd);
]])

local AF_INET, SOCK_DGRAM = 2, 2

local name_server = { A = 1, AAAA = 28, SRV = 33 }
name_server.__index = name_server

local function u16(n) return string.char(math.floor(n / 256), n % 256) end

--- The data of an address record.
function name_server.ip(text)
  local bytes = ffi.new("unsigned char[16]")
  core.addr_to_bytes(net.addr(text), bytes)
  return text:find(":") and ffi.string(bytes, 16) or ffi.string(bytes + 12, 4)
end

--- The data of a service record.
function name_server.service(target, port, priority, weight)
  local name = target:gsub("([^.]+)%.?", function(label) return string.char(#label) .. label end)
  return u16(priority) .. u16(weight) .. u16(port) .. name .. "\0"
end

function name_server:answer_to(query)
  local labels, at = {}, 13
  while query:byte(at) ~= 0 do
    labels[#labels + 1] = query:sub(at + 1, at + query:byte(at))
    at = at + query:byte(at) + 1
  end
  local name, kind = table.concat(labels, "."):lower(), query:byte(at + 2)
  self.asked[#self.asked + 1] = name .. " " .. kind
  if self.silent then return nil end
  local entry, answers = self.zone[name], {}
  for _, data in ipairs(entry and entry[kind] or {}) do
    answers[#answers + 1] = "\xc0\x0c" .. u16(kind) .. u16(1) .. u16(0) .. u16(entry.ttl or 60)
      .. u16(#data) .. data
  end
  local code = entry and (entry.code or 0) or 3
  return query:sub(1, 2) .. "\x81" .. string.char(0x80 + code) .. u16(1) .. u16(#answers) .. ("\0"):rep(4)
    .. query:sub(13, at + 4) .. table.concat(answers)
end

--- Hosts to ask for: api.test of both kinds, four.test, and short.test, which may not be kept.
function name_server.zone()
  local A, AAAA, ip = name_server.A, name_server.AAAA, name_server.ip
  return {
    ["api.test"] = { [A] = { ip("127.0.0.5"), ip("127.0.0.6") }, [AAAA] = { ip("::1") } },
    ["four.test"] = { [A] = { ip("127.0.0.5") } },
    ["short.test"] = { [A] = { ip("127.0.0.5") }, ttl = 0 },
  }
end

--- zone: name to { [kind] = { data, ... }, ttl = 60, code = 0 }. options: those of the loop.
-- server.asked lists "name kind" of what was asked; while server.silent, nothing is answered.
function name_server.start(zone, options)
  local self = setmetatable({ zone = zone, asked = {}, silent = false }, name_server)
  local here = net.addr("127.0.0.1", 0)
  self.fd = ffi.C.socket(AF_INET, SOCK_DGRAM, 0)
  assert(ffi.C.bind(self.fd, here, here.len) == 0)
  self.servers = "127.0.0.1:" .. core.listener_port(self.fd)
  local loop_options = ffi.new("struct loop_options", {
    dns_servers = self.servers,
    dns_timeout = 5 * second,
    dns_cache_max = 30 * second,
  })
  for name, value in pairs(options or {}) do loop_options[name] = value end
  self.env = core.loop_new(loop_options, nil)
  core.loop_watch_fd(self.env, self.fd, net.callback("void (*)(void *, int)", function()
    local buf, from, len = ffi.new("char[2048]"), ffi.new("char[128]"), ffi.new("unsigned[1]", 128)
    local got = tonumber(ffi.C.recvfrom(self.fd, buf, 2048, 0, from, len))
    local answer = self:answer_to(ffi.string(buf, got))
    if answer then ffi.C.sendto(self.fd, answer, #answer, 0, from, len[0]) end
  end), nil)
  return self
end

function name_server:stop()
  core.loop_free(self.env)
  self.env = nil
  ffi.C.close(self.fd)
end

--- Turns until done; fails after 10 s.
function name_server:run(done)
  assert(net.run(self.env, done, 10 * net.second), "nothing happened in time")
end

local function wait(self, ask, name)
  local list, err
  ask(self.env, name, function(...) list, err = ... end)
  assert(list == nil, "answered before env_resolve returned")
  self:run(function() return list end)
  return list, err
end

--- The texts of the addresses, and the error.
function name_server:resolve(host) return wait(self, net.resolve, host) end

--- The same of services, each "target:port priority weight".
function name_server:resolve_srv(name) return wait(self, net.resolve_srv, name) end

return name_server
