#include "script/vm.h"

#include <lauxlib.h>

#ifdef __SANITIZE_ADDRESS__

#include <stdlib.h>

static void *allocate(void *self, void *ptr, size_t old_size, size_t size)
{
    (void)self;
    (void)old_size;
    if (size != 0)
        return realloc(ptr, size);
    free(ptr);
    return NULL;
}

lua_State *vm_new(void)
{
    return lua_newstate(allocate, NULL);
}

#else

lua_State *vm_new(void)
{
    return luaL_newstate();
}

#endif
