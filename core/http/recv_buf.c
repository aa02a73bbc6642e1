#include "http/recv_buf.h"

#include "base/mem.h"
#include <string.h>

void recv_cache_init(struct recv_cache *cache)
{
    *cache = (struct recv_cache){.count = 0};
}

void recv_cache_fini(struct recv_cache *cache)
{
    while (cache->count > 0)
        mem_free(cache->free[--cache->count]);
    cache->closed = true;
}

static void lend(struct recv_buf *b, struct recv_cache *cache)
{
    b->data = cache->count > 0 ? cache->free[--cache->count] : mem_alloc(RECV_BUF_SIZE);
    b->cap = RECV_BUF_SIZE;
}

void recv_buf_make_room(struct recv_buf *b, struct recv_cache *cache)
{
    if (b->data == NULL)
        lend(b, cache);
    if (b->start == b->end) {
        b->start = b->end = 0;
        return;
    }
    if (b->end < b->cap)
        return;
    if (b->start > 0) {
        memmove(b->data, b->data + b->start, b->end - b->start);
        b->end -= b->start;
        b->start = 0;
        return;
    }
    b->cap *= 2;
    b->data = mem_realloc(b->data, b->cap);
}

bool recv_buf_is_empty(const struct recv_buf *b)
{
    return b->start == b->end;
}

void recv_buf_free(struct recv_buf *b)
{
    mem_free(b->data);
    *b = (struct recv_buf){.data = NULL};
}

void recv_buf_give(struct recv_buf *b, struct recv_cache *cache)
{
    if (b->cap != RECV_BUF_SIZE || cache->closed || cache->count == RECV_CACHE_MAX) {
        recv_buf_free(b);
        return;
    }
    cache->free[cache->count++] = b->data;
    *b = (struct recv_buf){.data = NULL};
}
