/* kit - what specs need of the core: a world (an env with its clock), byte streams, timers, gateways, HTTP
 * readers.
 *
 * `require("kit.core")` inside `cuttle test`; lua/kit builds its friendly objects on it. A world is simulated
 * (virtual time, everything in this process) or real (loopback sockets). Lua functions given as callbacks run
 * inside world:run and world:advance; an error in one ends that call and is raised there.
 */
#ifndef SCRIPT_KIT_H
#define SCRIPT_KIT_H

#include "base/arena.h"
#include "net/env.h"
#include <lauxlib.h>

int luaopen_kit_core(lua_State *L);

struct beat;

struct world {
    struct env *env; /* NULL: closed */
    bool real;
    lua_State *L;      /* of the call that runs turns now */
    int failure;       /* registry reference of an error raised by a callback, or LUA_NOREF */
    struct list socks; /* kit_sock */
    struct list listeners;
    struct list timers;
    struct list gateways;
};

/* Raises if the world is closed. */
struct world *kit_check_world(lua_State *L, int index);
/* Calls the function below nargs arguments; what it raises is kept for world:run. */
void kit_call(struct world *w, int nargs);

/* Registers the metatable of a type, whose methods it holds. */
void kit_open_type(lua_State *L, const char *name, const luaL_Reg *methods);
void kit_open_sock(lua_State *L);    /* registers the types of kit_sock.c */
void kit_open_gateway(lua_State *L); /* of kit_gateway.c */
void kit_open_watch(lua_State *L);   /* of kit_watch.c */
void kit_close_socks(struct world *w);
void kit_close_gateways(struct world *w);

int kit_world_listen(lua_State *L);  /* world:listen(ip, port, on_accept) -> listener */
int kit_world_connect(lua_State *L); /* world:connect(ip, port, on_event[, from]) -> sock */
int kit_world_gateway(lua_State *L); /* world:gateway{...} -> gateway | nil, message */
/* Whole messages out of bytes: kit_http.c says what they return. */
int kit_read_request(lua_State *L);
int kit_read_response(lua_State *L);
int kit_watch(lua_State *L); /* watch(seconds) -> watch: kit_watch.c */
/* In whose plugin the run is, is told when it is cut: of the gateway that was started last. */
void kit_watch_beat(lua_State *L, const struct beat *beat);
void kit_watch_forget(lua_State *L, const struct beat *beat); /* before it goes */

#endif
