/* buf - a byte queue with a hard limit.
 *
 * Bytes are appended at the tail and consumed at the head:
 *
 *     0 ...... head ...... tail ...... cap ...... max
 *       consumed   readable    spare      may grow
 *
 * Owner:   the struct that embeds it; buf_fini releases the memory.
 * Borrow:  buf_head() stays valid until the next append, reserve or fini.
 * Errors:  buf_append and buf_reserve are the only calls that can fail, at the limit.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/util.h"
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data;  /* NULL until the first append */
    size_t head; /* first readable byte */
    size_t tail; /* one past the last readable byte */
    size_t cap;  /* allocated size */
    size_t max;  /* never holds more than this many readable bytes */
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);

/* Copies len bytes to the tail. False, and unchanged, if max would be passed. */
MUST_CHECK bool buf_append(struct buf *b, const void *src, size_t len);

/* Room for len bytes behind the tail, NULL if max would be passed; buf_commit makes the
 * first len bytes written there readable. */
MUST_CHECK char *buf_reserve(struct buf *b, size_t len);
void buf_commit(struct buf *b, size_t len);

/* Drops len bytes from the head; len <= buf_len(b). */
void buf_consume(struct buf *b, size_t len);
void buf_clear(struct buf *b);

const char *buf_head(const struct buf *b);
size_t buf_len(const struct buf *b);

#endif
