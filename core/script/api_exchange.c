#include "base/arena.h"
#include "gateway/access_log.h"
#include "http/server.h"
#include "script/api.h"
#include "script/run.h"
#include "script/state.h"
#include <ctype.h>
#include <string.h>

enum {
    IN_EDIT = 1 << PHASE_REQUEST | 1 << PHASE_PROXY, /* where the request may still be changed */
    IN_ANSWER = 1 << PHASE_MERGED | 1 << PHASE_RESPONSE | 1 << PHASE_LOG,
};

static struct exchange *check_exchange(lua_State *L)
{
    return check_life(L, 1, BOX_EXCHANGE)->x;
}

static struct exchange *check_edit(lua_State *L, const char *function)
{
    struct exchange *x = check_exchange(L);

    check_phase(script_of(L), L, function, IN_EDIT);
    return x;
}

/* In the proxy phase the request is what the calls are made from, filtered; elsewhere it is the client's. */
static bool sees_filtered(lua_State *L)
{
    struct script *s = script_of(L);

    return s->running != NULL && s->running->phase == PHASE_PROXY;
}

static struct fields *request_fields(lua_State *L, struct exchange *x)
{
    return sees_filtered(L) ? &x->call_fields : &x->fields;
}

/* exchange:method() -> string */
static int exchange_method(lua_State *L)
{
    push_str(L, check_exchange(L)->method);
    return 1;
}

/* Raises where the router has been passed: what it would change would reach no backend. */
static struct exchange *check_rewrite(lua_State *L, const char *function)
{
    struct script *s = script_of(L);
    struct exchange *x = check_exchange(L);

    if (run_is_before_router(s->running))
        return x;
    if (s->running != NULL && (IN_EDIT & 1 << s->running->phase) != 0)
        luaL_error(L,
                   "%s cannot be called after routing (only in: request of a plugin named in "
                   "plugin/http-server); for one backend there are call:set_url and call:set_method",
                   function);
    check_phase(s, L, function, 1 << PHASE_REQUEST);
    return x;
}

/* Raises: the value, in quotes, is none of its kind. */
static int refuse_value(lua_State *L, struct exchange *x, const char *function, struct str value,
                        struct str why)
{
    return luaL_error(
        L, "%s: %s", function,
        arena_printf(x->arena, "%.*s is no %.*s", STR_ARG(quote_go(x->arena, value)), STR_ARG(why)).ptr);
}

/* exchange:set_method(text) */
static int exchange_set_method(lua_State *L)
{
    struct exchange *x = check_rewrite(L, "exchange:set_method");
    struct str method = check_str(L, 2);

    if (!field_name_is_valid(method))
        return refuse_value(L, x, "exchange:set_method", method, STR("method"));
    exchange_rewrite_method(x, method);
    return 0;
}

/* exchange:path() -> string, decoded */
static int exchange_path(lua_State *L)
{
    push_str(L, check_exchange(L)->path);
    return 1;
}

/* "?" and "#" would end a path where it is written down, though encoded they may be in one: what they mean
 * here is a query, which is set by itself. */
static struct str path_problem(struct str path)
{
    if (path.len == 0 || path.ptr[0] != '/')
        return STR("path: it does not begin with \"/\"");
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];

        if (c < ' ' || c == '\177')
            return STR("path: control characters cannot be in it");
        if (c == '?')
            return STR("path: \"?\" cannot be in it (exchange:set_query)");
        if (c == '#')
            return STR("path: \"#\" cannot be in it");
    }
    return STR_NONE;
}

/* exchange:set_path(text), decoded */
static int exchange_set_path(lua_State *L)
{
    struct exchange *x = check_rewrite(L, "exchange:set_path");
    struct str path = check_str(L, 2);
    struct str problem = path_problem(path);

    if (problem.len > 0)
        return refuse_value(L, x, "exchange:set_path", path, problem);
    exchange_rewrite_path(x, path);
    return 0;
}

/* exchange:raw_query() -> string */
static int exchange_raw_query(lua_State *L)
{
    struct exchange *x = check_exchange(L);

    push_str(L, sees_filtered(L) ? query_format(x->arena, &x->call_query) : x->target_query);
    return 1;
}

/* The client's query, parsed when it is first asked for. */
static const struct query *client_query(struct life *life)
{
    struct str raw = life->x->target_query;

    if (life->query_text.ptr == NULL || life->query_text.ptr != raw.ptr || life->query_text.len != raw.len) {
        query_parse(life->x->arena, raw, &life->query);
        life->query_text = raw;
    }
    return &life->query;
}

/* exchange:query(name) -> string | nil, its first value */
static int exchange_query(lua_State *L)
{
    struct life *life = check_life(L, 1, BOX_EXCHANGE);
    const struct query *query = sees_filtered(L) ? &life->x->call_query : client_query(life);
    struct str name = check_str(L, 2);

    for (size_t i = 0; i < query->count; i++)
        if (str_equal(query->pairs[i].name, name)) {
            push_str(L, query->pairs[i].value);
            return 1;
        }
    lua_pushnil(L);
    return 1;
}

