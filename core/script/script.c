#include "script/script.h"

#include "base/mem.h"
#include "gateway/worker.h"
#include "script/api.h"
#include "script/home.h"
#include "script/run.h"
#include "script/state.h"
#include "script/value.h"
#include "script/vm.h"
#include <lualib.h>
#include <string.h>

enum { COLLECT_STEP = 64 }; /* how much of its work the collector does at a time, in KB */

/* --- shared by the files of this folder ----------------------------------------------------------- */

struct script *script_of(lua_State *L)
{
    return lua_getexdata(L);
}

struct arena *script_scratch(struct script *s)
{
    if (s->scratch.blocks != NULL) {
        arena_fini(&s->scratch);
        arena_init(&s->scratch, s->worker != NULL ? &s->worker->blocks : NULL);
    }
    return &s->scratch;
}

int64_t script_now(const struct script *s)
{
    return s->worker != NULL ? s->worker->env->now : 0;
}

int64_t script_wall(const struct script *s)
{
    return s->worker != NULL ? s->worker->env->wall : 0;
}

void push_str(lua_State *L, struct str s)
{
    lua_pushlstring(L, s.ptr != NULL ? s.ptr : "", s.len);
}

struct str check_str(lua_State *L, int index)
{
    struct str s;

    s.ptr = luaL_checklstring(L, index, &s.len);
    return s;
}

/* --- hooks -------------------------------------------------------------------------------------- */

static enum hook_result script_run(struct hooks *h, enum phase phase, bool service, struct exchange *x,
                                   struct call *c)
{
    struct script *s = container_of(h, struct script, hooks);
    const struct place *place;

    if (c != NULL)
        place = &s->chains.backends[c->backend->id];
    else if (service)
        place = &s->chains.service;
    else
        place = &s->chains.endpoints[x->endpoint->id];
    return run_start(s, phase, place, x, c);
}

static void script_drop(struct hooks *h, struct exchange *x, struct call *c)
{
    struct life *life = c != NULL ? c->script : x->script;

    (void)h;
    if (life != NULL)
        runs_cancel(life);
}

static void forget(struct script *s, void **slot)
{
    struct life *life = *slot;

    if (life == NULL)
        return;
    runs_cancel(life);
    life_end(s, life);
    *slot = NULL;
}

static void script_forget_exchange(struct hooks *h, struct exchange *x)
{
    forget(container_of(h, struct script, hooks), &x->script);
}

static void script_forget_call(struct hooks *h, struct call *c)
{
    forget(container_of(h, struct script, hooks), &c->script);
}

static void script_free(struct script *s)
{
    if (s == NULL)
        return;
    if (s->worker != NULL)
        task_cancel(&s->collect_task);
    runs_free(s);
    lives_free(s);
    if (s->L != NULL)
        lua_close(s->L);
    chains_fini(&s->chains);
    arena_fini(&s->scratch);
    mem_free(s);
}

static void free_hooks(struct hooks *h)
{
    script_free(container_of(h, struct script, hooks));
}

static const struct hooks_ops ops = {
    .run = script_run,
    .drop = script_drop,
    .forget_exchange = script_forget_exchange,
    .forget_call = script_forget_call,
    .free = free_hooks,
};

/* --- start -------------------------------------------------------------------------------------- */

/* Plugins that leave no garbage do not pay for looking for it. */
static void on_collect(struct task *t)
{
    struct script *s = container_of(t, struct script, collect_task);
    int used = lua_gc(s->L, LUA_GCCOUNT, 0);

    if (used >= s->used_least + COLLECT_STEP) {
        lua_gc(s->L, LUA_GCSTEP, COLLECT_STEP);
        s->used_least = lua_gc(s->L, LUA_GCCOUNT, 0);
    } else if (used < s->used_least) {
        s->used_least = used;
    }
}

static int add_traceback(lua_State *L)
{
    luaL_traceback(L, L, lua_isstring(L, 1) ? lua_tostring(L, 1) : "an error without a text", 1);
    return 1;
}

static void use_our_files(lua_State *L, const char *home)
{
    lua_getglobal(L, "package");
    lua_pushfstring(L, "%s/lua/?.lua;%s/lua/?/init.lua", home, home);
    lua_setfield(L, -2, "path");
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "cpath");
    lua_pop(L, 1);
}

/* Runs require(module) and leaves what it returns. */
static void require_module(lua_State *L, const char *module)
{
    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    lua_call(L, 1, 1);
}

/* Protected: opens the libraries, then runs boot(host, home). Returns what boot returns: true, or nil and
 * why. */
static int boot(lua_State *L)
{
    struct script *s = lua_touserdata(L, 1);
    const char *home = lua_touserdata(L, 2);

    luaL_openlibs(L);
    use_our_files(L, home);
    require_module(L, "cuttle.int64");
    value_use_int64(s, L);
    require_module(L, "cuttle.boot");
    api_open(s);
    lua_pushstring(L, home);
    lua_call(L, 2, 2);
    return 2;
}

static bool script_boot(struct script *s, struct error *err)
{
    lua_State *L = s->L;
    char home[HOME_MAX];

    if (!home_find(home, err))
        return false;
    lua_pushcfunction(L, add_traceback);
    lua_pushcfunction(L, boot);
    lua_pushlightuserdata(L, s);
    lua_pushlightuserdata(L, home);
    if (lua_pcall(L, 2, 2, 1) != 0)
        return error_set(err, "%s", lua_tostring(L, -1));
    if (!lua_toboolean(L, -2))
        return error_set(err, "%s", lua_tostring(L, -1));
    lua_settop(L, 0);
    lua_gc(L, LUA_GCCOLLECT, 0);
    return true;
}

static struct script *script_new(const struct config *c, struct worker *w, struct log *log, struct beat *beat,
                                 struct error *err)
{
    struct script *s = mem_zalloc(sizeof(*s));

    s->hooks.ops = &ops;
    s->config = c;
    s->worker = w;
    s->log = log;
    s->beat = beat;
    list_init(&s->free_runs);
    list_init(&s->free_lives);
    arena_init(&s->scratch, w != NULL ? &w->blocks : NULL);
    chains_init(&s->chains, c);
    task_init(&s->collect_task, on_collect);
    s->L = vm_new();
    if (s->L == NULL) {
        error_set(err, "cannot create a Lua state");
        script_free(s);
        return NULL;
    }
    lua_setexdata(s->L, s);
    if (script_boot(s, err)) {
        chains_publish(&s->chains, &s->hooks);
        return s;
    }
    script_free(s);
    return NULL;
}

struct hooks *script_hooks_new(struct worker *w, struct error *err)
{
    struct script *s = script_new(w->config, w, w->log, w->beat, err);

    return s != NULL ? &s->hooks : NULL;
}

bool script_check(const struct config *c, struct log *log, struct beat *beat, struct error *err)
{
    struct script *s = script_new(c, NULL, log, beat, err);

    script_free(s);
    return s != NULL;
}
