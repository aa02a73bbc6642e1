#include "base/arena.h"
#include "script/api.h"
#include "script/state.h"
#include <stdlib.h>

/* They say how the content is framed or how long the connection lives: that is decided when the message is
 * written. */
static bool is_ours(struct str name)
{
    enum field_id id = field_id(name);

    return id == FIELD_CONTENT_LENGTH || id == FIELD_TRANSFER_ENCODING || id == FIELD_CONNECTION;
}

static struct str check_name(lua_State *L, int index)
{
    struct str name = check_str(L, index);

    if (!field_name_is_valid(name))
        luaL_argerror(L, index, "not a field name");
    return name;
}

/* Of the field of that name. */
static struct str check_value(lua_State *L, int index, struct str name)
{
    struct str value = check_str(L, index);

    if (field_id(name) == FIELD_HOST && !authority_is_valid(value))
        luaL_argerror(L, index, "not a host");
    if (!field_value_is_valid(value))
        luaL_argerror(L, index, "a field value cannot hold control characters");
    return value;
}

#define FRAMING_IS_OURS "Content-Length, Transfer-Encoding and Connection are the gateway's"

static void check_settable(lua_State *L, int index, struct str name)
{
    if (is_ours(name))
        luaL_argerror(L, index, FRAMING_IS_OURS);
}

int fields_lua_field(lua_State *L, const struct fields *f)
{
    const struct field *field = field_find(f, check_str(L, 2));

    if (field == NULL)
        lua_pushnil(L);
    else
        push_str(L, field->value);
    return 1;
}

int fields_lua_lines(lua_State *L, const struct fields *f)
{
    struct str name = check_str(L, 2);
    int count = 0;

    lua_newtable(L);
    for (unsigned i = 0; i < f->count; i++)
        if (str_equal_nocase(f->items[i].name, name)) {
            push_str(L, f->items[i].value);
            lua_rawseti(L, -2, ++count);
        }
    return 1;
}

static bool is_first_of_name(const struct fields *f, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (field_name_is(&f->items[i], f->items[index].name))
            return false;
    return true;
}

int fields_lua_names(lua_State *L, const struct fields *f)
{
    int count = 0;

    lua_newtable(L);
    for (unsigned i = 0; i < f->count; i++) {
        if (!is_first_of_name(f, i))
            continue;
        push_str(L, field_canonical(f->arena, f->items[i].name));
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

int fields_lua_set(lua_State *L, struct fields *f)
{
    struct str name = check_name(L, 2);
    struct str value;

    if (lua_isnoneornil(L, 3)) {
        field_remove(f, name);
        return 0;
    }
    check_settable(L, 2, name);
    value = arena_copy(f->arena, check_value(L, 3, name));
    field_set(f, field_canonical(f->arena, arena_copy(f->arena, name)), value);
    return 0;
}

int fields_lua_add(lua_State *L, struct fields *f)
{
    struct str name = check_name(L, 2);
    struct str value;

    check_settable(L, 2, name);
    value = arena_copy(f->arena, check_value(L, 3, name));
    field_add(f, field_canonical(f->arena, arena_copy(f->arena, name)), value);
    return 0;
}

/* --- fields from a table ------------------------------------------------------------------------ */

static int compare_fields(const void *a, const void *b)
{
    return str_compare(((const struct field *)a)->name, ((const struct field *)b)->name);
}

/* The text or number at the top as a line of its own. name ends with a NUL. */
static void take_line(lua_State *L, struct str name, struct fields *f)
{
    struct str value;

    if (!lua_isstring(L, -1))
        luaL_error(L, "field %s: expected a text, got %s", name.ptr, luaL_typename(L, -1));
    value = check_str(L, lua_gettop(L));
    if (!field_value_is_valid(value))
        luaL_error(L, "field %s: a value cannot hold control characters", name.ptr);
    if (field_id(name) == FIELD_HOST && !authority_is_valid(value))
        luaL_error(L, "field %s: not a host", name.ptr);
    field_add(f, field_canonical(f->arena, name), arena_copy(f->arena, value));
}

/* The value at the top: a text, a number, or a list of them. */
static void take_lines(lua_State *L, struct str name, struct fields *f)
{
    int top = lua_gettop(L);

    if (!lua_istable(L, top)) {
        take_line(L, name, f);
        return;
    }
    for (int i = 1; i <= (int)lua_objlen(L, top); i++) {
        lua_rawgeti(L, top, i);
        take_line(L, name, f);
        lua_pop(L, 1);
    }
}

void take_fields(lua_State *L, int index, struct fields *f)
{
    unsigned first = f->count;

    if (lua_isnil(L, index))
        return;
    if (!lua_istable(L, index))
        luaL_error(L, "fields: expected a table, got %s", luaL_typename(L, index));
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        struct str name;

        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "fields: expected names, got a %s", luaL_typename(L, -2));
        name = arena_copy(f->arena, check_str(L, lua_gettop(L) - 1));
        if (!field_name_is_valid(name))
            luaL_error(L, "field %s: not a field name", name.ptr);
        if (is_ours(name))
            luaL_error(L, "field %s: " FRAMING_IS_OURS, name.ptr);
        take_lines(L, name, f);
    }
    if (f->count > first) /* the order of a Lua table depends on chance */
        qsort(f->items + first, f->count - first, sizeof(*f->items), compare_fields);
}
