#include "base/arena.h"
#include "script/api.h"
#include "script/run.h"
#include "script/state.h"
#include "script/value.h"

enum {
    IN_CALL = 1 << PHASE_CALL,
    IN_REPLY = 1 << PHASE_REPLY,
    IN_BOTH = IN_CALL | IN_REPLY,
};

static struct call *check_call(lua_State *L)
{
    return check_life(L, 1, BOX_CALL)->c;
}

static struct call *check_call_in(lua_State *L, const char *function, unsigned phases)
{
    struct call *c = check_call(L);

    check_own_phase(script_of(L), L, function, phases, c->exchange, c);
    return c;
}

/* Calls of one exchange share their fields until one changes its own. */
static struct fields *own_fields(struct call *c)
{
    struct fields shared = c->fields;

    if (!c->owns_fields) {
        fields_init(&c->fields, c->arena);
        fields_reserve(&c->fields, shared.count);
        for (unsigned i = 0; i < shared.count; i++)
            field_add_copy(&c->fields, &shared.items[i]);
        c->owns_fields = true;
    }
    return &c->fields;
}

/* call:exchange() -> exchange */
static int call_exchange(lua_State *L)
{
    push_exchange(script_of(L), L, check_call(L)->exchange);
    return 1;
}

/* call:backend() -> string, its url_pattern as configured */
static int call_backend(lua_State *L)
{
    push_str(L, check_call(L)->backend->url_pattern.text);
    return 1;
}

/* call:method() -> string */
static int call_method(lua_State *L)
{
    push_str(L, check_call(L)->method);
    return 1;
}

/* call:set_method(text) */
static int call_set_method(lua_State *L)
{
    struct call *c = check_call_in(L, "call:set_method", IN_CALL);
    struct str method = check_str(L, 2);

    luaL_argcheck(L, field_name_is_valid(method), 2, "not a method");
    c->method = arena_copy(c->arena, method);
    return 0;
}

/* call:url() -> string, absolute */
static int call_url(lua_State *L)
{
    push_str(L, check_call(L)->url);
    return 1;
}

/* call:set_url(text) */
static int call_set_url(lua_State *L)
{
    struct call *c = check_call_in(L, "call:set_url", IN_CALL);
    struct str text = arena_copy(c->arena, check_str(L, 2));
    struct error err;
    struct url url;

    if (!url_parse(c->arena, text, &url, &err))
        return luaL_argerror(L, 2, err.text);
    c->url = text;
    return 0;
}

/* call:field(name) -> string | nil */
static int call_field(lua_State *L)
{
    return fields_lua_field(L, &check_call(L)->fields);
}

/* call:field_lines(name) -> list */
static int call_field_lines(lua_State *L)
{
    return fields_lua_lines(L, &check_call(L)->fields);
}

/* call:field_names() -> list, canonical, each once */
static int call_field_names(lua_State *L)
{
    return fields_lua_names(L, &check_call(L)->fields);
}

/* call:set_field(name, value | nil) */
static int call_set_field(lua_State *L)
{
    return fields_lua_set(L, own_fields(check_call_in(L, "call:set_field", IN_CALL)));
}

/* call:add_field(name, value) */
static int call_add_field(lua_State *L)
{
    return fields_lua_add(L, own_fields(check_call_in(L, "call:add_field", IN_CALL)));
}

/* call:body() -> string | nil; nil too for a content that streams through */
static int call_body(lua_State *L)
{
    struct call *c = check_call(L);

    if (!c->has_body || c->body.ptr == NULL)
        lua_pushnil(L);
    else
        push_str(L, c->body);
    return 1;
}

/* call:set_body(text | nil) */
static int call_set_body(lua_State *L)
{
    struct call *c = check_call_in(L, "call:set_body", IN_CALL);

    if (c->exchange->has_body && !c->exchange->body_collected)
        return luaL_error(L, "call:set_body needs `reads_body = true` in the plugin");
    c->has_body = !lua_isnoneornil(L, 2);
    c->body = c->has_body ? arena_copy(c->arena, check_str(L, 2)) : STR_NONE;
    return 0;
}

/* return call:fail(text): the phase returns what this returns */
static int call_lua_fail(lua_State *L)
{
    struct script *s = script_of(L);
    struct call *c = check_call_in(L, "call:fail", IN_BOTH);
    struct str text = check_str(L, 2);

    s->running->failing = true;
    s->running->failure = arena_copy(c->arena, text);
    lua_pushlightuserdata(L, s->running);
    return 1;
}

/* call:failure() -> text | nil, cancelled */
static int call_failure(lua_State *L)
{
    struct call *c = check_call_in(L, "call:failure", IN_REPLY);

    if (!c->failed) {
        lua_pushnil(L);
        return 1;
    }
    push_str(L, c->failure);
    lua_pushboolean(L, c->cancelled);
    return 2;
}

/* call:response() -> response | nil if none came */
static int call_response(lua_State *L)
{
    struct script *s = script_of(L);
    struct life *life = check_life(L, 1, BOX_CALL);

    check_own_phase(s, L, "call:response", IN_REPLY, life->c->exchange, life->c);
    if (life->c->status == 0)
        lua_pushnil(L);
    else
        push_response(s, L, life);
    return 1;
}

static const luaL_Reg methods[] = {
    {"exchange", call_exchange},
    {"backend", call_backend},
    {"method", call_method},
    {"set_method", call_set_method},
    {"url", call_url},
    {"set_url", call_set_url},
    {"field", call_field},
    {"field_lines", call_field_lines},
    {"field_names", call_field_names},
    {"set_field", call_set_field},
    {"add_field", call_add_field},
    {"body", call_body},
    {"set_body", call_set_body},
    {"fail", call_lua_fail},
    {"failure", call_failure},
    {"response", call_response},
    {NULL, NULL},
};

void api_call_open(struct script *s)
{
    api_type(s, BOX_CALL, methods, NULL);
}
