/* json: what plugins do with documents and JSON text. */
#include "base/arena.h"
#include "script/api.h"
#include "script/run.h"
#include "script/state.h"
#include "script/value.h"
#include <stdlib.h>
#include <string.h>

/* The exchange whose phase is running: new documents live in its memory. */
static struct exchange *check_running(lua_State *L, const char *function)
{
    struct script *s = script_of(L);

    if (s->running == NULL)
        luaL_error(L, "%s can be called in a phase only (json.decode_to_table works everywhere)", function);
    return s->running->x;
}

static struct node *check_object(lua_State *L, int index, struct exchange **x)
{
    struct node *n = check_doc(L, index, x);

    luaL_argcheck(L, node_type(n) == DOC_OBJECT, index, "expected an object, got an array");
    return n;
}

static int push_failure(lua_State *L, const struct error *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->text);
    return 2;
}

/* json.decode(text) -> document or value | nil, message */
static int json_decode(lua_State *L)
{
    struct exchange *x = check_running(L, "json.decode");
    struct str text = arena_copy(x->arena, check_str(L, 1));
    struct error err;
    struct node *n = doc_parse(x->arena, text, DOC_WHOLE, &err);

    if (n == NULL)
        return push_failure(L, &err);
    push_node(script_of(L), L, x, n);
    return 1;
}

/* json.decode_to_table(text) -> table or value | nil, message */
static int json_decode_to_table(lua_State *L)
{
    struct script *s = script_of(L);
    struct error err;
    struct node *n = doc_parse(script_scratch(s), check_str(L, 1), DOC_WHOLE, &err);

    if (n == NULL)
        return push_failure(L, &err);
    push_table(s, L, n);
    script_scratch(s);
    return 1;
}

/* json.to_table(value) -> the document as tables; other values as they are */
static int json_to_table(lua_State *L)
{
    struct script *s = script_of(L);
    struct exchange *x;

    luaL_checkany(L, 1);
    if (box_test(L, 1, BOX_DOC) != NULL)
        push_table(s, L, check_doc(L, 1, &x));
    else
        lua_settop(L, 1);
    return 1;
}

/* json.encode(value) -> text */
static int json_encode(lua_State *L)
{
    struct script *s = script_of(L);
    struct arena *a = script_scratch(s);
    struct exchange *x;
    struct node *n;

    luaL_checkany(L, 1);
    n = box_test(L, 1, BOX_DOC) != NULL ? check_doc(L, 1, &x) : take_value(s, L, 1, a);
    push_str(L, doc_text(a, n));
    script_scratch(s);
    return 1;
}

/* json.object() -> a new, empty document */
static int json_object(lua_State *L)
{
    struct exchange *x = check_running(L, "json.object");

    push_doc(script_of(L), L, x, node_new_object(x->arena));
    return 1;
}

/* json.array([table]) -> the table, marked: an array also when it is empty */
static int json_array(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script_of(L)->array_meta_ref);
    lua_setmetatable(L, 1);
    return 1;
}

/* json.type(value) -> "object", "array", "string", "number", "boolean", "null", or nil for what is not JSON
 */
static int json_type(lua_State *L)
{
    struct script *s = script_of(L);
    struct exchange *x;

    luaL_checkany(L, 1);
    switch (lua_type(L, 1)) {
    case LUA_TSTRING: lua_pushliteral(L, "string"); break;
    case LUA_TBOOLEAN: lua_pushliteral(L, "boolean"); break;
    case LUA_TNIL:
    case LUA_TFUNCTION:
    case LUA_TTHREAD: lua_pushnil(L); break;
    case LUA_TTABLE: {
        bool marked = lua_getmetatable(L, 1) && lua_topointer(L, -1) == s->array_meta;

        lua_pushstring(L, marked || lua_objlen(L, 1) > 0 ? "array" : "object");
        break;
    }
    case LUA_TUSERDATA:
        if (box_test(L, 1, BOX_DOC) != NULL)
            lua_pushstring(L, node_type(check_doc(L, 1, &x)) == DOC_OBJECT ? "object" : "array");
        else
            lua_pushnil(L);
        break;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, 1) == NULL)
            lua_pushliteral(L, "null");
        else
            lua_pushnil(L);
        break;
    default: lua_pushliteral(L, "number"); /* or an int64_t */
    }
    return 1;
}

