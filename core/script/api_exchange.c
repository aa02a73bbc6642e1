#include "script/api_exchange.h"
#include "base/arena.h"
#include "gateway/config_pattern.h"
#include "http/server.h"
#include "script/run.h"
#include "script/state.h"

enum {
    IN_ANSWER = 1 << PHASE_MERGED | 1 << PHASE_RESPONSE | 1 << PHASE_LOG,
};

struct exchange *check_exchange(lua_State *L)
{
    return check_life(L, 1, BOX_EXCHANGE)->x;
}

struct exchange *check_edit(lua_State *L, const char *function)
{
    struct exchange *x = check_exchange(L);

    check_own_phase(script_of(L), L, function, IN_EDIT, x, NULL);
    return x;
}

bool sees_filtered(lua_State *L, const struct exchange *x)
{
    const struct run *run = script_of(L)->running;

    return run != NULL && run->phase == PHASE_PROXY && run->x == x;
}

static struct fields *request_fields(lua_State *L, struct exchange *x)
{
    return sees_filtered(L, x) ? &x->call_fields : &x->fields;
}

/* exchange:field(name) -> string | nil */
static int exchange_field(lua_State *L)
{
    return fields_lua_field(L, request_fields(L, check_exchange(L)));
}

/* exchange:field_lines(name) -> list */
static int exchange_field_lines(lua_State *L)
{
    return fields_lua_lines(L, request_fields(L, check_exchange(L)));
}

/* exchange:field_names() -> list, canonical, each once */
static int exchange_field_names(lua_State *L)
{
    return fields_lua_names(L, request_fields(L, check_exchange(L)));
}

/* The fields that a plugin may edit here. The client's Host reaches no backend, so another one would not. */
static struct fields *check_fields(lua_State *L, const char *function)
{
    struct exchange *x = check_edit(L, function);

    if (!sees_filtered(L, x) && !lua_isnoneornil(L, 3) && field_id(check_str(L, 2)) == FIELD_HOST)
        luaL_error(L, "%s: Host is the client's here: set it in the proxy or call phase", function);
    return request_fields(L, x);
}

/* Before the router more follows from the fields than what backends get. */
static void fields_changed(lua_State *L)
{
    if (run_is_before_router(script_of(L)->running))
        exchange_rewrote_fields(check_exchange(L));
}

/* exchange:set_field(name, value | nil) */
static int exchange_set_field(lua_State *L)
{
    fields_lua_set(L, check_fields(L, "exchange:set_field"));
    fields_changed(L);
    return 0;
}

/* exchange:add_field(name, value) */
static int exchange_add_field(lua_State *L)
{
    fields_lua_add(L, check_fields(L, "exchange:add_field"));
    fields_changed(L);
    return 0;
}

/* One that was set: those of the path stand before it, and go by their exact names alone. */
static const struct param *find_set_param(const struct exchange *x, struct str name)
{
    const struct param *param = exchange_param_by_key(x, pattern_param_key(x->arena, name));
    size_t of_path = x->route != NULL ? x->route->param_count : 0;

    return param != NULL && (size_t)(param - x->params) >= of_path ? param : NULL;
}

/* exchange:param(name) -> string | nil */
static int exchange_lua_param(lua_State *L)
{
    struct exchange *x = check_exchange(L);
    struct str name = check_str(L, 2);
    const struct param *param = exchange_param(x, name);

    if (param == NULL)
        param = find_set_param(x, name);
    if (param == NULL)
        lua_pushnil(L);
    else
        push_str(L, param->value);
    return 1;
}

/* exchange:set_param(name, value) */
static int exchange_lua_set_param(lua_State *L)
{
    struct exchange *x = check_edit(L, "exchange:set_param");
    struct str name = check_str(L, 2);
    const struct param *param = exchange_param(x, name);

    exchange_set_param(x, param != NULL ? param->key : pattern_param_key(x->arena, name), check_str(L, 3));
    return 0;
}

/* exchange:client_ip() -> string, "" when it is unknown */
static int exchange_client_ip(lua_State *L)
{
    push_str(L, check_exchange(L)->client_ip);
    return 1;
}

/* exchange:host() -> string */
static int exchange_host(lua_State *L)
{
    push_str(L, check_exchange(L)->stream->request.host);
    return 1;
}

/* exchange:endpoint() -> string | nil, as configured: "/users/{id}" */
static int exchange_endpoint(lua_State *L)
{
    struct exchange *x = check_exchange(L);

    if (x->endpoint == NULL)
        lua_pushnil(L);
    else
        push_str(L, x->endpoint->path);
    return 1;
}

/* exchange:body() -> string | nil */
static int exchange_body(lua_State *L)
{
    struct exchange *x = check_exchange(L);

    if (!x->has_body) {
        lua_pushnil(L);
        return 1;
    }
    if (!x->body_collected)
        return luaL_error(L, "exchange:body needs `reads_body = true` in the plugin");
    push_str(L, x->body);
    return 1;
}

/* exchange:set_body(text | nil) */
static int exchange_set_body(lua_State *L)
{
    struct exchange *x = check_edit(L, "exchange:set_body");

    if (x->has_body && !x->body_collected)
        return luaL_error(L, "exchange:set_body needs `reads_body = true` in the plugin");
    x->has_body = !lua_isnoneornil(L, 2);
    x->body_collected = true;
    x->body = x->has_body ? arena_copy(x->arena, check_str(L, 2)) : STR_NONE;
    return 0;
}

/* exchange:response() -> response */
static int exchange_response(lua_State *L)
{
    struct script *s = script_of(L);
    struct life *life = check_life(L, 1, BOX_EXCHANGE);

    check_own_phase(s, L, "exchange:response", IN_ANSWER, life->x, NULL);
    push_response(s, L, life);
    return 1;
}

/* exchange:elapsed() -> seconds since the first byte of the request */
static int exchange_elapsed(lua_State *L)
{
    struct exchange *x = check_exchange(L);

    lua_pushnumber(L, (double)(x->worker->env->now - x->stream->started) / 1e9);
    return 1;
}

static const luaL_Reg methods[] = {
    {"method", exchange_lua_method},
    {"set_method", exchange_lua_set_method},
    {"path", exchange_lua_path},
    {"set_path", exchange_lua_set_path},
    {"raw_query", exchange_lua_raw_query},
    {"query", exchange_lua_query},
    {"query_table", exchange_lua_query_table},
    {"set_query", exchange_lua_set_query},
    {"field", exchange_field},
    {"field_lines", exchange_field_lines},
    {"field_names", exchange_field_names},
    {"set_field", exchange_set_field},
    {"add_field", exchange_add_field},
    {"param", exchange_lua_param},
    {"set_param", exchange_lua_set_param},
    {"client_ip", exchange_client_ip},
    {"host", exchange_host},
    {"endpoint", exchange_endpoint},
    {"body", exchange_body},
    {"set_body", exchange_set_body},
    {"response", exchange_response},
    {"elapsed", exchange_elapsed},
    {NULL, NULL},
};

void api_exchange_open(struct script *s)
{
    api_type(s, BOX_EXCHANGE, methods, NULL);
}
