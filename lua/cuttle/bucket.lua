--- bucket:take, for limits that run for each request: compiled code calls the FFI as it goes, but a function of Lua's
--- C API is called outside of it.
local ffi = require("ffi")

ffi.cdef([[
double bucket_take_own(void *bucket);
double bucket_take_exchange(void *bucket, void *exchange);
double bucket_take_key(void *bucket, const char *key, size_t len);
]])
local core = ffi.C

--- checked: the same function in C, for every argument there may be; it raises what is wrong with them. As the last
--- call it stands in the plugin's own line.
return function(checked)
  return function(bucket, key)
    local wait, kind = -1, type(key)
    if type(bucket) == "userdata" then
      if key == nil then
        wait = core.bucket_take_own(bucket)
      elseif kind == "userdata" then
        wait = core.bucket_take_exchange(bucket, key)
      elseif kind == "string" then
        wait = core.bucket_take_key(bucket, key, #key)
      end
    end
    if wait < 0 then return checked(bucket, key) end
    return wait
  end
end
