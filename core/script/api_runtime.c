/* Time, chance and the log, as runtime passes them on. */
#include "net/env.h"
#include "script/api.h"
#include "script/run.h"
#include "script/state.h"

/* now() -> monotonic seconds; it stands still within a turn */
static int runtime_now(lua_State *L)
{
    lua_pushnumber(L, (double)script_now(script_of(L)) / 1e9);
    return 1;
}

/* wall() -> Unix time in seconds */
static int runtime_wall(lua_State *L)
{
    lua_pushnumber(L, (double)script_wall(script_of(L)) / 1e9);
    return 1;
}

/* random() -> [0, 1) */
static int runtime_random(lua_State *L)
{
    struct script *s = script_of(L);
    uint64_t bits;

    if (s->worker != NULL)
        bits = env_random(s->worker->env);
    else /* while settings are checked: the same each time, but not one number for ever */
        bits = s->draws += UINT64_C(0x9e3779b97f4a7c15);

    lua_pushnumber(L, (double)(bits >> 11) / 9007199254740992.0); /* 2^53 */
    return 1;
}

/* running() -> the plugin's own coroutine that is running; nil in a phase itself, for if somebody resumed
 * that one the run would not know */
static int runtime_running(lua_State *L)
{
    const struct run *run = script_of(L)->running;

    if (lua_pushthread(L) == 1 || (run != NULL && run->L == L))
        lua_pushnil(L);
    return 1;
}

static void cancel_sleep(struct run *run)
{
    timer_stop(run->script->worker->env, &run->timer);
}

/* sleep(seconds): waits */
static int runtime_sleep(lua_State *L)
{
    struct script *s = script_of(L);
    struct run *run = check_can_wait(s, L, "runtime.sleep");
    double seconds = luaL_checknumber(L, 1);

    luaL_argcheck(L, seconds >= 0 && seconds <= 1e9, 1, "not a time to wait");
    timer_start(s->worker->env, &run->timer, (int64_t)(seconds * 1e9));
    return run_wait(run, cancel_sleep);
}

static enum log_level check_level(lua_State *L, int index)
{
    static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR};
    lua_Integer level = luaL_checkinteger(L, index);

    luaL_argcheck(L, level >= 0 && level < (lua_Integer)ARRAY_LEN(levels), index, "not a level");
    return levels[level];
}

/* What is to be said while plugins are loaded was said by the check that came before: not once more by each
 * worker. */
static bool is_quiet(const struct script *s)
{
    return s->worker != NULL && s->running == NULL;
}

/* log(level, text): level 0 debug, 1 info, 2 warning, 3 error */
static int runtime_log(lua_State *L)
{
    enum log_level level = check_level(L, 1);
    struct str text = check_str(L, 2);

    if (!is_quiet(script_of(L)))
        log_write(script_of(L)->log, level, "%.*s", STR_ARG(text));
    return 0;
}

/* log_wants(level) -> boolean */
static int runtime_log_wants(lua_State *L)
{
    struct script *s = script_of(L);

    lua_pushboolean(L, log_wants(s->log, check_level(L, 1)) && !is_quiet(s));
    return 1;
}

static const luaL_Reg functions[] = {
    {"now", runtime_now},
    {"wall", runtime_wall},
    {"random", runtime_random},
    {"running", runtime_running},
    {"sleep", runtime_sleep},
    {"log", runtime_log},
    {"log_wants", runtime_log_wants},
    {NULL, NULL},
};

void api_runtime_open(struct script *s)
{
    luaL_setfuncs(s->L, functions, 0);
}
