/* state - what one worker's scripts are made of; seen by the files of this folder only. */
#ifndef SCRIPT_STATE_H
#define SCRIPT_STATE_H

#include "base/arena.h"
#include "base/list.h"
#include "gateway/exchange.h"
#include "script/box.h"
#include "script/chain.h"
#include <lauxlib.h>
#include <lua.h>

struct run;

struct script {
    struct hooks hooks; /* first: what the gateway holds */
    lua_State *L;
    struct worker *worker; /* NULL: checking only */
    const struct config *config;
    struct log *log;
    struct beat *beat;     /* what the watchdog sees; NULL: nobody watches */
    uint64_t draws;        /* from runtime.random, without a worker */
    int64_t loading_steps; /* so many plugins were loaded or built */

    struct chains chains;
    struct run *running;    /* whose coroutine is executing; NULL: none */
    const char *last_where; /* what beat->where holds */
    struct list free_runs;  /* coroutines that wait for work */
    struct list free_lives; /* box.h */

    int meta_refs[BOX_KINDS];
    const void *array_meta; /* marks tables that are JSON arrays */
    int array_meta_ref;

    int64_t *signed_slot; /* storage of the cdata that carry integers beyond 2^53 (lua/cuttle/int64.lua) */
    uint64_t *unsigned_slot;
    int push_signed, push_unsigned, int64_text;

    struct arena scratch;     /* for what ends with one call of an API function */
    struct task collect_task; /* steps the collector, if there may be something to collect */
    unsigned since_collect;   /* runs since it was asked */
    int used_least;           /* KB of Lua's memory since the last step */
};

/* Whose state, or coroutine of it, that is: a coroutine has the exdata of the one that made it. */
struct script *script_of(lua_State *L);

/* An empty scratch arena; what an earlier call left behind (it may have raised) is gone. */
struct arena *script_scratch(struct script *s);

int64_t script_now(const struct script *s);
int64_t script_wall(const struct script *s);

/* Pushes the bytes as a string. */
void push_str(lua_State *L, struct str s);
/* The bytes of a string argument, borrowed from the stack. */
struct str check_str(lua_State *L, int index);

#endif
