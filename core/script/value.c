#include "script/value.h"

#include "script/state.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE_CDATA = 10 }; /* LuaJIT's own type, after those of lua.h */

static const int64_t exact_max = (int64_t)1 << 53; /* integers that a Lua number holds exactly */

void value_use_int64(struct script *s, lua_State *L)
{
    lua_getfield(L, -1, "signed");
    s->signed_slot = (int64_t *)(uintptr_t)lua_topointer(L, -1);
    lua_pop(L, 1); /* the module keeps it */
    lua_getfield(L, -1, "unsigned");
    s->unsigned_slot = (uint64_t *)(uintptr_t)lua_topointer(L, -1);
    lua_pop(L, 1);
    lua_getfield(L, -1, "get_signed");
    s->push_signed = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_getfield(L, -1, "get_unsigned");
    s->push_unsigned = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_getfield(L, -1, "text");
    s->int64_text = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* --- nodes to Lua ------------------------------------------------------------------------------- */

static void push_number(struct script *s, lua_State *L, const struct node *n)
{
    uint64_t large;
    int64_t whole;

    if (node_to_int64(n, &whole)) {
        if (whole >= -exact_max && whole <= exact_max) {
            lua_pushnumber(L, (lua_Number)whole);
            return;
        }
        *s->signed_slot = whole;
        lua_rawgeti(L, LUA_REGISTRYINDEX, s->push_signed);
        lua_call(L, 0, 1);
    } else if (str_to_u64(node_number(n), &large)) {
        *s->unsigned_slot = large;
        lua_rawgeti(L, LUA_REGISTRYINDEX, s->push_unsigned);
        lua_call(L, 0, 1);
    } else {
        lua_pushnumber(L, node_to_double(n));
    }
}

/* False for containers. */
static bool push_scalar(struct script *s, lua_State *L, struct node *n)
{
    switch (node_type(n)) {
    case DOC_NULL: lua_pushlightuserdata(L, NULL); return true;
    case DOC_FALSE:
    case DOC_TRUE: lua_pushboolean(L, node_type(n) == DOC_TRUE); return true;
    case DOC_NUMBER: push_number(s, L, n); return true;
    case DOC_STRING: push_str(L, node_string(n)); return true;
    case DOC_ARRAY:
    case DOC_OBJECT: return false;
    }
    return false;
}

void push_node(struct script *s, lua_State *L, struct exchange *x, struct node *n)
{
    if (n == NULL)
        lua_pushnil(L);
    else if (!push_scalar(s, L, n))
        push_doc(s, L, x, n);
}

void push_table(struct script *s, lua_State *L, struct node *n)
{
    struct node_cursor cursor = {0};
    struct node *child;
    struct str name;
    int index = 0;

    if (push_scalar(s, L, n))
        return;
    luaL_checkstack(L, 4, "the document is nested too deeply");
    lua_newtable(L);
    if (node_type(n) == DOC_ARRAY) {
        while (node_next(n, &cursor, &name, &child)) {
            push_table(s, L, child);
            lua_rawseti(L, -2, ++index);
        }
        lua_rawgeti(L, LUA_REGISTRYINDEX, s->array_meta_ref);
        lua_setmetatable(L, -2);
        return;
    }
    while (node_next(n, &cursor, &name, &child)) {
        push_str(L, name);
        push_table(s, L, child);
        lua_rawset(L, -3);
    }
}

/* --- Lua to nodes ------------------------------------------------------------------------------- */

struct taking {
    struct script *s;
    lua_State *L;
    struct arena *arena;
    int depth;
};

static struct node *take(struct taking *t, int index);

/* Within an exchange, and for the time of a call, spans are shared; between two exchanges nothing can be. */
struct node *copy_node(struct script *s, lua_State *L, struct exchange *x, struct node *n, struct arena *a)
{
    struct error err;

    if (a == x->arena || a == &s->scratch)
        return node_clone(a, n);
    n = doc_parse(a, arena_copy(a, doc_text(a, n)), DOC_WHOLE, &err);
    if (n == NULL)
        luaL_error(L, "a document of another exchange cannot be copied: %s", err.text);
    return n;
}

static struct node *take_number(struct taking *t, double value)
{
    if (value == floor(value) && fabs(value) <= (double)exact_max && !(value == 0 && signbit(value)))
        return node_new_int64(t->arena, (int64_t)value);
    if (!isfinite(value))
        luaL_error(t->L, "JSON has no number for %f", value);
    return node_new_double(t->arena, value);
}

static struct node *take_cdata(struct taking *t, int index)
{
    struct node *n;
    size_t len;
    const char *text;

    lua_rawgeti(t->L, LUA_REGISTRYINDEX, t->s->int64_text);
    lua_pushvalue(t->L, index);
    lua_call(t->L, 1, 1);
    text = lua_tolstring(t->L, -1, &len);
    if (text == NULL)
        luaL_error(t->L, "a cdata that is no integer cannot be JSON");
    n = node_new_number(t->arena, arena_copy(t->arena, (struct str){text, len}));
    lua_pop(t->L, 1);
    return n;
}

static struct node *take_array(struct taking *t, int index, size_t count)
{
    struct node *array = node_new_array(t->arena);

    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(t->L, index, (int)i);
        node_append(array, take(t, lua_gettop(t->L)));
        lua_pop(t->L, 1);
    }
    return array;
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* In the order of their names: that of a Lua table depends on chance. */
static struct node *take_object(struct taking *t, int index, size_t count)
{
    struct node *object = node_new_object(t->arena);
    struct str *names = arena_alloc(t->arena, count * sizeof(*names));
    size_t i = 0;

    for (lua_pushnil(t->L); lua_next(t->L, index) != 0; lua_pop(t->L, 1)) {
        size_t len;
        const char *text = lua_tolstring(t->L, -2, &len);

        names[i++] = arena_copy(t->arena, (struct str){text, len});
    }
    qsort(names, count, sizeof(*names), compare_names);
    for (i = 0; i < count; i++) {
        push_str(t->L, names[i]);
        lua_rawget(t->L, index);
        node_set(object, names[i], take(t, lua_gettop(t->L)));
        lua_pop(t->L, 1);
    }
    return object;
}

static bool is_array(struct script *s, lua_State *L, int index)
{
    bool is;

    if (!lua_getmetatable(L, index))
        return false;
    is = lua_topointer(L, -1) == s->array_meta;
    lua_pop(L, 1);
    return is;
}

/* A table is an object if its keys are strings, an array if they are 1 to n. An empty one is an object,
 * unless json.array marks it. */
static struct node *take_table(struct taking *t, int index)
{
    size_t names = 0, others = 0;

    for (lua_pushnil(t->L); lua_next(t->L, index) != 0; lua_pop(t->L, 1)) {
        if (lua_type(t->L, -2) == LUA_TSTRING)
            names++;
        else
            others++;
    }
    if (names == 0 && (others > 0 || is_array(t->s, t->L, index))) {
        if (lua_objlen(t->L, index) != others)
            luaL_error(t->L, "a table with holes or odd keys cannot be a JSON array");
        return take_array(t, index, others);
    }
    if (others > 0)
        luaL_error(t->L, "a table with both names and positions cannot be JSON");
    return take_object(t, index, names);
}

static struct node *take_container(struct taking *t, int index)
{
    struct node *n;

    if (++t->depth > VALUE_MAX_DEPTH)
        luaL_error(t->L, "the value is nested too deeply to be JSON, or contains itself");
    luaL_checkstack(t->L, 8, "the value is nested too deeply");
    n = take_table(t, index);
    t->depth--;
    return n;
}

static struct node *take(struct taking *t, int index)
{
    struct exchange *x;
    struct node *n;

    switch (lua_type(t->L, index)) {
    case LUA_TNIL: return node_new_null(t->arena);
    case LUA_TBOOLEAN: return node_new_bool(t->arena, lua_toboolean(t->L, index));
    case LUA_TNUMBER: return take_number(t, lua_tonumber(t->L, index));
    case LUA_TSTRING: {
        size_t len;
        const char *text = lua_tolstring(t->L, index, &len);

        return node_new_string(t->arena, arena_copy(t->arena, (struct str){text, len}));
    }
    case LUA_TTABLE: return take_container(t, index);
    case TYPE_CDATA: return take_cdata(t, index);
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(t->L, index) == NULL)
            return node_new_null(t->arena);
        break;
    case LUA_TUSERDATA:
        if (box_test(t->L, index, BOX_DOC) != NULL) {
            n = check_doc(t->L, index, &x);
            return copy_node(t->s, t->L, x, n, t->arena);
        }
        break;
    default: break;
    }
    luaL_error(t->L, "a %s cannot be JSON", luaL_typename(t->L, index));
    return NULL;
}

struct node *take_value(struct script *s, lua_State *L, int index, struct arena *a)
{
    struct taking t = {s, L, a, 0};

    return take(&t, index);
}
