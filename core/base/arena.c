#include "base/arena.h"

#include "base/mem.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    ALIGNMENT = 16,
    BLOCK_SIZE = 4096,
    /* More would be wasted at the end of a standard block, so it gets one of its own. */
    LARGE = BLOCK_SIZE / 4,
    CACHE_MAX = 1024, /* free blocks a cache keeps: 4 MB */
};

struct arena_block {
    struct arena_block *next;
    bool standard; /* belongs into the cache */
    _Alignas(ALIGNMENT) char bytes[];
};

void arena_cache_init(struct arena_cache *cache)
{
    *cache = (struct arena_cache){0};
}

void arena_cache_fini(struct arena_cache *cache)
{
    while (cache->free != NULL) {
        struct arena_block *block = cache->free;
        cache->free = block->next;
        mem_free(block);
    }
    cache->count = 0;
}

static struct arena_block *take_block(struct arena_cache *cache)
{
    if (cache == NULL || cache->free == NULL)
        return mem_alloc(BLOCK_SIZE);
    struct arena_block *block = cache->free;
    cache->free = block->next;
    cache->count--;
    return block;
}

static void give_block(struct arena_cache *cache, struct arena_block *block)
{
    if (cache == NULL || !block->standard || cache->count == CACHE_MAX) {
        mem_free(block);
        return;
    }
    block->next = cache->free;
    cache->free = block;
    cache->count++;
}

void arena_init(struct arena *a, struct arena_cache *cache)
{
    *a = (struct arena){.cache = cache};
}

void arena_fini(struct arena *a)
{
    while (a->blocks != NULL) {
        struct arena_block *block = a->blocks;
        a->blocks = block->next;
        give_block(a->cache, block);
    }
    *a = (struct arena){.cache = a->cache};
}

static void push_block(struct arena *a, struct arena_block *block, bool standard)
{
    block->standard = standard;
    block->next = a->blocks;
    a->blocks = block;
}

/* What does not fit into the newest standard block. The rest of that block is left unused. */
static char *alloc_slow(struct arena *a, size_t size)
{
    if (size > LARGE) {
        struct arena_block *large = mem_alloc(sizeof(struct arena_block) + size);
        push_block(a, large, false);
        return large->bytes;
    }
    struct arena_block *block = take_block(a->cache);
    push_block(a, block, true);
    a->pos = block->bytes + size;
    a->end = (char *)block + BLOCK_SIZE;
    return block->bytes;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t gap = -(uintptr_t)a->pos & (ALIGNMENT - 1);
    size_t room = (size_t)(a->end - a->pos);

    if (gap > room || size > room - gap || a->pos == NULL)
        return alloc_slow(a, size);
    char *start = a->pos + gap;
    a->pos = start + size;
    return start;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    return memset(arena_alloc(a, size), 0, size);
}

char *arena_bytes(struct arena *a, size_t len)
{
    if (len > (size_t)(a->end - a->pos) || a->pos == NULL)
        return alloc_slow(a, len);
    char *start = a->pos;
    a->pos += len;
    return start;
}

void arena_trim(struct arena *a, const char *bytes, size_t len, size_t used)
{
    if (bytes + len == a->pos) /* not so for what has a block of its own */
        a->pos -= len - used;
}

struct str arena_join(struct arena *a, struct str left, struct str right)
{
    char *copy = arena_bytes(a, left.len + right.len + 1);

    if (left.len > 0)
        memcpy(copy, left.ptr, left.len);
    if (right.len > 0)
        memcpy(copy + left.len, right.ptr, right.len);
    copy[left.len + right.len] = '\0';
    return (struct str){copy, left.len + right.len};
}

struct str arena_copy(struct arena *a, struct str s)
{
    return arena_join(a, s, STR_NONE);
}

struct str arena_vprintf(struct arena *a, const char *format, va_list args)
{
    /* Tried in place first: most texts fit into what is left of the block. */
    size_t room = (size_t)(a->end - a->pos);
    va_list again;

    va_copy(again, args);
    int len = vsnprintf(a->pos, room, format, args);
    char *text = a->pos;
    if (len < 0) {
        text = NULL;
        len = 0;
    } else if ((size_t)len >= room) {
        text = arena_bytes(a, (size_t)len + 1);
        vsnprintf(text, (size_t)len + 1, format, again);
    } else {
        a->pos += len + 1;
    }
    va_end(again);
    return (struct str){text, (size_t)len};
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    struct str text = arena_vprintf(a, format, args);
    va_end(args);
    return text;
}
