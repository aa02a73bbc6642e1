--- Text and memory for the specs of core/http: an arena, struct str from and to Lua, heads parsed.
local ffi = require("ffi")
local span = require("spec.support.span")
local core = require("spec.support.cdef").load("http/h1_parser.h", "http/h1_chunked.h", "http/h1_writer.h")

local http = { core = core, arena = require("spec.support.arena") }

--- A struct str in the arena.
function http.str(a, text) return core.arena_copy(a, span.str(text)) end

http.text = span.text

--- { { name, value }, ... }
function http.fields(fields)
  local list = {}
  for i = 0, fields.count - 1 do
    list[i + 1] = { http.text(fields.items[i].name), http.text(fields.items[i].value) }
  end
  return list
end

local results = { [tonumber(core.H1_MORE)] = "more", [tonumber(core.H1_DONE)] = "done",
  [tonumber(core.H1_BAD)] = "bad" }

--- Parses a head that comes in pieces of `step` bytes into a buffer that moves each time. "more", "done" or
-- "bad"; parser
-- and the buffer, which must be kept.
function http.parse(bytes, options)
  options = options or {}
  local a = options.arena or http.arena()
  local parser = ffi.new("struct h1_parser")
  core.h1_parser_init(parser, options.response or false, a, options.max_head or 0, options.max_target or 0)
  local step = options.step or math.max(1, #bytes)
  local result, buffer = core.H1_MORE, nil
  for len = step, #bytes + step - 1, step do
    len = math.min(len, #bytes)
    buffer = ffi.new("char[?]", math.max(1, len)) -- no byte behind the end, so that asan sees a step too far
    ffi.copy(buffer, bytes, len)
    result = core.h1_parse(parser, buffer, len)
    if result ~= core.H1_MORE then break end
  end
  return results[tonumber(result)], parser, buffer, a
end

--- The request that a whole head is; nil, the status and the text if it is refused.
function http.request(bytes, options)
  local result, parser, buffer, a = http.parse(bytes, options)
  local r = ffi.cast("struct request *", core.arena_zalloc(a, ffi.sizeof("struct request")))
  if result == "done" then result = results[tonumber(core.h1_parser_request(parser, buffer, r))] end
  if result ~= "done" then return nil, parser.fault.status, parser.fault.text ~= nil
    and ffi.string(parser.fault.text) or "" end
  return {
    r = r, keep = { buffer, a, parser }, method = http.text(r.method), target = http.text(r.target),
      minor = r.minor,
    host = http.text(r.host), fields = http.fields(r.fields), framing = tonumber(r.framing),
      length = tonumber(r.length),
    keep_alive = r.keep_alive, expects_continue = r.expects_continue, head_len = tonumber(parser.head_len),
  }
end

function http.response(bytes, options)
  options = options or {}
  options.response = true
  local result, parser, buffer, a = http.parse(bytes, options)
  local r = ffi.cast("struct response *", core.arena_zalloc(a, ffi.sizeof("struct response")))
  if result == "done" then
    result = results[tonumber(core.h1_parser_response(parser, buffer, http.str(a, options.method or "GET"),
      r))]
  end
  if result ~= "done" then return nil, parser.fault.status, parser.fault.text ~= nil
    and ffi.string(parser.fault.text) or "" end
  return {
    r = r, keep = { buffer, a, parser }, status = r.status, reason = http.text(r.reason), minor = r.minor,
    fields = http.fields(r.fields), framing = tonumber(r.framing), length = tonumber(r.length),
      keep_alive = r.keep_alive,
    head_len = tonumber(parser.head_len),
  }
end

http.framing = { none = tonumber(core.FRAMING_NONE), length = tonumber(core.FRAMING_LENGTH),
  chunked = tonumber(core.FRAMING_CHUNKED), close = tonumber(core.FRAMING_CLOSE) }

--- Reads chunked content in pieces of `step` bytes, at most `max` spans a call: "more", "done" or "bad";
-- the content and
-- how many bytes were consumed.
function http.dechunk(bytes, step, max)
  local c, iov = ffi.new("struct chunked"), ffi.new("struct iovec[?]", max or 4)
  local used, count = ffi.new("size_t[1]"), ffi.new("int[1]")
  core.chunked_init(c)
  local content, at, result = {}, 0, "more"
  step = step or math.max(1, #bytes)
  while at < #bytes do
    local piece = bytes:sub(at + 1, math.min(#bytes, (math.floor(at / step) + 1) * step))
    local data = ffi.new("char[?]", #piece)
    ffi.copy(data, piece, #piece)
    local r = core.chunked_read(c, data, #piece, used, iov, max or 4, count)
    for i = 0, count[0] - 1 do content[#content + 1] = ffi.string(iov[i].iov_base, iov[i].iov_len) end
    at = at + tonumber(used[0])
    if r == core.CHUNKED_DONE or r == core.CHUNKED_BAD then
      result = r == core.CHUNKED_DONE and "done" or "bad"
      break
    end
  end
  return result, table.concat(content), at
end

return http
