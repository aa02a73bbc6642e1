/* map - text to pointer, in the order of insertion.
 *
 * Owner:   the struct that embeds it; map_fini releases the table, never the values.
 * Borrow:  keys are borrowed: their bytes must outlive the map.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct map_entry {
    struct str key;
    void *value;
};

struct map {
    struct map_entry *entries; /* in order of insertion; [0, count) are valid */
    size_t count;
    size_t cap;
    uint32_t *slots; /* open addressing: index of the entry + 1, 0 for none */
    size_t slot_count;
};

void map_init(struct map *m);
void map_fini(struct map *m);
void *map_get(const struct map *m, struct str key);        /* NULL if it is not there */
void *map_set(struct map *m, struct str key, void *value); /* the value it replaced, or NULL */

#endif
