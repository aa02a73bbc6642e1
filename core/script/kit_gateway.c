#include "base/mem.h"
#include "gateway/worker.h"
#include "net/sim/sim.h"
#include "script/kit.h"
#include "script/script.h"
#include <stdatomic.h>
#include <string.h>

#define GATEWAY "cuttle.kit.gateway"

enum { STORE_ENTRIES = 4096 };

/* One gateway in a simulated world: what the master and a worker hold between them. */
struct kit_gateway {
    struct list link;
    struct world *world; /* NULL: stopped */
    struct config *config;
    struct router *router;
    struct store *store;
    struct log log;
    struct beat beat;
    struct worker *worker;
    struct listener *listener;
    int lines; /* reference of the table of log lines */
    int self;  /* keeps the userdata alive while it runs */
    bool drained;
};

static void on_line(void *owner, enum log_level level, bool access, struct str line)
{
    struct kit_gateway *g = owner;
    lua_State *L = g->world->L;

    (void)level;
    (void)access;
    lua_rawgeti(L, LUA_REGISTRYINDEX, g->lines);
    lua_pushlstring(L, line.ptr, line.len);
    lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
    lua_pop(L, 1);
}

static int64_t log_clock(void *owner)
{
    return ((struct kit_gateway *)owner)->world->env->wall;
}

static void open_log(struct kit_gateway *g)
{
    struct log_options options = {.level = LOG_DEBUG, .form = LOG_BASIC, .prefix = "", .custom_format = ""};

    if (g->config) {
        options = g->config->log;
        options.to_stdout = options.to_syslog = false;
    }
    log_init(&g->log);
    log_configure(&g->log, &options);
    g->log.sink = on_line;
    g->log.sink_owner = g;
    g->log.wall = log_clock;
    g->log.wall_owner = g;
}

static void stop(struct kit_gateway *g)
{
    kit_watch_forget(g->world->L, &g->beat);
    if (g->listener)
        listener_close(g->listener);
    if (g->worker)
        worker_free(g->worker);
    log_fini(&g->log);
    store_free(g->store);
    router_free(g->router);
    config_free(g->config);
    list_remove(&g->link);
    luaL_unref(g->world->L, LUA_REGISTRYINDEX, g->self);
    g->world = NULL;
}

static void log_warnings(struct kit_gateway *g)
{
    for (size_t i = 0; i < g->config->warning_count; i++) {
        const struct config_warning *w = &g->config->warnings[i];

        log_write(&g->log, w->level, "%.*s", STR_ARG(w->text));
    }
}

/* The steps of a start, in the master's order; the first that fails says why. */
static bool start(struct kit_gateway *g, struct addr *at, struct error *err)
{
    struct worker_parts parts;
    struct hooks *hooks;

    atomic_store(&g->beat.plugin, -1);
    kit_watch_beat(g->world->L, &g->beat);
    open_log(g);
    log_warnings(g);
    g->router = router_new(g->config, err);
    if (!g->router)
        return false;
    if (!script_check(g->config, &g->log, &g->beat, err))
        return false;
    g->store = store_new(STORE_ENTRIES, err);
    if (!g->store)
        return false;
    parts = (struct worker_parts){
        .env = g->world->env,
        .config = g->config,
        .router = g->router,
        .log = &g->log,
        .store = g->store,
        .beat = &g->beat,
    };
    g->worker = worker_new(&parts);
    hooks = script_hooks_new(g->worker, err);
    if (!hooks)
        return false;
    worker_set_hooks(g->worker, hooks);
    g->listener = sim_listen(g->world->env, at, NULL, NULL, err);
    if (!g->listener)
        return false;
    worker_listen(g->worker, g->listener);
    return true;
}

static const char *string_field(lua_State *L, int index, const char *name, const char *otherwise)
{
    const char *text;

    lua_getfield(L, index, name);
    text = lua_isnil(L, -1) ? otherwise : luaL_checkstring(L, -1);
    lua_pop(L, 1); /* the table keeps it alive */
    return text;
}

/* A NULL-terminated environ of the "NAME=value" strings in the table's list `environ`; NULL without one. */
static char **to_environ(lua_State *L, int index)
{
    char **environ;
    size_t count;

    lua_getfield(L, index, "environ");
    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        return NULL;
    }
    count = lua_objlen(L, -1);
    environ = mem_zalloc((count + 1) * sizeof(*environ));
    for (size_t i = 0; i < count; i++) {
        size_t len;
        const char *item;

        lua_rawgeti(L, -1, (int)i + 1);
        item = lua_tolstring(L, -1, &len);
        environ[i] = mem_copy(item ? item : "", item ? len : 0);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return environ;
}

static void free_environ(char **environ)
{
    for (char **item = environ; item && *item; item++)
        mem_free(*item);
    mem_free(environ);
}

