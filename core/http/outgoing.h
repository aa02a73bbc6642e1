/* outgoing - what of a request is still to be sent: its head, then its content.
 *
 *     head | chunk-size | borrowed content | end of chunks        FETCH_BYTES
 *     head | queue of framed, copied content                      FETCH_STREAM
 *
 * Head and content leave in one write. The content can be held back while the server is asked first.
 *
 * Borrow:  the head and the borrowed content must live until outgoing_fini.
 * Owner:   the struct that embeds it; outgoing_fini releases the queue.
 */
#ifndef HTTP_OUTGOING_H
#define HTTP_OUTGOING_H

#include "base/buf.h"
#include "http/h1_writer.h"
#include "net/env.h"

enum { OUTGOING_MARK = 65536 }; /* bytes of queue that make the writer wait */

struct outgoing {
    struct str head;
    size_t head_sent;
    char chunk_head[H1_CHUNK_HEAD_MAX];
    size_t chunk_head_len;
    const struct iovec *iov;
    int count;
    struct str tail;
    int at;         /* the part after the head that goes next: 0 chunk-size, 1.. iov, count + 1 tail */
    size_t at_sent; /* bytes of it that are gone */
    struct buf queue;
    bool streams; /* content comes by outgoing_write */
    bool chunked;
    int64_t left;  /* of an announced length: bytes that outgoing_write must still get; -1: none announced */
    bool ended;    /* nothing will be added */
    bool held;     /* only the head may go */
    bool is_short; /* ended before its announced length, or passed it: the message can never be complete */
    bool starved;  /* the writer was told to wait */
    bool dropped;  /* nothing is sent any more; what is added is thrown away */
};

void outgoing_init(struct outgoing *o, const struct iovec *iov, int count, bool chunked);
void outgoing_init_stream(struct outgoing *o, int64_t length);
void outgoing_fini(struct outgoing *o);

/* Everything but the queue is sent again from its beginning, with this head. */
void outgoing_set_head(struct outgoing *o, struct str head);

/* Sends what can be sent now. IO_OK: nothing is left for now. */
enum io outgoing_send(struct outgoing *o, struct sock *s, size_t *sent);

/* Adds content: to the sock at once, together with the head, as far as it takes it (s is NULL: not connected
 * yet), and the rest to the queue. */
enum io outgoing_write(struct outgoing *o, struct sock *s, const struct iovec *iov, int n, bool end,
                       size_t *sent);

bool outgoing_is_complete(const struct outgoing *o); /* the whole request is gone */
bool outgoing_has_content(const struct outgoing *o);
bool outgoing_is_full(const struct outgoing *o); /* the writer should wait */
void outgoing_drop(struct outgoing *o);

#endif
