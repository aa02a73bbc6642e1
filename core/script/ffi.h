/* ffi - what Lua files of ours call through LuaJIT's FFI, which compiled code need not be left for.
 *
 * Lua hands over userdata as they are; what is not of the kind that is named is told by a result, for nothing
 * may raise here. The same declarations stand in the Lua file.
 */
#ifndef SCRIPT_FFI_H
#define SCRIPT_FFI_H

#include <stddef.h>

/* lua/cuttle/bucket.lua. Takes a token from the bucket of all, of an exchange's client, or of a key: 0, or
 * the seconds until one is there; -1: not for these arguments. */
double bucket_take_own(void *bucket);
double bucket_take_exchange(void *bucket, void *exchange);
double bucket_take_key(void *bucket, const char *key, size_t len);

#endif
