#include "gateway/go_text.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 100 };

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

static int compare_members(const void *left, const void *right)
{
    return str_compare(((const struct go_member *)left)->name, ((const struct go_member *)right)->name);
}

struct go_member *go_members(struct arena *a, struct node *object, size_t *count)
{
    struct go_member *members = arena_alloc(a, (node_count(object) + 1) * sizeof(*members));
    struct node_cursor cursor = {0};

    *count = 0;
    while (node_next(object, &cursor, &members[*count].name, &members[*count].value))
        ++*count;
    qsort(members, *count, sizeof(*members), compare_members);
    return members;
}

static void put_value(struct text *t, struct node *n, unsigned depth);

static void put_object(struct text *t, struct node *n, unsigned depth)
{
    size_t count;
    struct go_member *members = go_members(t->arena, n, &count);

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
    if (depth > DEPTH_MAX)
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

struct str go_text(struct arena *a, struct node *n)
{
    struct text t = {.arena = a};

    put_value(&t, n, 0);
    return (struct str){t.ptr, t.len};
}

struct str go_text_elements(struct arena *a, struct node *array, struct str between)
{
    struct text t = {.arena = a};

    put_elements(&t, array, between, 0);
    return (struct str){t.ptr, t.len};
}

struct str go_text_list(struct arena *a, const struct str_list *list)
{
    struct text t = {.arena = a};

    put(&t, STR("["));
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            put(&t, STR(" "));
        put(&t, list->items[i]);
    }
    put(&t, STR("]"));
    return (struct str){t.ptr, t.len};
}
