/* collect - a content gathered in one piece of an arena, up to a limit.
 *
 * Owner:   the arena.
 */
#ifndef HTTP_COLLECT_H
#define HTTP_COLLECT_H

#include "base/arena.h"
#include <stdbool.h>

struct collect {
    struct arena *arena;
    char *data;
    size_t len;
    size_t cap;
    size_t max;
};

/* size: a guess of the whole, cut to max. */
void collect_init(struct collect *c, struct arena *arena, size_t size, size_t max);
/* Makes room behind len; false at the limit. */
bool collect_grow(struct collect *c);

#endif
