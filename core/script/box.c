#include "script/box.h"

#include "base/mem.h"
#include "script/run.h"
#include "script/state.h"

/* The address of a name is the mark of its kind. */
static const char *const kind_names[BOX_KINDS] = {
    "exchange", "call", "response", "reply", "document", "store", "bucket", "paths", "renames",
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
    life->own.ref = life->response.ref = LUA_NOREF;
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

static void let_go(struct script *s, struct kept_box *kept)
{
    luaL_unref(s->L, LUA_REGISTRYINDEX, kept->ref);
    kept->ref = LUA_NOREF;
    kept->box = NULL;
    kept->foreign = false;
}

void life_end(struct script *s, struct life *life)
{
    life->generation++;
    life->x = NULL;
    life->c = NULL;
    life->query_text = STR_NONE;
    if (life->own.foreign)
        let_go(s, &life->own);
    if (life->response.foreign)
        let_go(s, &life->response);
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
    struct box_head *head = lua_newuserdata(L, size);

    head->mark = kind_names[kind];
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta_refs[kind]);
    lua_setmetatable(L, -2);
    return head;
}

static void push_new(struct script *s, lua_State *L, struct life *life, struct kept_box *kept,
                     enum box_kind kind)
{
    kept->box = push_box(s, L, kind, sizeof(*kept->box));
    kept->box->life = life;
    kept->box->node = NULL;
    lua_pushvalue(L, -1);
    kept->ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

static void push_kept(struct script *s, lua_State *L, struct life *life, struct kept_box *kept,
                      enum box_kind kind)
{
    if (kept->box != NULL && kept->box->head.mark == kind_names[kind]) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, kept->ref);
    } else { /* a life may have been a call's before it was an exchange's */
        let_go(s, kept);
        push_new(s, L, life, kept, kind);
    }
    kept->box->generation = life->generation;
    kept->foreign = kept->foreign || run_is_foreign(s->running);
}

void push_exchange(struct script *s, lua_State *L, struct exchange *x)
{
    struct life *life = life_of_exchange(s, x);

    push_kept(s, L, life, &life->own, BOX_EXCHANGE);
}

void push_call(struct script *s, lua_State *L, struct call *c)
{
    struct life *life = life_of_call(s, c);

    push_kept(s, L, life, &life->own, BOX_CALL);
}

void push_response(struct script *s, lua_State *L, struct life *life)
{
    push_kept(s, L, life, &life->response, life->c != NULL ? BOX_REPLY : BOX_RESPONSE);
}

void push_doc(struct script *s, lua_State *L, struct exchange *x, struct node *n)
{
    struct life *life = life_of_exchange(s, x);
    struct box *box = push_box(s, L, BOX_DOC, sizeof(*box));

    box->life = life;
    box->generation = life->generation;
    box->node = n;
}

void *box_as(void *userdata, enum box_kind kind)
{
    struct box_head *head = userdata;

    return head != NULL && head->mark == kind_names[kind] ? head : NULL;
}

void *box_test(lua_State *L, int index, enum box_kind kind)
{
    return box_as(lua_touserdata(L, index), kind);
}

void *check_box(lua_State *L, int index, enum box_kind kind)
{
    void *box = box_test(L, index, kind);

    if (box == NULL)
        luaL_typerror(L, index, kind_names[kind]);
    return box;
}

struct life *check_life(lua_State *L, int index, enum box_kind kind)
{
    struct box *box = check_box(L, index, kind);

    if (box->generation != box->life->generation)
        luaL_argerror(L, index, kind == BOX_CALL || kind == BOX_REPLY ? "call is over" : "exchange is over");
    return box->life;
}

struct node *check_doc(lua_State *L, int index, struct exchange **x)
{
    *x = check_life(L, index, BOX_DOC)->x;
    return ((struct box *)lua_touserdata(L, index))->node;
}
