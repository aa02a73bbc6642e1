#include "script/test_main.h"
#include "script/kit.h"
#include "script/vm.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

/* The specs' own VM is not a plugin's: it has all of Lua, and LuaJIT's FFI for specs of the core. */

static void set_search_path(lua_State *L, const char *home)
{
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "path");
    lua_pushfstring(L,
                    "./?.lua;./?/init.lua;%s/lua/?.lua;%s/lua/?/init.lua;%s;/usr/share/lua/5.1/?.lua;"
                    "/usr/share/lua/5.1/?/init.lua",
                    home, home, lua_tostring(L, -1));
    lua_setfield(L, -3, "path");
    lua_pop(L, 1);
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, luaopen_kit_core);
    lua_setfield(L, -2, "kit.core");
    lua_pop(L, 2);
}

/* busted reads the global `arg`. */
static void set_arguments(lua_State *L, int argc, char **argv)
{
    lua_createtable(L, argc, 1);
    lua_pushliteral(L, "cuttle test");
    lua_rawseti(L, -2, 0);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setglobal(L, "arg");
}

static int traceback(lua_State *L)
{
    luaL_traceback(L, L, lua_tostring(L, 1), 1);
    return 1;
}

int script_test_main(const char *home, int argc, char **argv)
{
    lua_State *L = vm_new();
    int code = 1;

    if (L == NULL) {
        fputs("cuttle test: cannot create a Lua state\n", stderr);
        return code;
    }
    luaL_openlibs(L);
    set_search_path(L, home);
    set_arguments(L, argc, argv);
    lua_pushcfunction(L, traceback);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "kit.runner");
    if (lua_pcall(L, 1, 1, -3) != 0) {
        fprintf(stderr, "cuttle test: %s\n", lua_tostring(L, -1));
    } else {
        lua_pushcfunction(L, traceback);
        lua_pushvalue(L, -2);
        if (lua_pcall(L, 0, 1, -2) != 0)
            fprintf(stderr, "cuttle test: %s\n", lua_tostring(L, -1));
        else
            code = (int)lua_tointeger(L, -1);
    }
    lua_close(L);
    return code;
}
