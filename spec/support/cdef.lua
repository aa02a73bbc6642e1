--- Gives C headers to LuaJIT's FFI: strips the preprocessor lines, follows our own includes.
local ffi = require("ffi")

--- Under `cuttle test` the core is in the process itself; under another LuaJIT it is core.so of CUTTLE_OUT.
local in_process = package.preload["kit.core"] ~= nil

local cdef = { out = os.getenv("CUTTLE_OUT") or "build/release" }
local seen = {}

local function read(path)
  local file = assert(io.open(path, "r"))
  local text = file:read("*a")
  file:close()
  return text
end

local function declare(header)
  if seen[header] then return end
  seen[header] = true
  local text = read("core/" .. header)
  for included in text:gmatch('#include "([^"]+)"') do declare(included) end
  text = text:gsub("/%*.-%*/", ""):gsub("\\\n", " "):gsub("\n[ \t]*#[^\n]*", "\n"):gsub("^#[^\n]*", "")
  text = text:gsub("__attribute__%s*(%b())", ""):gsub("MUST_CHECK", ""):gsub("_Atomic%s", "")
  text = text:gsub("static inline[^{]*(%b{})", "") -- list.h
  ffi.cdef(text)
end

ffi.cdef([[
struct iovec { void *iov_base; size_t iov_len; };
typedef unsigned int socklen_t;
struct sockaddr_storage { unsigned short ss_family; char data[118]; unsigned long align; };
typedef char *va_list;
]])

--- The core with the named headers declared.
function cdef.load(...)
  for _, header in ipairs({ ... }) do declare(header) end
  return in_process and ffi.C or ffi.load(cdef.out .. "/core.so")
end

return cdef
