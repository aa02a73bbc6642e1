/* recv_buf - receive buffers, lent to a connection for as long as bytes wait in them.
 *
 *     0 ...... start ...... end ...... cap
 *       taken        waiting    room
 *
 * The cache is a stack: the memory given back last is lent first, while it is hot. A connection without
 * waiting bytes has no buffer at all.
 *
 * Owner:   whoever embeds the recv_buf gives its memory back; recv_cache_fini frees what the cache holds.
 */
#ifndef HTTP_RECV_BUF_H
#define HTTP_RECV_BUF_H

#include <stdbool.h>
#include <stddef.h>

enum { RECV_BUF_SIZE = 65536, RECV_CACHE_MAX = 32 };

struct recv_cache {
    char *free[RECV_CACHE_MAX];
    unsigned count;
    bool closed; /* what is given back is freed */
};

void recv_cache_init(struct recv_cache *cache);
void recv_cache_fini(struct recv_cache *cache);

struct recv_buf {
    char *data; /* NULL: none */
    size_t start;
    size_t end;
    size_t cap;
};

/* Makes room behind the end: lends memory, moves what waits to the front, or doubles it. Its limit is the
 * caller's. */
void recv_buf_make_room(struct recv_buf *b, struct recv_cache *cache);
bool recv_buf_is_empty(const struct recv_buf *b);
void recv_buf_give(struct recv_buf *b, struct recv_cache *cache); /* leaves zeroes; fine without memory */
void recv_buf_free(struct recv_buf *b);                           /* the same past the cache */

#endif
