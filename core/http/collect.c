#include "http/collect.h"

#include <string.h>

enum { SMALLEST = 4096 };

void collect_init(struct collect *c, struct arena *arena, size_t size, size_t max)
{
    *c = (struct collect){.arena = arena, .cap = size < max ? size : max, .max = max};
    c->data = arena_bytes(arena, c->cap);
}

bool collect_grow(struct collect *c)
{
    size_t cap = c->cap < SMALLEST / 2 ? SMALLEST : c->cap > c->max / 2 ? c->max : 2 * c->cap;
    char *data;

    if (c->len < c->cap)
        return true;
    if (c->cap == c->max)
        return false;
    if (cap > c->max)
        cap = c->max;
    data = arena_bytes(c->arena, cap);
    if (c->len > 0)
        memcpy(data, c->data, c->len);
    c->data = data;
    c->cap = cap;
    return true;
}
