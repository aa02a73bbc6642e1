/* h1_chunked - the chunked transfer coding (RFC 9112 section 7.1), strict, in place.
 *
 * Reads a receive buffer as it comes, hands out the spans of content in it, checks and drops chunk extensions
 * and the trailer section.
 */
#ifndef HTTP_H1_CHUNKED_H
#define HTTP_H1_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum chunked_result {
    CHUNKED_MORE, /* all of the input is consumed, more must come */
    CHUNKED_DONE, /* the last chunk and the trailer section are consumed */
    CHUNKED_FULL, /* no spans left: call again with the rest */
    CHUNKED_BAD,
};

enum { CHUNKED_LINE_MAX = 4096, CHUNKED_TRAILER_MAX = 65536 };

struct chunked {
    int state;
    unsigned digits;    /* of the size so far */
    uint64_t left;      /* of the current chunk */
    size_t line_len;    /* of the chunk-size line so far */
    size_t trailer_len; /* of the trailer section so far */
    size_t excess;      /* bytes of chunk-size lines beyond what their chunks warrant */
};

void chunked_init(struct chunked *c);

/* Consumes from data; *used says how many bytes. Spans of content are stored from iov[0] on, *count says how
 * many. */
enum chunked_result chunked_read(struct chunked *c, const char *data, size_t len, size_t *used,
                                 struct iovec *iov, int max, int *count);

#endif
