--- A scripted upstream in the simulated world.
--
--     local users = kit.upstream()
--     users:on("GET", "/u/1"):reply(200, { name = "Ada" }):after("40ms")
--     users:on("POST", "/u"):reply(201):then_reply(500)
--
-- It reads requests with the gateway's own HTTP code and remembers them in `requests`: {method, target, path, query,
-- fields, body, field(name), json()}. What no route matches is answered by 404, and told when the spec fails. To a
-- gateway that has it for a proxy (environ = {"HTTP_PROXY=" .. url}) paths are whole URLs: "http://a.test/u/1".
local core = require("kit.core")
local duration = require("kit.duration")
local fields = require("kit.fields")
local gzip = require("kit.gzip")
local json = require("kit.json")
local message = require("kit.message")
local world = require("kit.world")

local route = {}
route.__index = route

--- Answers with status, content (a table becomes JSON) and fields; a route without an answer gives an empty 200.
-- Several answers are given in turn, the last one stays: then_reply is the same and reads better.
function route:reply(status, content, given)
  local answer = { status = status, fields = fields.from(given), content = content }
  table.insert(self.answers, answer)
  self.last = answer
  return self
end

route.then_reply = route.reply

--- What follows is of the answer given last. It comes so much later.
function route:after(span)
  self.last.delay = duration.seconds(span)
  return self
end

--- It is chunked, in chunks of so many bytes.
function route:chunked(size)
  self.last.chunk = size or 16
  return self
end

--- Its content is packed with gzip.
function route:gzip()
  self.last.gzip = true
  return self
end

--- The connection closes after this answer.
function route:close()
  self.last.close = true
  return self
end

--- Exact bytes, then the connection closes (keep_open: it stays).
function route:raw(bytes, keep_open)
  self:reply(0)
  self.last.raw, self.last.close = bytes, not keep_open
  return self
end

--- The connection closes without an answer.
function route:hang_up()
  return self:raw("")
end

--- No answer ever.
function route:silence()
  self:reply(0)
  self.last.silent = true
  return self
end

--- Answers made by a function: fn(request) -> status, content, fields.
function route:call(fn)
  self:reply(0)
  self.last.fn = fn
  return self
end

--- How often it was asked.
function route:hits()
  return self.count
end