/* The argument as a query that is encoded already. */
static struct str check_raw_query(lua_State *L, struct exchange *x)
{
    struct str raw = check_str(L, 2);

    for (size_t i = 0; i < raw.len; i++) {
        struct str byte = str_slice(raw, i, i + 1);

        if ((unsigned char)*byte.ptr <= ' ' || *byte.ptr == '#' || *byte.ptr == '\177')
            refuse_value(L, x, "exchange:set_query", raw,
                         arena_printf(x->arena, "query: %.*s must be encoded (or give a table)",
                                      STR_ARG(quote_go(x->arena, byte))));
    }
    return raw;
}

struct query_list {
    struct query query;
    size_t cap;
    struct arena *arena;
};

/* Appends the name with the value at the top of the stack. */
static void add_pair(lua_State *L, struct query_list *list, struct str name)
{
    struct query *q = &list->query;
    struct str value;

    if (lua_isboolean(L, -1))
        value = lua_toboolean(L, -1) ? STR("true") : STR("false");
    else if (lua_isstring(L, -1))
        value = arena_copy(list->arena, check_str(L, lua_gettop(L)));
    else
        luaL_error(L, "exchange:set_query: %s: expected a text, number or boolean, got %s", name.ptr,
                   luaL_typename(L, -1));
    if (q->count == list->cap) {
        struct query_pair *larger = arena_alloc(list->arena, (list->cap * 2 + 8) * sizeof(*larger));

        if (q->count > 0)
            memcpy(larger, q->pairs, q->count * sizeof(*larger));
        q->pairs = larger;
        list->cap = list->cap * 2 + 8;
    }
    q->pairs[q->count++] = (struct query_pair){name, value};
}

/* The table {name = value | {value, ...}} of the argument as an encoded query, sorted by name. */
static struct str check_query_table(lua_State *L, struct exchange *x)
{
    struct query_list list = {.arena = x->arena};

    for (lua_pushnil(L); lua_next(L, 2) != 0; lua_pop(L, 1)) {
        struct str name;

        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "exchange:set_query: expected names, got a %s", luaL_typename(L, -2));
        name = arena_copy(x->arena, check_str(L, lua_gettop(L) - 1));
        if (!lua_istable(L, -1)) {
            add_pair(L, &list, name);
            continue;
        }
        for (int i = 1; i <= (int)lua_objlen(L, -1); i++) {
            lua_rawgeti(L, -1, i);
            add_pair(L, &list, name);
            lua_pop(L, 1);
        }
    }
    return query_format(x->arena, &list.query);
}

/* exchange:set_query(raw | {name = value | {value, ...}}) */
static int exchange_set_query(lua_State *L)
{
    struct exchange *x = check_edit(L, "exchange:set_query");
    struct str raw;

    if (lua_type(L, 2) != LUA_TSTRING && !lua_istable(L, 2))
        return luaL_error(L, "exchange:set_query: expected a text or a table, got %s", luaL_typename(L, 2));
    raw = lua_istable(L, 2) ? check_query_table(L, x) : check_raw_query(L, x);
    if (run_is_before_router(script_of(L)->running))
        exchange_rewrite_query(x, raw);
    else if (sees_filtered(L))
        query_parse(x->arena, arena_copy(x->arena, raw), &x->call_query);
    else
        x->target_query = arena_copy(x->arena, raw);
    return 0;
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

/* exchange:set_field(name, value | nil) */
static int exchange_set_field(lua_State *L)
{
    return fields_lua_set(L, request_fields(L, check_edit(L, "exchange:set_field")));
}

/* exchange:add_field(name, value) */
static int exchange_add_field(lua_State *L)
{
    return fields_lua_add(L, request_fields(L, check_edit(L, "exchange:add_field")));
}

/* The key of a parameter is its name with the first letter in upper case. */
static struct str param_key(struct arena *a, struct str name)
{
    struct str key = arena_copy(a, name);

    if (key.len > 0)
        ((char *)key.ptr)[0] = (char)toupper((unsigned char)key.ptr[0]);
    return key;
}

/* One that was set: those of the path stand before it, and go by their exact names alone. */
static const struct param *find_set_param(const struct exchange *x, struct str name)
{
    const struct param *param = exchange_param_by_key(x, param_key(x->arena, name));
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

    exchange_set_param(x, param != NULL ? param->key : param_key(x->arena, name), check_str(L, 3));
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

    check_phase(s, L, "exchange:response", IN_ANSWER);
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
    {"method", exchange_method},
    {"set_method", exchange_set_method},
    {"path", exchange_path},
    {"set_path", exchange_set_path},
    {"raw_query", exchange_raw_query},
    {"query", exchange_query},
    {"set_query", exchange_set_query},
    {"field", exchange_field},
    {"field_lines", exchange_field_lines},
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
