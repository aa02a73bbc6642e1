--- What the specs of base/doc share: parsing Lua strings, writing them back.
local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/doc.h", "base/mem.h")

local doc = { core = core, arena = require("spec.support.arena"), WHOLE = 0, FIRST = 1 }
local texts = setmetatable({}, { __mode = "k" }) -- what the nodes of an arena lie in

--- A struct str over a Lua string, which must be kept alive by the caller.
function doc.str(text)
  return ffi.new("struct str", { text, #text })
end

function doc.lua(str)
  return ffi.string(str.ptr, str.len)
end

local function parse_with(parse, arena, text, finish)
  local err = ffi.new("struct error")
  -- A block of its own, so that a sanitizer sees reads behind the end.
  local exact = ffi.gc(core.mem_alloc(#text > 0 and #text or 1), core.mem_free)
  ffi.copy(exact, text, #text)
  local str = ffi.new("struct str", { ffi.cast("const char *", exact), #text })
  local node = parse(arena, str, finish or doc.WHOLE, err)
  if node == nil then return nil, ffi.string(err.text) end
  texts[arena] = texts[arena] or {}
  table.insert(texts[arena], exact)
  return { node = node, text = exact }
end

--- A document and its text, or nil and why not. The text lives as long as the arena.
function doc.parse(arena, text, finish)
  return parse_with(core.doc_parse, arena, text, finish)
end

function doc.parse_plain(arena, text, finish)
  return parse_with(core.doc_parse_plain, arena, text, finish)
end

--- The text of a node, written in spans and joined.
function doc.write(arena, node)
  local out = ffi.new("struct doc_spans")
  core.doc_write(arena, node, out)
  local parts = {}
  for i = 0, tonumber(out.count) - 1 do
    parts[#parts + 1] = ffi.string(out.spans[i].iov_base, out.spans[i].iov_len)
  end
  local text = table.concat(parts)
  assert(#text == tonumber(out.bytes), "the spans are longer or shorter than they say")
  return text, tonumber(out.count)
end

--- The bytes of a file among the public vectors, or nil.
function doc.vector(name)
  local file = io.open("../shared/vectors/" .. name, "rb")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

return doc
