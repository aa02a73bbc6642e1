/* h1_content - takes the content of a response out of a receive buffer: framing (RFC 9112 section 6), then
 * gzip.
 *
 * Owner:   the struct that embeds it; h1_content_fini.
 * Borrow:  spans lie in the receive buffer, which must not move before they are used up.
 */
#ifndef HTTP_H1_CONTENT_H
#define HTTP_H1_CONTENT_H

#include "http/gunzip.h"
#include "http/h1_chunked.h"
#include "http/message.h"
#include "http/recv_buf.h"

enum content_result {
    CONTENT_MORE,   /* the buffer is used up; the content goes on */
    CONTENT_FULL,   /* there is more than fits: call again */
    CONTENT_END,    /* that was all */
    CONTENT_BAD,    /* broken framing */
    CONTENT_BROKEN, /* broken gzip */
    CONTENT_CUT,    /* gzip that ends too early; what it gave is sound */
    CONTENT_EXCESS, /* something else behind gzip; what it gave is sound */
};

struct h1_content {
    enum framing framing;
    uint64_t left; /* of FRAMING_LENGTH */
    struct chunked chunked;
    struct gunzip *gunzip; /* NULL: as it comes */
    struct str waiting;    /* out of the framing, not handed out yet */
    bool ended;            /* the framing is at its end */
};

void h1_content_init(struct h1_content *c, const struct response *r, bool gunzip);
void h1_content_fini(struct h1_content *c);

/* Hands out spans of the buffer as they lie there; not with gunzip. */
enum content_result h1_content_spans(struct h1_content *c, struct recv_buf *in, struct iovec *iov, int max,
                                     int *n);
/* Copies or decodes to dst; *got says how many bytes. cap > 0. */
enum content_result h1_content_fill(struct h1_content *c, struct recv_buf *in, char *dst, size_t cap,
                                    size_t *got);
/* The connection ended; false if that is not where the content ends. */
bool h1_content_close(struct h1_content *c);

#endif