/* json.number(doc, key) -> the number's text as received | nil if there is none */
static int json_number(lua_State *L)
{
    struct exchange *x;
    struct node *n = check_doc(L, 1, &x);
    struct node *child = NULL;

    if (lua_type(L, 2) != LUA_TNUMBER)
        child = node_get(n, check_str(L, 2));
    else if (node_type(n) == DOC_ARRAY && lua_tointeger(L, 2) >= 1)
        child = node_at(n, (size_t)lua_tointeger(L, 2) - 1);
    if (child == NULL || node_type(child) != DOC_NUMBER)
        lua_pushnil(L);
    else
        push_str(L, node_number(child));
    return 1;
}

/* --- walking ------------------------------------------------------------------------------------ */

/* The state of a walk is a userdata in the closure's second upvalue. */
static int pairs_next(lua_State *L)
{
    struct script *s = script_of(L);
    struct node_cursor *cursor = lua_touserdata(L, lua_upvalueindex(1));
    struct exchange *x;
    struct node *n = check_doc(L, 1, &x);
    struct node *child;
    struct str name;

    if (!node_next(n, cursor, &name, &child)) {
        lua_pushnil(L);
        return 1;
    }
    if (node_type(n) == DOC_ARRAY)
        lua_pushinteger(L, (lua_Integer)lua_tointeger(L, 2) + 1);
    else
        push_str(L, name);
    push_node(s, L, x, child);
    return 2;
}

/* json.pairs(doc): for name, value in json.pairs(doc); of a table: pairs, of anything else nothing */
static int json_pairs(lua_State *L)
{
    struct exchange *x;
    struct node_cursor *cursor;

    check_doc(L, 1, &x);
    cursor = lua_newuserdata(L, sizeof(*cursor));
    memset(cursor, 0, sizeof(*cursor));
    lua_pushcclosure(L, pairs_next, 1);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

static int json_ipairs(lua_State *L)
{
    struct exchange *x;

    luaL_argcheck(L, node_type(check_doc(L, 1, &x)) == DOC_ARRAY, 1, "expected an array, got an object");
    return json_pairs(L);
}

/* --- manipulation ------------------------------------------------------------------------------- */

struct paths_box {
    struct box_head head;
    struct arena arena;
    struct doc_paths *paths;
};

struct renames_box {
    struct box_head head;
    struct arena arena;
    struct doc_rename *items;
    size_t count;
};

static struct str string_at_top(lua_State *L)
{
    struct str s;

    s.ptr = lua_tolstring(L, -1, &s.len);
    return s;
}

/* json.paths{"a", "b.c"} -> paths, for keep and drop */
static int json_paths(lua_State *L)
{
    struct script *s = script_of(L);
    struct paths_box *box;
    struct str *dotted;
    size_t count;

    luaL_checktype(L, 1, LUA_TTABLE);
    count = lua_objlen(L, 1);
    box = push_box(s, L, BOX_PATHS, sizeof(*box));
    arena_init(&box->arena, NULL);
    dotted = arena_alloc(&box->arena, count * sizeof(*dotted));
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (int)i + 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            return luaL_error(L, "json.paths: expected texts, got a %s", luaL_typename(L, -1));
        dotted[i] = arena_copy(&box->arena, string_at_top(L));
        lua_pop(L, 1);
    }
    box->paths = doc_paths_new(&box->arena, dotted, count);
    return 1;
}

static int compare_renames(const void *a, const void *b)
{
    return str_compare(((const struct doc_rename *)a)->from, ((const struct doc_rename *)b)->from);
}

/* json.renames{from = "to"} -> renames, for rename */
static int json_renames(lua_State *L)
{
    struct script *s = script_of(L);
    struct renames_box *box;
    size_t count = 0;

    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1))
        count++;
    box = push_box(s, L, BOX_RENAMES, sizeof(*box));
    arena_init(&box->arena, NULL);
    box->items = arena_alloc(&box->arena, count * sizeof(*box->items));
    box->count = 0;
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        struct doc_rename *item = &box->items[box->count++];

        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            return luaL_error(L, "json.renames: expected texts");
        item->to = arena_copy(&box->arena, string_at_top(L));
        lua_pushvalue(L, -2);
        item->from = arena_copy(&box->arena, string_at_top(L));
        lua_pop(L, 1);
    }
    if (box->count > 1) /* the order of a Lua table depends on chance */
        qsort(box->items, box->count, sizeof(*box->items), compare_renames);
    return 1;
}