local function next_answer(self, request)
  local answer = self.answers[math.min(self.count + 1, #self.answers)] or { status = 200, fields = {} }
  self.count = self.count + 1
  if not answer.fn then return answer end
  local status, content, given = answer.fn(request)
  return setmetatable({ status = status, content = content, fields = fields.from(given) }, { __index = answer })
end

local upstream = {}
upstream.__index = upstream

--- A route: method ("*" for any) and path ("/x", "/x*" for a prefix, "*" for all else). The closest one answers: an
-- exact path before a prefix, a long prefix before a short one, a named method before any; of equals the last one.
function upstream:on(method, path)
  local added = setmetatable({ method = method, path = path, answers = {}, count = 0 }, route)
  table.insert(self.routes, added)
  return added
end

--- How close a route is to a request; nil if it does not fit.
local function closeness(candidate, request)
  if candidate.method ~= "*" and candidate.method ~= request.method then return nil end
  local exact_method = candidate.method ~= "*" and 1 or 0
  if candidate.path == request.path then return math.huge, exact_method end
  local prefix = candidate.path:match("^(.*)%*$")
  if prefix and request.path:sub(1, #prefix) == prefix then return #prefix, exact_method end
end

--- The route that answers a request; nil without one.
function upstream:find(request)
  local best_path, best_method, found = -1, -1, nil
  for _, candidate in ipairs(self.routes) do
    local path, method = closeness(candidate, request)
    if path and (path > best_path or path == best_path and method >= best_method) then
      best_path, best_method, found = path, method, candidate
    end
  end
  return found
end

local function has(list, name)
  return fields.new(list):get(name) ~= nil
end

local function chunks(content, size)
  local parts = {}
  for at = 1, #content, size do
    local piece = content:sub(at, at + size - 1)
    parts[#parts + 1] = ("%x\r\n%s\r\n"):format(#piece, piece)
  end
  return table.concat(parts) .. "0\r\n\r\n"
end

--- The bytes of an answer.
function upstream.format(answer, request)
  if answer.raw then return answer.raw end
  local list = {}
  for i, field in ipairs(answer.fields) do list[i] = field end
  local content = answer.content or ""
  if type(content) ~= "string" then
    content = json.encode(content)
    if not has(list, "content-type") then list[#list + 1] = { "Content-Type", "application/json" } end
  end
  if answer.gzip then
    content = gzip.pack(content)
    list[#list + 1] = { "Content-Encoding", "gzip" }
  end
  local head = ("HTTP/1.1 %d %s\r\n"):format(answer.status, answer.reason or "X")
  if answer.status == 204 or answer.status == 304 then return head .. fields.format(list) .. "\r\n" end
  if answer.chunk then
    return head .. fields.format(list) .. "Transfer-Encoding: chunked\r\n\r\n" .. chunks(content, answer.chunk)
  end
  if not has(list, "content-length") then list[#list + 1] = { "Content-Length", tostring(#content) } end
  return head .. fields.format(list) .. "\r\n" .. (request.method == "HEAD" and "" or content)
end

local function send(sock, answer, request, go_on)
  if answer.silent then return end
  sock:write(upstream.format(answer, request))
  if answer.close then sock:close() else go_on() end
end

function upstream:answer(sock, request, go_on)
  local found = self:find(request)
  if not found then table.insert(self.unrouted, request.method .. " " .. request.target) end
  local answer = found and next_answer(found, request) or { status = 404, fields = {}, content = "no such route" }
  if not answer.delay then return send(sock, answer, request, go_on) end
  world.get():after(answer.delay, function() send(sock, answer, request, go_on) end)
end

--- Reads one request after the other from a connection.
function upstream:serve(sock)
  local pending, busy, continued = "", false, false
  local function step()
    if busy or pending == "" then return end
    local request, used, head = core.read_request(pending)
    if not request then
      if used == "more" and head and head.expects_continue and not continued then
        continued = true
        sock:write("HTTP/1.1 100 Continue\r\n\r\n")
      elseif used ~= "more" then
        table.insert(self.broken, pending)
        sock:close()
      end
      return
    end
    pending, busy, continued = pending:sub(used + 1), true, false
    message.new(request)
    request.path, request.query = request.target:match("^([^?]*)%??(.*)$")
    table.insert(self.requests, request)
    self:answer(sock, request, function()
      busy = false
      step()
    end)
  end
  sock:on(function(_, event, data)
    if event == "data" then
      pending = pending .. data
      step()
    elseif event == "end" then
      sock:close()
    end
  end)
end

--- Closes the connections that are open now; new ones are taken.
function upstream:drop_connections()
  for _, sock in ipairs(self.socks) do
    if sock:is_open() then sock:close() end
  end
  self.socks = {}
end

--- Nobody listens any more: connecting is refused, until it is started again.
function upstream:stop()
  self.listener:close()
  self:drop_connections()
end

--- Listens again after a stop, at the same address.
function upstream:start()
  self.listener, self.port = world.get():listen(self.ip, self.port, function(sock)
    self.connections = self.connections + 1
    table.insert(self.socks, sock)
    self:serve(sock)
  end)
end

--- What may explain why a spec failed.
function upstream:story()
  if #self.unrouted == 0 then return nil end
  return ("%s has no route for %s"):format(self.url, table.concat(self.unrouted, ", ", 1, math.min(10, #self.unrouted)))
end

--- Faults of connections to it that are made from now on: what the gateway sends (up), and receives (down). See
-- kit.fault.
function upstream:fault(up, down)
  world.fault(self.ip, self.port, up, down)
end

--- options.ip, options.port: by default an address of its own and port 80; options.name: a host name for its url.
function upstream.new(options)
  options = options or {}
  local self = setmetatable({ routes = {}, requests = {}, unrouted = {}, broken = {}, socks = {}, connections = 0,
    ip = options.ip or world.new_ip(), port = options.port or 80 }, upstream)
  self:start()
  if options.name then world.get():name(options.name, { self.ip }) end
  self.url = ("http://%s:%d"):format(options.name or self.ip, self.port)
  world.tell(function() return self:story() end)
  return self
end

return upstream
