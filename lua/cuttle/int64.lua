--- Integers that a Lua number cannot hold: how C hands them to Lua and back (core/script/value.c).
local ffi = require("ffi")

local signed = ffi.new("int64_t[1]")
local unsigned = ffi.new("uint64_t[1]")
local int64, uint64 = ffi.typeof("int64_t"), ffi.typeof("uint64_t")

return {
  signed = signed,     -- C writes here, then calls get_signed
  unsigned = unsigned,
  get_signed = function()
    local value = signed[0]
    return value
  end,
  get_unsigned = function()
    local value = unsigned[0]
    return value
  end,
  --- The digits of a 64-bit integer; nil for any other cdata.
  text = function(value)
    if not ffi.istype(int64, value) and not ffi.istype(uint64, value) then return nil end
    return (tostring(value):gsub("U?LL$", ""))
  end,
}
