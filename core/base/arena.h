/* arena - memory that dies together.
 *
 * An arena hands out memory by moving a pointer through blocks, and releases all of it at
 * once. Standard blocks come from and return to a cache, so a worker in steady state
 * allocates nothing.
 *
 * Owner:   the struct that embeds it; arena_fini gives the blocks back.
 * Borrow:  what it handed out is valid until arena_fini.
 * Errors:  none; see mem.h.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"
#include "base/util.h"
#include <stdarg.h>

struct arena_block;

/* Free standard blocks, shared by the arenas of one worker. */
struct arena_cache {
    struct arena_block *free;
    unsigned count;
};

void arena_cache_init(struct arena_cache *cache);
void arena_cache_fini(struct arena_cache *cache);

struct arena {
    struct arena_block *blocks; /* the newest first */
    char *pos;                  /* next free byte of the newest standard block */
    char *end;
    struct arena_cache *cache; /* NULL: blocks come from and go to the heap */
};

void arena_init(struct arena *a, struct arena_cache *cache);
void arena_fini(struct arena *a);

/* Aligned to 16 bytes, not zeroed. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_zalloc(struct arena *a, size_t size);

/* Unaligned: for text. */
char *arena_bytes(struct arena *a, size_t len);
/* Of the newest len bytes, only the first `used` were needed: the next allocation may have the rest. */
void arena_trim(struct arena *a, const char *bytes, size_t len, size_t used);

/* A copy with a NUL behind it. */
struct str arena_copy(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct str arena_vprintf(struct arena *a, const char *format, va_list args);

/* Copies of both, one behind the other. */
struct str arena_join(struct arena *a, struct str left, struct str right);

#endif
