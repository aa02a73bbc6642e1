/* A document as Lua sees it: indexing, assignment and `#` work on the tape, nothing is copied. */
#include "base/arena.h"
#include "script/api.h"
#include "script/state.h"
#include "script/value.h"
#include <stdio.h>

/* The key at index as a position in an array, from 0; false if it is none. */
static bool position_of(lua_State *L, int index, size_t *position)
{
    lua_Number n = lua_tonumber(L, index);

    if (lua_type(L, index) != LUA_TNUMBER || !(n >= 1 && n <= 4294967296.0) || n != (lua_Number)(size_t)n)
        return false;
    *position = (size_t)n - 1;
    return true;
}

static struct str string_at(lua_State *L, int index)
{
    struct str s;

    s.ptr = lua_tolstring(L, index, &s.len);
    return s;
}

/* doc[key]: a member by name, an element by position from 1; nil if it is not there */
static int doc_index(lua_State *L)
{
    struct script *s = script_of(L);
    struct exchange *x;
    struct node *n = check_doc(L, 1, &x);
    struct node *child = NULL;
    size_t position;

    if (lua_type(L, 2) == LUA_TSTRING)
        child = node_get(n, string_at(L, 2));
    else if (node_type(n) == DOC_ARRAY && position_of(L, 2, &position))
        child = node_at(n, position);
    push_node(s, L, x, child);
    return 1;
}

static void assign_member(lua_State *L, struct script *s, struct exchange *x, struct node *object)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        luaL_error(L, "a member of an object has a text for a name, not a %s", luaL_typename(L, 2));
    if (lua_isnil(L, 3)) {
        node_remove(object, string_at(L, 2));
        return;
    }
    node_set(object, arena_copy(x->arena, string_at(L, 2)), take_value(s, L, 3, x->arena));
}

static void assign_element(lua_State *L, struct script *s, struct exchange *x, struct node *array)
{
    size_t position, count = node_count(array);

    if (!position_of(L, 2, &position) || position > count)
        luaL_error(L, "an array of %d elements has no such place", (int)count);
    if (lua_isnil(L, 3))
        node_cut(array, position);
    else if (position == count)
        node_append(array, take_value(s, L, 3, x->arena));
    else
        node_put(array, position, take_value(s, L, 3, x->arena));
}

/* doc[key] = value; nil takes the member or element out */
static int doc_newindex(lua_State *L)
{
    struct script *s = script_of(L);
    struct exchange *x;
    struct node *n = check_doc(L, 1, &x);

    if (node_type(n) == DOC_OBJECT)
        assign_member(L, s, x, n);
    else
        assign_element(L, s, x, n);
    return 0;
}

/* #doc: members or elements */
static int doc_len(lua_State *L)
{
    struct exchange *x;

    lua_pushinteger(L, (lua_Integer)node_count(check_doc(L, 1, &x)));
    return 1;
}

/* Two boxes may hold the same container. */
static int doc_eq(lua_State *L)
{
    const struct box *a = box_test(L, 1, BOX_DOC), *b = box_test(L, 2, BOX_DOC);

    lua_pushboolean(L, a != NULL && b != NULL && a->node == b->node && a->life == b->life &&
                           a->generation == b->generation);
    return 1;
}

static int doc_tostring(lua_State *L)
{
    struct exchange *x;
    struct node *n = check_doc(L, 1, &x);

    lua_pushfstring(L, "JSON %s: %p", doc_type_name(node_type(n)), (void *)n);
    return 1;
}

static const luaL_Reg metamethods[] = {
    {"__index", doc_index}, {"__newindex", doc_newindex}, {"__len", doc_len},
    {"__eq", doc_eq},       {"__tostring", doc_tostring}, {NULL, NULL},
};

void api_doc_open(struct script *s)
{
    api_type(s, BOX_DOC, NULL, metamethods);
}
