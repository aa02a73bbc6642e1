--- Plays a recorded case (spec/cases/README.md) in the simulator: the same configuration, upstream and requests must
-- give the same answers, and the same requests upstream.
local client = require("kit.client")
local gateway = require("kit.gateway")
local gzip = require("kit.gzip")
local json = require("kit.json")
local upstream = require("kit.upstream")
local world = require("kit.world")

local cases = {}

local unstable = {
  date = true, ["content-length"] = true, ["x-krakend"] = true, server = true, connection = true,
  ["keep-alive"] = true, ["transfer-encoding"] = true,
}
local upstream_unstable = { host = true, connection = true, ["content-length"] = true, ["transfer-encoding"] = true }

local gateway_port, backend_port, closed_port, second_port = 8080, 18081, 18082, 18083

function cases.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return assert(json.decode(text, { numbers = "text", raw_bytes = true }))
end

local function number(value, otherwise)
  return value and tonumber(tostring(value)) or otherwise
end

--- Ports and paths in the place of {{PORT}} and its like.
local function fill(value, words)
  if type(value) == "string" then
    local filled = value:gsub("{{(%u+%d?)}}", words)
    if filled ~= value and filled == tostring(words.PORT) then return tonumber(filled) end
    return filled
  end
  if type(value) ~= "table" or value == json.null or value.text then return value end
  local copy = setmetatable({}, getmetatable(value))
  for key, member in pairs(value) do copy[type(key) == "string" and fill(key, words) or key] = fill(member, words) end
  return copy
end

--- The bytes of a text that stands for Latin-1.
local function latin1(text)
  return (text:gsub("[\194\195][\128-\191]", function(pair)
    return string.char((pair:byte(1) - 192) * 64 + pair:byte(2) - 128)
  end))
end

local function to_utf8(bytes)
  return (bytes:gsub("[\128-\255]", function(char)
    local code = char:byte()
    return string.char(192 + math.floor(code / 64), 128 + code % 64)
  end))
end

--- --- the upstream -----------------------------------------------------------------------------------------

