/* What an exchange asks for: its method, path and query, and how plugins rewrite them. */
#include "base/arena.h"
#include "base/quote.h"
#include "script/api_exchange.h"
#include "script/run.h"
#include "script/state.h"
#include <string.h>

/* exchange:method() -> string */
int exchange_lua_method(lua_State *L)
{
    push_str(L, check_exchange(L)->method);
    return 1;
}

/* Raises where the router has been passed: what it would change would reach no backend. */
static struct exchange *check_rewrite(lua_State *L, const char *function)
{
    struct script *s = script_of(L);
    struct exchange *x = check_exchange(L);

    if (run_is_before_router(s->running)) {
        check_own_phase(s, L, function, 1 << PHASE_REQUEST, x, NULL);
        return x;
    }
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
int exchange_lua_set_method(lua_State *L)
{
    struct exchange *x = check_rewrite(L, "exchange:set_method");
    struct str method = check_str(L, 2);

    if (!field_name_is_valid(method))
        return refuse_value(L, x, "exchange:set_method", method, STR("method"));
    exchange_rewrite_method(x, method);
    return 0;
}

/* exchange:path() -> string, decoded */
int exchange_lua_path(lua_State *L)
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
int exchange_lua_set_path(lua_State *L)
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
int exchange_lua_raw_query(lua_State *L)
{
    struct exchange *x = check_exchange(L);

    push_str(L, sees_filtered(L, x) ? query_format(x->arena, &x->call_query) : x->target_query);
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
int exchange_lua_query(lua_State *L)
{
    struct life *life = check_life(L, 1, BOX_EXCHANGE);
    const struct query *query = sees_filtered(L, life->x) ? &life->x->call_query : client_query(life);
    struct str name = check_str(L, 2);

    for (size_t i = 0; i < query->count; i++)
        if (str_equal(query->pairs[i].name, name)) {
            push_str(L, query->pairs[i].value);
            return 1;
        }
    lua_pushnil(L);
    return 1;
}

/* exchange:query_table() -> {name = {value, ...}} */
int exchange_lua_query_table(lua_State *L)
{
    struct life *life = check_life(L, 1, BOX_EXCHANGE);
    const struct query *query = sees_filtered(L, life->x) ? &life->x->call_query : client_query(life);

    lua_newtable(L);
    for (size_t i = 0; i < query->count; i++) {
        push_str(L, query->pairs[i].name);
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            lua_newtable(L);
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, -5);
        }
        push_str(L, query->pairs[i].value);
        lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
        lua_pop(L, 2);
    }
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
int exchange_lua_set_query(lua_State *L)
{
    struct exchange *x = check_edit(L, "exchange:set_query");
    struct str raw;

    if (lua_type(L, 2) != LUA_TSTRING && !lua_istable(L, 2))
        return luaL_error(L, "exchange:set_query: expected a text or a table, got %s", luaL_typename(L, 2));
    raw = lua_istable(L, 2) ? check_query_table(L, x) : check_raw_query(L, x);
    if (run_is_before_router(script_of(L)->running))
        exchange_rewrite_query(x, raw);
    else if (sees_filtered(L, x))
        query_parse(x->arena, arena_copy(x->arena, raw), &x->call_query);
    else
        x->target_query = arena_copy(x->arena, raw);
    return 0;
}
