/* box - how Lua holds what belongs to C.
 *
 * Lua never owns an exchange, a call or a node of a document. It holds a box: a small userdata with the life
 * it belongs to and the generation that life had. When the exchange or call ends, its life's generation moves
 * on, so every box that was made of it is dead at once, wherever Lua keeps it, and says so when it is used.
 *
 * The box of an exchange that only our own plugins have seen is used again for the next one: they keep none.
 * One that a team's plugin has seen is not, for a plugin that kept it would see another client's request.
 *
 * Owner:   lives belong to the script and are reused; boxes belong to Lua's collector.
 */
#ifndef SCRIPT_BOX_H
#define SCRIPT_BOX_H

#include "base/list.h"
#include "http/target.h"
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct call;
struct exchange;
struct node;
struct script;

enum box_kind {
    BOX_EXCHANGE,
    BOX_CALL,
    BOX_RESPONSE, /* of an exchange: what is about to be sent */
    BOX_REPLY,    /* of a call: what its backend answered */
    BOX_DOC,      /* a container of a document */
    BOX_STORE,    /* the store as one place sees it */
    BOX_BUCKET,   /* token buckets of one rate, made by store:bucket */
    BOX_PATHS,    /* compiled by json.paths */
    BOX_RENAMES,  /* compiled by json.renames */
    BOX_KINDS,
};

/* What every box begins with. Plugins can make no userdata of other kinds, so the mark tells ours apart. */
struct box_head {
    const char *mark; /* of its kind */
};

/* Of exchanges, calls, responses and documents. */
struct box {
    struct box_head head;
    struct life *life;
    uint64_t generation;
    struct node *node; /* of BOX_DOC */
};

/* A box that a life keeps: its own, or its response's. */
struct kept_box {
    struct box *box;
    int ref;      /* LUA_NOREF: none was made */
    bool foreign; /* others than our own plugins have seen it */
};

/* An exchange or a call, as long as it lives. */
struct life {
    uint64_t generation;
    struct kept_box own, response;
    struct exchange *x;
    struct call *c;        /* NULL: the life of an exchange */
    struct list link;      /* script->free_lives */
    struct list waiting;   /* runs that are suspended */
    struct str query_text; /* the query that query was parsed from */
    struct query query;
};

/* The life of an exchange or call, begun at its first hook. */
struct life *life_of_exchange(struct script *s, struct exchange *x);
struct life *life_of_call(struct script *s, struct call *c);
/* All its boxes are dead from here on. */
void life_end(struct script *s, struct life *life);
void lives_free(struct script *s);

/* Pushes the box of an exchange, call or response; the same value each time. */
void push_exchange(struct script *s, lua_State *L, struct exchange *x);
void push_call(struct script *s, lua_State *L, struct call *c);
void push_response(struct script *s, lua_State *L, struct life *life);
/* Pushes a new box of a container node of x's memory. */
void push_doc(struct script *s, lua_State *L, struct exchange *x, struct node *n);
/* Pushes a new box of that kind, size bytes; only its head is set. */
void *push_box(struct script *s, lua_State *L, enum box_kind kind, size_t size);

/* The userdata if it is of that kind, else NULL. */
void *box_as(void *userdata, enum box_kind kind);
/* The userdata at index if it is of that kind, else NULL. */
void *box_test(lua_State *L, int index, enum box_kind kind);
/* They raise: a wrong type, or "exchange is over". */
void *check_box(lua_State *L, int index, enum box_kind kind);
struct life *check_life(lua_State *L, int index, enum box_kind kind);
/* The container at index; *x is whose memory it lives in. */
struct node *check_doc(lua_State *L, int index, struct exchange **x);

#endif
