/* vm - a new Lua state, for plugins or for specs.
 *
 * Returns: NULL where there is no memory for one; the caller closes it (lua_close).
 * Release: LuaJIT's own allocator. Sanitizers: the C library's, since what C writes beyond the end of
 *          Lua's memory, or behind a collector that has freed it, is not seen in LuaJIT's own.
 */
#ifndef SCRIPT_VM_H
#define SCRIPT_VM_H

#include <lua.h>

lua_State *vm_new(void);

#endif
