#include "gateway/sequence.h"

#include "base/mem.h"
#include "gateway/proxy.h"
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX_DEPTH = 100 }; /* of nested values in a URL; what lies deeper is left out */

/* --- text ------------------------------------------------------------------------------------- */

/* Text that grows in an arena. */
struct text {
    struct arena *arena;
    char *ptr;
    size_t len, cap;
};

static void put(struct text *t, struct str s)
{
    if (t->len + s.len > t->cap) {
        size_t cap = (t->len + s.len) * 2 + 32;
        char *grown = arena_bytes(t->arena, cap);

        if (t->len > 0)
            memcpy(grown, t->ptr, t->len);
        t->ptr = grown;
        t->cap = cap;
    }
    if (s.len > 0)
        memcpy(t->ptr + t->len, s.ptr, s.len);
    t->len += s.len;
}

struct member {
    struct str name;
    struct node *value;
};

static int compare_members(const void *left, const void *right)
{
    return str_compare(((const struct member *)left)->name, ((const struct member *)right)->name);
}

static void put_value(struct text *t, struct node *n, unsigned depth);

static void put_object(struct text *t, struct node *n, unsigned depth)
{
    size_t count = 0;
    struct member *members = arena_alloc(t->arena, (node_count(n) + 1) * sizeof(*members));
    struct node_cursor cursor = {0};

    while (node_next(n, &cursor, &members[count].name, &members[count].value))
        count++;
    qsort(members, count, sizeof(*members), compare_members);
    put(t, STR("map["));
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(t, STR(" "));
        put(t, members[i].name);
        put(t, STR(":"));
        put_value(t, members[i].value, depth + 1);
    }
    put(t, STR("]"));
}

static void put_elements(struct text *t, struct node *n, struct str between, unsigned depth)
{
    struct node_cursor cursor = {0};
    struct node *child;
    struct str name;
    bool first = true;

    while (node_next(n, &cursor, &name, &child)) {
        if (!first)
            put(t, between);
        first = false;
        put_value(t, child, depth + 1);
    }
}

static void put_value(struct text *t, struct node *n, unsigned depth)
{
    if (depth > TEXT_MAX_DEPTH)
        return;
    switch (node_type(n)) {
    case DOC_NULL: put(t, STR("<nil>")); return;
    case DOC_FALSE: put(t, STR("false")); return;
    case DOC_TRUE: put(t, STR("true")); return;
    case DOC_NUMBER: put(t, node_number(n)); return;
    case DOC_STRING: put(t, node_string(n)); return;
    case DOC_OBJECT: put_object(t, n, depth); return;
    case DOC_ARRAY:
        put(t, STR("["));
        put_elements(t, n, STR(" "), depth);
        put(t, STR("]"));
        return;
    }
}

struct str sequence_text(struct arena *a, struct node *n)
{
    struct text t = {.arena = a};

    if (node_type(n) == DOC_ARRAY)
        put_elements(&t, n, STR(","), 0);
    else
        put_value(&t, n, 0);
    return (struct str){t.ptr, t.len};
}

/* --- references ------------------------------------------------------------------------------- */

/* Steps into objects; where a step is missing the walk stays, and the last step is looked up there (R-SQ-5).
 */
static struct node *walk(struct node *data, struct str path)
{
    struct str rest = path;

    for (;;) {
        struct str step = str_split(&rest, '.');
        struct node *next = node_get(data, step);

        if (rest.ptr == NULL)
            return next;
        if (next == NULL || node_type(next) != DOC_OBJECT) {
            while (rest.ptr != NULL)
                step = str_split(&rest, '.');
            return node_get(data, step);
        }
        data = next;
    }
}

static bool find_text(struct exchange *x, const struct reference *r, struct str *text)
{
    const struct call *c = x->parts[r->from].result;
    struct node *value;

    if (c == NULL || c->failed)
        return false;
    if (r->path.len == 0) {
        *text = c->content;
        return c->backend->encoding == ENCODING_NOOP && c->has_content;
    }
    value = c->data != NULL ? walk(c->data, r->path) : NULL;
    if (value != NULL) /* a list that is null has no elements, as an empty one (R-SQ-7) */
        *text = value == c->null_list ? STR("") : sequence_text(x->arena, value);
    return value != NULL;
}

/* Once there is a text it stays; an empty one is none (R-SQ-6). */
static void resolve(struct exchange *x, const struct reference *r, size_t i)
{
    const struct param *known = exchange_param_by_key(x, r->key);
    struct str text;

    if (r->from >= i || (known != NULL && known->settled) || !find_text(x, r, &text))
        return;
    exchange_set_param(x, r->key, text)->settled = text.len > 0;
}

void sequence_resolve(struct exchange *x, size_t i)
{
    const struct backend_plan *plan = x->parts[i].plan;

    for (size_t k = 0; k < plan->reference_count; k++)
        resolve(x, &plan->references[k], i);
    for (size_t k = 0; k < x->plan->propagated_count; k++)
        resolve(x, &x->plan->propagated[k], i);
}
