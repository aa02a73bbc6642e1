/* Two kinds of response share their methods: what is about to be sent (of an exchange: merged, response and
 * log phases), and what a backend answered (of a call: reply phase). */
#include "base/arena.h"
#include "script/api.h"
#include "script/run.h"
#include "script/state.h"
#include "script/value.h"

enum {
    IN_EDIT = 1 << PHASE_MERGED | 1 << PHASE_RESPONSE | 1 << PHASE_REPLY,
    IN_DATA = 1 << PHASE_MERGED | 1 << PHASE_REPLY,
};

static struct life *check_response(lua_State *L)
{
    return check_life(L, 1, box_test(L, 1, BOX_REPLY) != NULL ? BOX_REPLY : BOX_RESPONSE);
}

static struct life *check_edit(lua_State *L, const char *function, unsigned phases)
{
    struct life *life = check_response(L);

    check_own_phase(script_of(L), L, function, phases, life->x, life->c);
    return life;
}

static struct fields *response_fields(struct life *life)
{
    return life->c != NULL ? &life->c->reply_fields : &life->x->answer.fields;
}

/* response:status() -> number */
static int response_status(lua_State *L)
{
    struct life *life = check_response(L);

    lua_pushinteger(L, life->c != NULL ? life->c->status : life->x->answer.status);
    return 1;
}

/* response:set_status(number) */
static int response_set_status(lua_State *L)
{
    struct life *life = check_edit(L, "response:set_status", IN_EDIT);
    lua_Number status = luaL_checknumber(L, 2);

    luaL_argcheck(L, status >= 200 && status <= 999 && status == (int)status, 2, "not a status");
    if (life->c != NULL)
        life->c->status = (int)status;
    else
        life->x->answer.status = (int)status;
    return 0;
}

/* response:field(name) -> string | nil */
static int response_field(lua_State *L)
{
    return fields_lua_field(L, response_fields(check_response(L)));
}

/* response:field_lines(name) -> list */
static int response_field_lines(lua_State *L)
{
    return fields_lua_lines(L, response_fields(check_response(L)));
}

/* response:field_names() -> list, canonical, each once */
static int response_field_names(lua_State *L)
{
    return fields_lua_names(L, response_fields(check_response(L)));
}

/* response:set_field(name, value | nil) */
static int response_set_field(lua_State *L)
{
    return fields_lua_set(L, response_fields(check_edit(L, "response:set_field", IN_EDIT)));
}

/* response:add_field(name, value) */
static int response_add_field(lua_State *L)
{
    return fields_lua_add(L, response_fields(check_edit(L, "response:add_field", IN_EDIT)));
}

/* response:data() -> document | value | nil if there is none */
static int response_data(lua_State *L)
{
    struct life *life = check_response(L);

    push_node(script_of(L), L, life->x, life->c != NULL ? life->c->data : life->x->data);
    return 1;
}

/* A document of this exchange is taken as it is, everything else is copied. */
static struct node *take_data(lua_State *L, struct life *life, int index)
{
    struct exchange *x;
    struct node *n = box_test(L, index, BOX_DOC) != NULL ? check_doc(L, index, &x) : NULL;

    return n != NULL && x == life->x ? n : take_value(script_of(L), L, index, life->x->arena);
}

/* response:set_data(value); of a reply an object or null: it is merged with those of others */
static int response_set_data(lua_State *L)
{
    struct life *life = check_edit(L, "response:set_data", IN_DATA);
    struct node *data;

    luaL_checkany(L, 2);
    data = take_data(L, life, 2);
    if (life->c == NULL) {
        life->x->data = data;
        return 0;
    }
    if (node_type(data) != DOC_OBJECT && node_type(data) != DOC_NULL)
        return luaL_error(L, "a reply's data is an object or null, not %s", doc_type_name(node_type(data)));
    life->c->data = data;
    return 0;
}

/* response:body() -> string | nil if it is made of the data, or streams through */
static int response_body(lua_State *L)
{
    struct life *life = check_response(L);

    if (life->c != NULL && life->c->has_content)
        push_str(L, life->c->content);
    else if (life->c == NULL && life->x->answer.has_body)
        push_str(L, life->x->answer.body);
    else
        lua_pushnil(L);
    return 1;
}

/* response:set_body(text) */
static int response_set_body(lua_State *L)
{
    struct life *life = check_edit(L, "response:set_body", IN_EDIT);
    struct str body = arena_copy(life->x->arena, check_str(L, 2));

    if (life->c == NULL) {
        life->x->answer.has_body = true;
        life->x->answer.body = body;
        return 0;
    }
    if (!life->c->has_content)
        return luaL_error(
            L, "response:set_body needs `reads_content = true` in the plugin, and a no-op backend");
    life->c->content = body;
    return 0;
}

/* response:complete() -> boolean */
static int response_complete(lua_State *L)
{
    struct life *life = check_response(L);

    lua_pushboolean(L, life->c != NULL ? life->c->complete : life->x->complete);
    return 1;
}

/* response:set_complete(boolean) */
static int response_set_complete(lua_State *L)
{
    struct life *life = check_edit(L, "response:set_complete", IN_DATA);

    luaL_checktype(L, 2, LUA_TBOOLEAN);
    if (life->c != NULL)
        life->c->complete = lua_toboolean(L, 2);
    else
        life->x->complete = lua_toboolean(L, 2);
    return 0;
}

/* response:is_error_details() -> boolean: of a reply, is its data the object of return_error_details? */
static int response_is_error_details(lua_State *L)
{
    struct life *life = check_response(L);

    lua_pushboolean(L, life->c != NULL && life->c->is_error_details);
    return 1;
}

static const luaL_Reg methods[] = {
    {"status", response_status},
    {"set_status", response_set_status},
    {"field", response_field},
    {"field_lines", response_field_lines},
    {"field_names", response_field_names},
    {"set_field", response_set_field},
    {"add_field", response_add_field},
    {"data", response_data},
    {"set_data", response_set_data},
    {"body", response_body},
    {"set_body", response_set_body},
    {"complete", response_complete},
    {"set_complete", response_set_complete},
    {"is_error_details", response_is_error_details},
    {NULL, NULL},
};

void api_response_open(struct script *s)
{
    api_type(s, BOX_RESPONSE, methods, NULL);
    api_type(s, BOX_REPLY, methods, NULL);
}
