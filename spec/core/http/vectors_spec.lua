--- Messages and URLs of a public suite. It records what one lenient parser does; where RFC 9112 asks for
-- something else, the
-- tables below say so.
local ffi = require("ffi")
local http = require("spec.support.http")
local json = require("kit.json")

--- Messages that are refused here: file, name, and the rule that is broken.
local refused = {
  ["request/method: SOURCE request with ICE"] = "2.3: HTTP-name",
  ["request/method: OPTIONS request with RTSP"] = "2.3: HTTP-name",
  ["request/method: ANNOUNCE request with RTSP"] = "2.3: HTTP-name",
  ["request/method: M-SEARCH request"] = "3.2.4: asterisk-form is for OPTIONS",
  ["request/connection: CRLF between requests, implicit `keep-alive`"] = "2.2: one empty line is enough",
  ["request/sample: No HTTP version"] = "3: a version on every request-line",
  ["request/transfer-encoding: POST with `chunked` as last transfer-encoding"] =
    "6.1: 501 to a coding we do not know",
  ["request/transfer-encoding: POST with `chunked` as last transfer-encoding (multiple headers)"] =
    "6.1: the same",
  ["request/uri: Fragment in URI"] = "RFC 9110 7.1: no fragment in a target",
  ["request/uri: `host:port` and basic auth"] = "RFC 9110 4.2.4: no user information",
  ["response/sample: RTSP response"] = "2.3: HTTP-name",
  ["response/sample: ICE response"] = "2.3: HTTP-name",
  ["response/sample: HTTP version 0.9"] = "2.3: another major version",
  ["response/sample: Response starting with CRLF"] =
    "2.2: an empty line is ignored before a request-line only",
  ["response/pipelining: Should parse multiple events"] = "the same, between responses",
  ["response/connection: HTTP 304 with Content-Length"] = "the same",
  ["response/connection: HTTP 100 first, then 400"] = "the same",
  ["response/connection: HTTP 101 response with Upgrade and Content-Length header"] =
    "RFC 9110 7.8: nobody asked",
  ["response/connection: HTTP 101 response with Upgrade and Transfer-Encoding header"] =
    "RFC 9110 7.8: nobody asked",
  ["response/transfer-encoding: `chunked` before other transfer-encoding"] = "6.3: a coding we cannot decode",
  ["response/transfer-encoding: multiple transfer-encoding where chunked is not the last one"] =
    "6.3: the same",
  ["response/transfer-encoding: `chunkedchunked` transfer-encoding does not enable chunked enconding"] =
    "6.3: the same",
}

--- Messages that are read here although the suite refuses them.
local accepted = {
  ["request/invalid: HTTP protocol and ANNOUNCE method"] = "RFC 9110 9.1: any token is a method",
  ["request/invalid: Invalid method"] = "RFC 9110 9.1: any token is a method",
  ["request/uri: Disallow UTF-8 in URI path in strict mode"] = "many clients send it; it is sent on encoded",
}

local function load(name)
  local file = io.open("../shared/vectors/" .. name, "rb")
  if not file then
    print("skipped: there is no ../shared/vectors/" .. name)
    return {}
  end
  local text = file:read("*a")
  file:close()
  return assert(json.decode(text))
end

local function bytes_of(record, key)
  local hex = record[key .. "_hex"]
  return hex and (hex:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end)) or record[key]
end

--- Every request needs a Host here; the suite does without.
local function with_host(bytes)
  if bytes:lower():find("\r\nhost:", 1, true) then return bytes end
  return (bytes:gsub("( HTTP/1%.%d\r\n)", "%1Host: vector\r\n"))
end

local function content_of(message, rest)
  if message.framing == http.framing.none then return "done", "", 0 end
  if message.framing == http.framing.chunked then return http.dechunk(rest) end
  if message.framing == http.framing.close then return "more", rest, #rest end
  return #rest >= message.length and "done" or "more", rest:sub(1, message.length), math.min(#rest,
    message.length)
end

