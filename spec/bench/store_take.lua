--- What one uncontended store_take costs: CUTTLE_OUT=build/release luajit spec/bench/store_take.lua
package.path = "./?.lua;" .. package.path
local ffi = require("ffi")
local core = require("spec.support.cdef").load("base/store.h")

local rounds, keys = 5000000, 1000
local store = core.store_new(100000, nil)
local texts, names = {}, ffi.new("struct str[?]", keys)
for i = 0, keys - 1 do
  texts[i] = ("rate-limit/endpoint/GET /users/:id/client %05d"):format(i)
  names[i].ptr, names[i].len = texts[i], #texts[i]
end

for _ = 1, 3 do
  local started = os.clock()
  for i = 1, rounds do core.store_take(store, names[i % keys], 1000, 1000, 1000000000LL, i * 100LL) end
  io.write(("%.1f ns per store_take, %d keys of %d bytes\n"):format(
    (os.clock() - started) / rounds * 1e9, keys, #texts[0]))
end
core.store_free(store)
