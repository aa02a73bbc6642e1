#include "script/box.h"

#include "base/mem.h"
#include "script/state.h"

enum { ANCHORS_PER_LIFE = 2 }; /* the box itself, the box of its response */

static const char *const kind_names[BOX_KINDS] = {
    "exchange", "call", "response", "response", "document", "store", "paths", "renames",
};

static struct life *life_begin(struct script *s)
{
    struct life *life;

    if (!list_is_empty(&s->free_lives)) {
        life = container_of(s->free_lives.next, struct life, link);
        list_remove(&life->link);
        return life;
    }
    life = mem_zalloc(sizeof(*life));
    life->anchor = (int)(s->life_count++ * ANCHORS_PER_LIFE) + 1;
    list_init(&life->link);
    list_init(&life->waiting);
    return life;
}

struct life *life_of_exchange(struct script *s, struct exchange *x)
{
    struct life *life = x->script;

    if (life == NULL) {
        life = life_begin(s);
        life->x = x;
        x->script = life;
    }
    return life;
}

struct life *life_of_call(struct script *s, struct call *c)
{
    struct life *life = c->script;

    if (life == NULL) {
        life = life_begin(s);
        life->x = c->exchange;
        life->c = c;
        c->script = life;
    }
    return life;
}

void life_end(struct script *s, struct life *life)
{
    life->generation++;
    life->x = NULL;
    life->c = NULL;
    life->anchored[0] = life->anchored[1] = false;
    life->query_text = STR_NONE;
    list_push_front(&s->free_lives, &life->link);
}

void lives_free(struct script *s)
{
    list_each (&s->free_lives, link, after)
        mem_free(container_of(link, struct life, link));
    list_init(&s->free_lives);
}

void *push_box(struct script *s, lua_State *L, enum box_kind kind, size_t size)
{
    void *box = lua_newuserdata(L, size);

    lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta_refs[kind]);
    lua_setmetatable(L, -2);
    return box;
}

/* Pushes the box of this life's generation, made at first use and kept until its next life makes another. A
 * box is not used again for another exchange: a plugin that kept it would see another client's request. */
static void push_anchored(struct script *s, lua_State *L, struct life *life, unsigned which,
                          enum box_kind kind)
{
    int index = life->anchor + (int)which;
    struct box *box;

    lua_rawgeti(L, LUA_REGISTRYINDEX, s->anchors);
    if (life->anchored[which]) {
        lua_rawgeti(L, -1, index);
    } else {
        box = push_box(s, L, kind, sizeof(*box));
        *box = (struct box){life, life->generation, NULL};
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, index);
        life->anchored[which] = true;
    }
    lua_remove(L, -2);
}

void push_exchange(struct script *s, lua_State *L, struct exchange *x)
{
    push_anchored(s, L, life_of_exchange(s, x), 0, BOX_EXCHANGE);
}

void push_call(struct script *s, lua_State *L, struct call *c)
{
    push_anchored(s, L, life_of_call(s, c), 0, BOX_CALL);
}

void push_response(struct script *s, lua_State *L, struct life *life)
{
    push_anchored(s, L, life, 1, life->c != NULL ? BOX_REPLY : BOX_RESPONSE);
}

void push_doc(struct script *s, lua_State *L, struct exchange *x, struct node *n)
{
    struct life *life = life_of_exchange(s, x);
    struct box *box = push_box(s, L, BOX_DOC, sizeof(*box));

    *box = (struct box){life, life->generation, n};
}

void *box_test(struct script *s, lua_State *L, int index, enum box_kind kind)
{
    void *box = lua_touserdata(L, index);
    const void *meta;

    if (box == NULL || !lua_getmetatable(L, index))
        return NULL;
    meta = lua_topointer(L, -1);
    lua_pop(L, 1);
    return meta == s->metas[kind] ? box : NULL;
}

void *check_box(struct script *s, lua_State *L, int index, enum box_kind kind)
{
    void *box = box_test(s, L, index, kind);

    if (box == NULL)
        luaL_typerror(L, index, kind_names[kind]);
    return box;
}

struct life *check_life(struct script *s, lua_State *L, int index, enum box_kind kind)
{
    struct box *box = check_box(s, L, index, kind);

    if (box->generation != box->life->generation)
        luaL_argerror(L, index, kind == BOX_CALL || kind == BOX_REPLY ? "call is over" : "exchange is over");
    return box->life;
}

struct node *check_doc(struct script *s, lua_State *L, int index, struct exchange **x)
{
    *x = check_life(s, L, index, BOX_DOC)->x;
    return ((struct box *)lua_touserdata(L, index))->node;
}
