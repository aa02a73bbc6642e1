#include "script/api.h"

#include "script/state.h"

void api_type(struct script *s, enum box_kind kind, const luaL_Reg *methods, const luaL_Reg *metamethods)
{
    lua_State *L = s->L;

    lua_newtable(L);
    if (methods != NULL) {
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
    }
    if (metamethods != NULL)
        luaL_setfuncs(L, metamethods, 0);
    lua_pushboolean(L, 0); /* setmetatable and getmetatable of plugins cannot reach it */
    lua_setfield(L, -2, "__metatable");
    s->meta_refs[kind] = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Marks arrays; opaque to plugins. */
static void open_array_mark(struct script *s)
{
    lua_newtable(s->L);
    lua_pushboolean(s->L, 0);
    lua_setfield(s->L, -2, "__metatable");
    s->array_meta = lua_topointer(s->L, -1);
    s->array_meta_ref = luaL_ref(s->L, LUA_REGISTRYINDEX);
}

void api_open(struct script *s)
{
    open_array_mark(s);
    api_exchange_open(s);
    api_call_open(s);
    api_response_open(s);
    api_doc_open(s);
    lua_newtable(s->L);
    api_host_open(s);
    api_json_open(s);
    api_runtime_open(s);
    api_store_open(s);
    api_http_open(s);
}