static struct config *parse(lua_State *L, int index, struct error *err)
{
    struct config_overrides overrides = {0};
    struct config *config;
    struct str text;
    char **environ = to_environ(L, index);

    lua_getfield(L, index, "debug");
    overrides.debug = lua_toboolean(L, -1);
    lua_getfield(L, index, "config");
    text.ptr = luaL_checklstring(L, -1, &text.len);
    overrides.environ = environ;
    config = config_parse(text, string_field(L, index, "file", "krakend.json"), &overrides, err);
    lua_pop(L, 2);
    free_environ(environ);
    return config;
}

static struct addr address(lua_State *L, int index)
{
    struct str ip = str_of(string_field(L, index, "ip", "192.0.2.1"));
    struct addr at;
    lua_Integer port;

    lua_getfield(L, index, "port");
    port = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (!addr_parse(&at, ip, (uint16_t)port))
        luaL_error(L, "not an address: %s", ip.ptr);
    return at;
}

/* world:gateway{config = text[, file][, ip][, port][, debug][, environ = {"NAME=value", ...}]}
 * -> gateway, port | nil, why it did not start, list of log lines */
int kit_world_gateway(lua_State *L)
{
    struct world *w = kit_check_world(L, 1);
    struct error err = {""};
    struct kit_gateway *g;
    struct addr at;

    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_argcheck(L, !w->real, 1, "only in a simulated world");
    w->L = L;
    at = address(L, 2);
    g = lua_newuserdata(L, sizeof(*g));
    memset(g, 0, sizeof(*g));
    luaL_getmetatable(L, GATEWAY);
    lua_setmetatable(L, -2);
    lua_newtable(L);
    g->lines = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, -1);
    g->self = luaL_ref(L, LUA_REGISTRYINDEX);
    g->world = w;
    list_push_back(&w->gateways, &g->link);
    log_init(&g->log);
    g->config = parse(L, 2, &err);
    if (!g->config || !start(g, &at, &err)) {
        log_flush(&g->log);
        stop(g);
        lua_pushnil(L);
        lua_pushstring(L, err.text);
        lua_rawgeti(L, LUA_REGISTRYINDEX, g->lines);
        return 3;
    }
    sim_listener_addr(g->listener, &at);
    lua_pushinteger(L, addr_port(&at));
    return 2;
}

static struct kit_gateway *check_gateway(lua_State *L)
{
    return luaL_checkudata(L, 1, GATEWAY);
}

/* gateway:lines() -> list of its log lines so far, access log included */
static int gateway_lines(lua_State *L)
{
    struct kit_gateway *g = check_gateway(L);

    if (g->world) {
        g->world->L = L;
        log_flush(&g->log);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, g->lines);
    return 1;
}

static void on_drained(void *owner)
{
    ((struct kit_gateway *)owner)->drained = true;
}

/* gateway:drain(): takes no new connections, finishes what is in flight */
static int gateway_drain(lua_State *L)
{
    struct kit_gateway *g = check_gateway(L);

    if (!g->world || !g->listener)
        return 0;
    g->world->L = L;
    listener_close(g->listener);
    g->listener = NULL;
    worker_drain(g->worker, on_drained, g);
    return 0;
}

/* gateway:is_drained() -> boolean */
static int gateway_is_drained(lua_State *L)
{
    lua_pushboolean(L, check_gateway(L)->drained);
    return 1;
}

/* gateway:counts() -> exchanges in flight, downstream connections, idle upstream connections */
static int gateway_counts(lua_State *L)
{
    struct kit_gateway *g = check_gateway(L);

    luaL_argcheck(L, g->world != NULL, 1, "the gateway is stopped");
    lua_pushnumber(L, (lua_Number)g->worker->exchange_count);
    lua_pushnumber(L, (lua_Number)server_conn_count(g->worker->server));
    lua_pushnumber(L, (lua_Number)client_idle_count(g->worker->client));
    return 3;
}

/* gateway:stop(): at once */
static int gateway_stop(lua_State *L)
{
    struct kit_gateway *g = check_gateway(L);

    if (g->world) {
        g->world->L = L;
        stop(g);
    }
    return 0;
}

/* The lines outlive a stop, but not the object. */
static int gateway_gc(lua_State *L)
{
    luaL_unref(L, LUA_REGISTRYINDEX, check_gateway(L)->lines);
    return 0;
}

void kit_close_gateways(struct world *w)
{
    list_each (&w->gateways, link, after)
        stop(container_of(link, struct kit_gateway, link));
}

static const luaL_Reg methods[] = {
    {"lines", gateway_lines},
    {"drain", gateway_drain},
    {"is_drained", gateway_is_drained},
    {"counts", gateway_counts},
    {"stop", gateway_stop},
    {"__gc", gateway_gc},
    {NULL, NULL},
};

void kit_open_gateway(lua_State *L)
{
    kit_open_type(L, GATEWAY, methods);
}