--- The messages in bytes; and whether the last was refused.
local function read(bytes, read_head, is_response)
  local list = {}
  while #bytes > 0 and bytes ~= "\r\n" do
    local result = http.parse(bytes, { response = is_response })
    if result == "more" then return list, false end
    local message = read_head(bytes)
    if not message then return list, true end
    local rest = bytes:sub(message.head_len + 1)
    local state, content, used = content_of(message, rest)
    message.body, message.complete = content, state == "done"
    list[#list + 1] = message
    if state == "bad" then return list, true end
    bytes = rest:sub(used + 1)
    if state == "more" or not message.keep_alive or message.method == "CONNECT" then break end
  end
  return list, false
end

local function fields_of(message)
  local list = {}
  for _, field in ipairs(message.fields) do
    if field[2] ~= "vector" then list[#list + 1] = field end
  end
  return list
end

local function same(want, got, is_response, name)
  if is_response then
    assert.equal(want.status_code, got.status, name)
    assert.equal(bytes_of(want, "status") or "", got.reason, name)
  else
    assert.equal(want.method, got.method, name)
    assert.equal(bytes_of(want, "url"), got.target, name)
  end
  assert.equal(want.version, "1." .. got.minor, name)
  for i, field in ipairs(want.headers or {}) do
    local field_got = fields_of(got)[i]
    if type(field[1]) == "string" and type(field[2]) == "string" then
      assert.same({ field[1], (field[2]:gsub("[ \t]+$", "")) }, field_got, name)
    end
  end
end

local function check(record)
  local name = record.file .. ": " .. record.name
  local is_response = record.type:match("^response") ~= nil
  local bytes = bytes_of(record, "input")
  if not is_response then bytes = with_host(bytes) end
  local list, bad = read(bytes, is_response and http.response or http.request, is_response)
  local complete = 0
  for _, message in ipairs(record.messages) do
    if message.headers_complete then complete = complete + 1 end
  end
  if refused[name] and bad then return "refused" end
  -- What follows a message that closes is not looked at: no error, no message.
  local after_close = record.error and record.error.code == 5
  if record.error and not after_close and not accepted[name] then
    return (bad or #list < math.max(1, complete) or not list[#list].complete) and "refused" or name
  end
  if bad then return name end
  if accepted[name] then return "same" end
  for i, message in ipairs(list) do
    if record.messages[i] then same(record.messages[i], message, is_response, name) end
    local body = record.messages[i] and bytes_of(record.messages[i], "body")
    if body and message.method ~= "CONNECT" then assert.equal(body, message.body, name) end
  end
  return #list >= complete and "same" or name
end

describe("public vectors", function()
  it("of messages: each strict one is read alike, or refused by a rule", function()
    local unexplained = {}
    for _, record in ipairs(load("http1/messages.json")) do
      if not record.type:match("lenient") then
        local result = check(record)
        if result ~= "same" and result ~= "refused" then unexplained[#unexplained + 1] = result end
      end
    end
    assert.same({}, unexplained)
  end)

  --- Targets that are refused here although the suite takes them for URLs.
  local function why_refused(record)
    local parts = record.parts
    if parts.fragment and not parts.query then return "RFC 9110 7.1: no fragment in a target" end
    if parts.host and parts.host:find("@", 1, true) then return "RFC 9110 4.2.4: no user information" end
    if parts.host and parts.host:find("%", 1,
      true) then return "RFC 3986 3.2.2: a zone is no part of an address" end
    return record.error and record.error.reason
  end

  it("of URLs: each is taken apart alike, or refused by a rule", function()
    for _, record in ipairs(load("http1/urls.json")) do
      local a, target, parts = http.arena(), ffi.new("struct target"), record.parts
      local ok = http.core.target_parse(target, http.str(a, "GET"), http.str(a, bytes_of(record, "input")))
      assert.equal(why_refused(record) == nil, ok, record.name)
      if ok then
        assert.equal(parts.path, http.text(target.path), record.name)
        assert.equal(parts.host or "", http.text(target.authority), record.name)
        local query = (parts.query or "") .. (parts.fragment and "#" .. parts.fragment or "")
        assert.equal(query, http.text(target.query), record.name)
      end
    end
  end)
end)