local function to_list(given)
  local list, names = {}, {}
  for name in pairs(given or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = type(given[name]) == "table" and given[name] or { given[name] }
    for _, value in ipairs(values) do list[#list + 1] = { name, latin1(tostring(value)) } end
  end
  return list
end

local function echo(request)
  local map = {}
  for name, values in pairs(request.fields:map()) do
    if not upstream_unstable[name] then
      for i, value in ipairs(values) do values[i] = to_utf8(value) end
      map[name] = json.array(values)
    end
  end
  return { body = { method = request.method, path = request.path, query = request.query, headers = map,
    body = request.body } }
end

--- A JSON string of ASCII alone.
local function ascii(text)
  local quoted = json.encode(text)
  return (quoted:gsub("[\194-\244][\128-\191]+", function(char)
    local code = char:byte(1) % (#char == 2 and 32 or #char == 3 and 16 or 8)
    for i = 2, #char do code = code * 64 + char:byte(i) - 128 end
    if code < 0x10000 then return ("\\u%04x"):format(code) end
    code = code - 0x10000
    return ("\\u%04x\\u%04x"):format(0xD800 + math.floor(code / 1024), 0xDC00 + code % 1024)
  end))
end

--- json.dumps of Python, whose spaces and escapes the recorded bodies have.
local function dumps(value)
  if type(value) == "string" then return ascii(value) end
  if type(value) ~= "table" or value == json.null or value.text then return json.encode(value) end
  local parts = {}
  if getmetatable(value) == getmetatable(json.array()) then
    for i, member in ipairs(value) do parts[i] = dumps(member) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = ascii(name) .. ": " .. dumps(value[name]) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function to_answer(spec)
  local answer = {
    status = number(spec.status, 200), reason = spec.reason, fields = to_list(spec.headers), gzip = spec.gzip,
    chunk = spec.chunked and 16 or nil, close = spec.close, delay = spec.delay_ms and number(spec.delay_ms) / 1000,
  }
  if spec.raw or spec.hang_up then
    answer.raw, answer.close = latin1(spec.raw or ""), true
    return answer
  end
  answer.content = spec.body or ""
  if type(answer.content) ~= "string" then
    answer.content = dumps(answer.content)
    local typed = false
    for name in pairs(spec.headers or {}) do typed = typed or name:lower() == "content-type" end
    if not typed then table.insert(answer.fields, { "Content-Type", "application/json" }) end
  end
  return answer
end

local function find_route(routes, request)
  for _, key in ipairs({ request.method .. " " .. request.path, request.path }) do
    if routes[key] then return key, routes[key] end
  end
  for key, value in pairs(routes) do
    local method, pattern = key:match("^(.-) ?([^ ]*)$")
    local prefix = pattern:match("^(.*)%*$")
    local fits = prefix and pattern ~= "*" and request.path:sub(1, #prefix) == prefix
    if fits and (method == "" or method == request.method) then return key, value end
  end
  return "*", routes["*"] or "echo"
end

local function open_upstream(routes)
  local origin = upstream.new({ ip = "127.0.0.1", port = backend_port })
  local hits = {}
  function origin.find() return true end
  function origin.answer(_, sock, request, go_on)
    local key, spec = find_route(routes, request)
    hits[key] = (hits[key] or 0) + 1
    if type(spec) == "table" and getmetatable(spec) == getmetatable(json.array()) then
      spec = spec[math.min(hits[key], #spec)]
    end
    local answer = to_answer(spec == "echo" and echo(request) or spec)
    local function send()
      sock:write(upstream.format(answer, request))
      if answer.close then sock:close() else go_on() end
    end
    if answer.delay then world.get():after(answer.delay, send) else send() end
  end
  return origin
end

local function take_seen(origin, ignored)
  local seen = {}
  for i, request in ipairs(origin.requests) do
    local headers = {}
    for _, field in ipairs(request.fields.list) do
      local name = field[1]:lower()
      if not upstream_unstable[name] and not ignored[name] then headers[#headers + 1] = { name, to_utf8(field[2]) } end
    end
    table.sort(headers, function(a, b) return a[1] == b[1] and a[2] < b[2] or a[1] < b[1] end)
    seen[i] = json.encode({ method = request.method, target = request.target, headers = json.array(headers),
      body = request.body })
  end
  origin.requests = {}
  table.sort(seen)
  return seen
end

--- --- the client --------------------------------------------------------------------------------------------

local function format_request(request)
  if request.raw then return latin1(request.raw) end
  local body = request.body or ""
  if type(body) ~= "string" then body = dumps(body) end
  local list, names = {}, {}
  local given = request.headers or {}
  if given[1] then
    for i, pair in ipairs(given) do list[i] = { pair[1], latin1(pair[2]) } end
  else
    list = to_list(given)
  end
  for _, pair in ipairs(list) do names[pair[1]:lower()] = true end
  local lines = { ("%s %s HTTP/1.1"):format(request.method or "GET", latin1(request.path)) }
  if not names.host then lines[2] = "Host: gateway.test" end
  for _, pair in ipairs(list) do lines[#lines + 1] = pair[1] .. ": " .. pair[2] end
  if body ~= "" and not names["content-length"] and not names["transfer-encoding"] then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  if not names.connection then lines[#lines + 1] = "Connection: close" end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

local function send(request)
  local connection = client.new(world.get(), "127.0.0.1", gateway_port)
  connection:send(format_request(request))
  return { connection = connection, method = request.method or "GET", span = number(request.timeout_s, 15) }
end

--- The chunks that are there of a chunked content.
local function whole_chunks(text)
  local parts, at = {}, 1
  while true do
    local size, start = text:match("^(%x+)\r\n()", at)
    if not size or tonumber(size, 16) == 0 then return table.concat(parts) end
    parts[#parts + 1] = text:sub(start, start + tonumber(size, 16) - 1)
    at = start + tonumber(size, 16) + 2
  end
end

--- A response that ended too early, as a client that does not mind sees it.
local function cut(head)
  head.body = head.chunked and whole_chunks(head.partial) or head.partial
  return head
end

local function receive(pending)
  local response = pending.connection:receive(pending.method, pending.span)
  pending.connection:close()
  if not response then return { error = "TimeoutError" } end
  if response.error == "closed" and response.head then return cut(response.head) end
  return response
end

--- --- comparing ---------------------------------------------------------------------------------------------

local function body_text(value)
  local decoded = json.decode(value, { numbers = "text" })
  return decoded ~= nil and json.encode(decoded) or value
end

--- A recorded text in which ports were replaced.
local function with_ports(text)
  for name, port in pairs({ PORT = gateway_port, BACKEND = backend_port, CLOSED = closed_port, PORT2 = second_port }) do
    text = text:gsub("%f[%d]" .. port .. "%f[%D]", "{{" .. name .. "}}")
  end
  return text
end

local function compare_headers(want, have, ignored, differ)
  local map, names = {}, {}
  for name, values in pairs(have.fields:map()) do
    if not unstable[name] and not ignored[name] then
      for i, value in ipairs(values) do values[i] = with_ports(to_utf8(value)) end
      map[name], names[name] = json.encode(json.array(values)), true
    end
  end
  for name in pairs(want) do names[name] = true end
  for name in pairs(names) do
    local expected = want[name] and json.encode(want[name])
    if expected ~= map[name] then
      differ(("%s: want %s, have %s"):format(name, tostring(expected), tostring(map[name])))
    end
  end
end

local function compare_answer(want, have, case, ignored, differ)
  if want.error or have.error then
    if not (want.error and have.error) then
      differ(("want %s, have %s"):format(tostring(want.error or want.status), tostring(have.error or have.status)))
    end
    return
  end
  if number(want.status) ~= have.status then
    differ(("status: want %s, have %d"):format(tostring(want.status), have.status))
  end
  compare_headers(want.headers or {}, have, ignored, differ)
  if case.ignore_body or want.body == nil then return end
  local have_body = have.body
  if have.fields:get("content-encoding") == "gzip" then have_body = gzip.unpack(have_body) or have_body end
  have_body = with_ports(have_body)
  local equal = want.body == have_body
  if not equal and want.json ~= nil then equal = body_text(want.body) == body_text(have_body) end
  if not equal then differ(("body: want %s, have %s"):format(want.body:sub(1, 300), have_body:sub(1, 300))) end
end

local function compare_seen(want, have, differ)
  local expected = {}
  for i, request in ipairs(want) do
    local headers = {}
    for j, pair in ipairs(request.headers) do headers[j] = { pair[1], pair[2] } end
    table.sort(headers, function(a, b) return a[1] == b[1] and a[2] < b[2] or a[1] < b[1] end)
    expected[i] = json.encode({ method = request.method, target = request.target, headers = json.array(headers),
      body = request.body })
  end
  table.sort(expected)
  for i, text in ipairs(have) do have[i] = with_ports(text) end
  if table.concat(expected, "\n") ~= table.concat(have, "\n") then
    differ(("upstream saw: want %s\n     have %s"):format(table.concat(expected, " "):sub(1, 700),
      table.concat(have, " "):sub(1, 700)))
  end
end

local function set_of(list)
  local set = {}
  for _, name in ipairs(list or {}) do set[name:lower()] = true end
  return set
end

--- Does the text match the regular expression (Perl's)?
local function matches(text, pattern)
  local subject, expression = os.tmpname(), os.tmpname()
  for path, content in pairs({ [subject] = text, [expression] = pattern:gsub("\\Z", "\\z") }) do
    local file = assert(io.open(path, "wb"))
    file:write(content)
    file:close()
  end
  local code = os.execute(([[perl -e 'local $/; open F, "<", $ARGV[0]; my $s = <F>; open G, "<", $ARGV[1]; ]]
    .. [[my $p = <G>; exit($s =~ /$p/ ? 0 : 1)' %s %s]]):format(subject, expression))
  os.remove(subject)
  os.remove(expression)
  return code == 0 or code == true
end

function cases.check_output(case, output, differ)
  for _, pattern in ipairs(case.output_has or {}) do
    if not matches(output, pattern) then differ("output: want a match of " .. pattern) end
  end
end

local function play_step(step, want, case, origin, words, differ)
  if step.after_ms then world.advance(number(step.after_ms) / 1000) end
  origin.requests = {}
  local request = fill(step.request, words)
  local answers = {}
  local count = number(step["repeat"], 1)
  if step.parallel then
    local pending = {}
    for i = 1, count do pending[i] = send(request) end
    for i = 1, count do answers[i] = receive(pending[i]) end
  else
    for i = 1, count do answers[i] = receive(send(request)) end
  end
  if step.settle_ms then world.advance(number(step.settle_ms) / 1000) end
  local ignored = set_of(case.ignore_headers)
  for i, answer in ipairs(answers) do
    compare_answer(want.answers[i], answer, case, ignored, function(what)
      differ((count > 1 and ("answer %d: "):format(i) or "") .. what)
    end)
  end
  if want.upstream then compare_seen(want.upstream, take_seen(origin, set_of(case.ignore_upstream_headers)), differ) end
end

local function environ(case, words)
  local list = {}
  for name, value in pairs(fill(case.env or {}, words)) do list[#list + 1] = name .. "=" .. tostring(value) end
  return #list > 0 and list or nil
end

--- Plays a case that runs a gateway; returns the list of differences.
function cases.play(case)
  local found = {}
  local words = { PORT = gateway_port, PORT2 = second_port, BACKEND = backend_port, CLOSED = closed_port }
  local config = fill(case.config, words)
  local origin = open_upstream(fill(case.upstream or {}, words))
  local options = { ip = "127.0.0.1", port = gateway_port, environ = environ(case, words), file = "krakend.json" }
  local started, problem, lines = gateway.new(type(config) == "string" and config or json.encode(config), options)
  local starts = started and "runs" or "fails"
  local function note(what) found[#found + 1] = what end
  if starts ~= case.want.start then
    note(("start: want %s, have %s %s"):format(case.want.start, starts, problem or ""))
  end
  if starts == case.want.start and started then
    for i, step in ipairs(case.steps or {}) do
      play_step(step, case.want.steps[i], case, origin, words, function(what) note(("step %d: %s"):format(i, what)) end)
    end
  end
  local output = started and table.concat(started:log(), "\n") .. "\n"
    or "ERROR parsing the configuration file: " .. tostring(problem) .. "\n" .. table.concat(lines, "\n")
  cases.check_output(case, output, note)
  if started and #found > 0 then cases.last_log = output end
  return found
end

return cases