static int paths_gc(lua_State *L)
{
    arena_fini(&((struct paths_box *)lua_touserdata(L, 1))->arena);
    return 0;
}

static int renames_gc(lua_State *L)
{
    arena_fini(&((struct renames_box *)lua_touserdata(L, 1))->arena);
    return 0;
}

/* json.keep(doc, paths) */
static int json_keep(lua_State *L)
{
    struct exchange *x;
    struct node *object = check_object(L, 1, &x);
    const struct paths_box *box = check_box(L, 2, BOX_PATHS);

    node_keep(object, box->paths);
    return 0;
}

/* json.drop(doc, paths) */
static int json_drop(lua_State *L)
{
    struct exchange *x;
    struct node *object = check_object(L, 1, &x);
    const struct paths_box *box = check_box(L, 2, BOX_PATHS);

    node_drop(object, box->paths);
    return 0;
}

/* json.rename(doc, renames) */
static int json_rename(lua_State *L)
{
    struct exchange *x;
    struct node *object = check_object(L, 1, &x);
    const struct renames_box *box = check_box(L, 2, BOX_RENAMES);

    node_rename(object, box->items, box->count);
    return 0;
}

/* json.find(doc, "a.b") -> value | nil */
static int json_find(lua_State *L)
{
    struct exchange *x;
    struct node *n = check_doc(L, 1, &x);

    push_node(script_of(L), L, x, node_find(n, check_str(L, 2)));
    return 1;
}

/* json.merge(doc, source): source's members replace doc's of the same name; source is left alone */
static int json_merge(lua_State *L)
{
    struct exchange *x, *y;
    struct node *object = check_object(L, 1, &x);
    struct node *source = check_object(L, 2, &y);

    node_merge(object, copy_node(script_of(L), L, y, source, x->arena));
    return 0;
}

/* json.wrap(value, name) -> a new document whose one member, name, is value itself, not a copy */
static int json_wrap(lua_State *L)
{
    struct script *s = script_of(L);
    struct exchange *x = check_running(L, "json.wrap"), *owner = NULL;
    struct str name = arena_copy(x->arena, check_str(L, 2));
    struct node *object = node_new_object(x->arena);
    struct node *value = box_test(L, 1, BOX_DOC) != NULL ? check_doc(L, 1, &owner) : NULL;

    if (owner != x)
        value = take_value(s, L, 1, x->arena);
    node_set(object, name, value);
    push_doc(s, L, x, object);
    return 1;
}

static const luaL_Reg functions[] = {
    {"decode", json_decode},
    {"decode_to_table", json_decode_to_table},
    {"to_table", json_to_table},
    {"encode", json_encode},
    {"object", json_object},
    {"array", json_array},
    {"type", json_type},
    {"number", json_number},
    {"pairs", json_pairs},
    {"ipairs", json_ipairs},
    {"paths", json_paths},
    {"renames", json_renames},
    {"keep", json_keep},
    {"drop", json_drop},
    {"rename", json_rename},
    {"find", json_find},
    {"merge", json_merge},
    {"wrap", json_wrap},
    {NULL, NULL},
};

static const luaL_Reg paths_metamethods[] = {{"__gc", paths_gc}, {NULL, NULL}};
static const luaL_Reg renames_metamethods[] = {{"__gc", renames_gc}, {NULL, NULL}};

void api_json_open(struct script *s)
{
    api_type(s, BOX_PATHS, NULL, paths_metamethods);
    api_type(s, BOX_RENAMES, NULL, renames_metamethods);
    lua_newtable(s->L);
    luaL_setfuncs(s->L, functions, 0);
    lua_pushlightuserdata(s->L, NULL);
    lua_setfield(s->L, -2, "null");
    lua_setfield(s->L, -2, "json");
}
