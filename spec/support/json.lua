--- JSON to Lua values, for vectors: null is left out.
local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/doc.h")

local json = {}

local function lua(str) return str.len > 0 and ffi.string(str.ptr, str.len) or "" end

local function value(node)
  local kind = ffi.string(core.doc_type_name(core.node_type(node)))
  if kind == "string" then return lua(core.node_string(node)) end
  if kind == "number" then return tonumber(core.node_to_double(node)) end
  if kind == "bool" then return core.node_type(node) == core.DOC_TRUE end
  if kind == "null" then return nil end
  local cursor, name, child = ffi.new("struct node_cursor"), ffi.new("struct str"),
    ffi.new("struct node *[1]")
  local result = {}
  while core.node_next(node, cursor, name, child) do
    result[kind == "array" and #result + 1 or lua(name)] = value(child[0])
  end
  return result
end

function json.parse(text)
  local arena, err = ffi.new("struct arena"), ffi.new("struct error")
  core.arena_init(arena, nil)
  local node = core.doc_parse(arena, ffi.new("struct str", text, #text), core.DOC_WHOLE, err)
  assert(node ~= nil, ffi.string(err.text))
  local result = value(node)
  core.arena_fini(arena)
  return result
end

return json
