#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/sim/sim.h"
#include "script/kit.h"

#define WORLD "cuttle.kit.world"
#define TIMER "cuttle.kit.timer"

struct kit_timer {
    struct timer timer;
    struct list link;
    struct world *world; /* NULL: it ran, or was cancelled */
    int fn;
    int self; /* keeps the userdata alive while it runs */
};

struct world *kit_check_world(lua_State *L, int index)
{
    struct world *w = luaL_checkudata(L, index, WORLD);

    luaL_argcheck(L, w->env != NULL, index, "the world is closed");
    return w;
}

void kit_call(struct world *w, int nargs)
{
    lua_State *L = w->L;

    if (lua_pcall(L, nargs, 0, 0) == 0)
        return;
    if (w->failure == LUA_NOREF)
        w->failure = luaL_ref(L, LUA_REGISTRYINDEX);
    else
        lua_pop(L, 1);
}

/* --- running ------------------------------------------------------------------------------------ */

static int64_t check_span(lua_State *L, int index)
{
    lua_Number seconds = luaL_checknumber(L, index);

    luaL_argcheck(L, seconds >= 0 && seconds < 1e9, index, "seconds expected");
    return (int64_t)(seconds * (double)SECOND + 0.5);
}

struct until {
    struct world *world;
    int fn; /* stack index of the condition, 0: none */
    bool met;
    int64_t deadline; /* of a real world */
};

static bool is_met(void *owner)
{
    struct until *u = owner;
    lua_State *L = u->world->L;

    if (u->met || u->world->failure != LUA_NOREF)
        return true;
    if (u->fn == 0)
        return false;
    lua_pushvalue(L, u->fn);
    if (lua_pcall(L, 0, 1, 0) != 0) {
        u->world->failure = luaL_ref(L, LUA_REGISTRYINDEX);
        return true;
    }
    u->met = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return u->met;
}

static void on_turn(void *owner)
{
    struct until *u = owner;

    if (is_met(u) || u->world->env->now >= u->deadline)
        loop_stop(u->world->env);
}

static void on_deadline(struct timer *t)
{
    (void)t; /* it only wakes the loop; on_turn looks at the time */
}

static void run_real(struct until *u, int64_t limit)
{
    struct env *env = u->world->env;
    struct timer wake;

    u->deadline = env->now + limit;
    timer_init(&wake, on_deadline);
    timer_start(env, &wake, limit);
    if (!is_met(u))
        loop_run(env, on_turn, u);
    timer_fini(env, &wake);
}

static void raise_failure(lua_State *L, struct world *w)
{
    if (w->failure == LUA_NOREF)
        return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, w->failure);
    luaL_unref(L, LUA_REGISTRYINDEX, w->failure);
    w->failure = LUA_NOREF;
    lua_error(L);
}

static bool run(lua_State *L, struct world *w, int64_t limit, int fn)
{
    struct until until = {.world = w, .fn = fn};
    lua_State *before = w->L;

    w->L = L;
    if (w->real)
        run_real(&until, limit);
    else if (fn == 0)
        sim_advance(w->env, limit);
    else
        sim_run(w->env, is_met, &until, limit);
    w->L = before;
    raise_failure(L, w);
    return until.met;
}

/* world:run(seconds, condition) -> boolean: runs until condition() is true; false when it did not become so
 */
static int world_run(lua_State *L)
{
    struct world *w = kit_check_world(L, 1);
    int64_t limit = check_span(L, 2);

    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_pushboolean(L, run(L, w, limit, 3));
    return 1;
}

/* world:advance(seconds): everything that happens meanwhile */
static int world_advance(lua_State *L)
{
    run(L, kit_check_world(L, 1), check_span(L, 2), 0);
    return 0;
}

/* world:now() -> monotonic seconds */
static int world_now(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)kit_check_world(L, 1)->env->now / (lua_Number)SECOND);
    return 1;
}

/* world:trace() -> text: a running hash of all that was delivered; equal for equal runs */
static int world_trace(lua_State *L)
{
    struct world *w = kit_check_world(L, 1);

    luaL_argcheck(L, !w->real, 1, "only of a simulated world");
    lua_pushfstring(L, "%p", (void *)(uintptr_t)sim_trace(w->env));
    return 1;
}

/* --- timers --------------------------------------------------------------------------------------- */

static void forget_timer(struct kit_timer *t, lua_State *L)
{
    list_remove(&t->link);
    timer_fini(t->world->env, &t->timer);
    luaL_unref(L, LUA_REGISTRYINDEX, t->fn);
    luaL_unref(L, LUA_REGISTRYINDEX, t->self);
    t->world = NULL;
}

static void on_timer(struct timer *timer)
{
    struct kit_timer *t = container_of(timer, struct kit_timer, timer);
    struct world *w = t->world;

    lua_rawgeti(w->L, LUA_REGISTRYINDEX, t->fn);
    forget_timer(t, w->L);
    kit_call(w, 0);
}

/* world:after(seconds, fn) -> timer */
static int world_after(lua_State *L)
{
    struct world *w = kit_check_world(L, 1);
    int64_t delay = check_span(L, 2);
    struct kit_timer *t;

    luaL_checktype(L, 3, LUA_TFUNCTION);
    t = lua_newuserdata(L, sizeof(*t));
    t->world = w;
    timer_init(&t->timer, on_timer);
    luaL_getmetatable(L, TIMER);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, 3);
    t->fn = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, -1);
    t->self = luaL_ref(L, LUA_REGISTRYINDEX);
    list_push_back(&w->timers, &t->link);
    timer_start(w->env, &t->timer, delay);
    return 1;
}

/* timer:cancel() */
static int timer_cancel(lua_State *L)
{
    struct kit_timer *t = luaL_checkudata(L, 1, TIMER);

    if (t->world)
        forget_timer(t, L);
    return 0;
}

