--- A struct arena for specs of the core; its memory lives as long as the value does.
local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/arena.h")

return function()
  local arena = ffi.gc(ffi.new("struct arena"), core.arena_fini)
  core.arena_init(arena, nil)
  return arena
end
