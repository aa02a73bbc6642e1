#include "base/map.h"

#include "base/mem.h"
#include <stdint.h>
#include <string.h>

enum { SMALLEST = 8 };

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_fini(struct map *m)
{
    mem_free(m->entries);
    mem_free(m->slots);
    *m = (struct map){0};
}

/* FNV-1a: keys come from configurations, not from clients. */
static uint32_t hash(struct str key)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.ptr[i]) * 16777619u;
    return h;
}

/* The slot that holds key, or the free one where it belongs. slot_count is a power of two and never full. */
static uint32_t *find_slot(const struct map *m, struct str key)
{
    size_t mask = m->slot_count - 1;

    for (size_t i = hash(key) & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &m->slots[i];
        if (*slot == 0 || str_equal(m->entries[*slot - 1].key, key))
            return slot;
    }
}

void *map_get(const struct map *m, struct str key)
{
    uint32_t found = m->count > 0 ? *find_slot(m, key) : 0;

    return found > 0 ? m->entries[found - 1].value : NULL;
}

static void grow(struct map *m)
{
    m->cap = m->cap > 0 ? m->cap * 2 : SMALLEST;
    m->entries = mem_realloc(m->entries, m->cap * sizeof(*m->entries));
    m->slot_count = m->cap * 2;
    mem_free(m->slots);
    m->slots = mem_zalloc(m->slot_count * sizeof(*m->slots));
    for (size_t i = 0; i < m->count; i++)
        *find_slot(m, m->entries[i].key) = (uint32_t)(i + 1);
}

void *map_set(struct map *m, struct str key, void *value)
{
    if (m->count == m->cap)
        grow(m);
    uint32_t *slot = find_slot(m, key);
    if (*slot > 0) {
        void *old = m->entries[*slot - 1].value;
        m->entries[*slot - 1].value = value;
        return old;
    }
    m->entries[m->count] = (struct map_entry){key, value};
    *slot = (uint32_t)++m->count;
    return NULL;
}