/* --- names and faults of a simulated world ----------------------------------------------------------- */

static struct str check_str(lua_State *L, int index)
{
    struct str s;

    s.ptr = luaL_checklstring(L, index, &s.len);
    return s;
}

static struct world *check_sim(lua_State *L)
{
    struct world *w = kit_check_world(L, 1);

    luaL_argcheck(L, !w->real, 1, "only in a simulated world");
    return w;
}

/* world:name(name, {ip, ...}[, seconds]): what the name resolves to, after a while */
static int world_name(lua_State *L)
{
    struct world *w = check_sim(L);
    struct str name = check_str(L, 2);
    struct addr addrs[RESOLVE_MAX];
    size_t count = 0;

    luaL_checktype(L, 3, LUA_TTABLE);
    for (int i = 1; i <= (int)lua_objlen(L, 3) && count < RESOLVE_MAX; i++) {
        lua_rawgeti(L, 3, i);
        if (!addr_parse(&addrs[count++], check_str(L, -1), 0))
            return luaL_error(L, "not an address: %s", lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    sim_name(w->env, name, addrs, count, lua_isnoneornil(L, 4) ? 0 : check_span(L, 4));
    return 0;
}

static int64_t span_field(lua_State *L, int index, const char *name)
{
    double seconds;

    lua_getfield(L, index, name);
    seconds = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return (int64_t)(seconds * (double)SECOND);
}

static size_t size_field(lua_State *L, int index, const char *name)
{
    size_t size;

    lua_getfield(L, index, name);
    size = (size_t)lua_tonumber(L, -1);
    lua_pop(L, 1);
    return size;
}

static bool flag_field(lua_State *L, int index, const char *name)
{
    bool flag;

    lua_getfield(L, index, name);
    flag = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return flag;
}

/* The fault described by the table at index; nil is none. */
static struct sim_fault to_fault(lua_State *L, int index)
{
    struct sim_fault fault = {0};

    if (lua_isnoneornil(L, index))
        return fault;
    luaL_checktype(L, index, LUA_TTABLE);
    fault.delay = span_field(L, index, "delay");
    fault.connect_delay = span_field(L, index, "connect_delay");
    fault.split = size_field(L, index, "split");
    fault.stall_at = size_field(L, index, "stall_at");
    fault.reset_at = size_field(L, index, "reset_at");
    fault.window = size_field(L, index, "window");
    fault.refuse = flag_field(L, index, "refuse");
    fault.hang = flag_field(L, index, "hang");
    return fault;
}

/* world:fault(ip, port, up, down): for connections made to that address from now on; up and down are tables
 * of delay, connect_delay (seconds), split, stall_at, reset_at, window (bytes), refuse, hang (booleans), or
 * nil */
static int world_fault(lua_State *L)
{
    struct world *w = check_sim(L);
    struct sim_fault up = to_fault(L, 4), down = to_fault(L, 5);
    struct addr at;

    if (!addr_parse(&at, check_str(L, 2), (uint16_t)luaL_checkint(L, 3)))
        return luaL_argerror(L, 2, "an address expected");
    sim_fault_addr(w->env, &at, &up, &down);
    return 0;
}

/* --- life ------------------------------------------------------------------------------------------- */

static void close_world(lua_State *L, struct world *w)
{
    if (!w->env)
        return;
    w->L = L;
    kit_close_gateways(w);
    kit_close_socks(w);
    list_each (&w->timers, link, after)
        forget_timer(container_of(link, struct kit_timer, link), L);
    if (w->real)
        loop_free(w->env);
    else
        sim_free(w->env);
    w->env = NULL;
}

/* world:close(): everything in it ends */
static int world_close(lua_State *L)
{
    close_world(L, luaL_checkudata(L, 1, WORLD));
    return 0;
}

/* world{seed = n} or world{real = true} -> world */
static int new_world(lua_State *L)
{
    struct world *w;
    struct error err;
    bool real;
    size_t seed;

    luaL_checktype(L, 1, LUA_TTABLE);
    real = flag_field(L, 1, "real");
    seed = size_field(L, 1, "seed");
    w = lua_newuserdata(L, sizeof(*w));
    *w = (struct world){.real = real, .failure = LUA_NOREF};
    list_init(&w->socks);
    list_init(&w->listeners);
    list_init(&w->timers);
    list_init(&w->gateways);
    luaL_getmetatable(L, WORLD);
    lua_setmetatable(L, -2);
    w->env = real ? loop_new(&(struct loop_options){0}, &err) : sim_new(seed);
    if (!w->env)
        return luaL_error(L, "%s", err.text);
    return 1;
}

static const luaL_Reg world_methods[] = {
    {"run", world_run},
    {"advance", world_advance},
    {"now", world_now},
    {"trace", world_trace},
    {"after", world_after},
    {"name", world_name},
    {"fault", world_fault},
    {"listen", kit_world_listen},
    {"connect", kit_world_connect},
    {"gateway", kit_world_gateway},
    {"close", world_close},
    {"__gc", world_close},
    {NULL, NULL},
};

static const luaL_Reg timer_methods[] = {
    {"cancel", timer_cancel},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"world", new_world},
    {"read_request", kit_read_request},
    {"read_response", kit_read_response},
    {"watch", kit_watch},
    {NULL, NULL},
};

void kit_open_type(lua_State *L, const char *name, const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    luaL_register(L, NULL, methods);
    lua_pop(L, 1);
}

int luaopen_kit_core(lua_State *L)
{
    kit_open_type(L, WORLD, world_methods);
    kit_open_type(L, TIMER, timer_methods);
    kit_open_sock(L);
    kit_open_gateway(L);
    kit_open_watch(L);
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
