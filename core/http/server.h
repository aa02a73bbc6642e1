/* server - the downstream side: accepts connections, picks the protocol, hands out streams.
 *
 * A stream is one request and its response. Its owner (the gateway's exchange) gets it when the head of
 * the request is complete and must answer it. One interface for all HTTP versions (HTTP/2 joins later).
 *
 *     on_request ──► stream_read ──► on_body ... on_body(end)
 *                    stream_respond ──► stream_write ... stream_write(end) ──► on_done
 *                                                                      any time: on_abort
 *
 * Borrow:  the request head lives in stream->arena, until on_done or on_abort.
 * Events:  after on_done or on_abort the stream is gone. Neither is called from inside stream_* functions but
 * from the loop (a task), so callers may keep using the stream until they return.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/arena.h"
#include "http/message.h"
#include "net/env.h"
#include "net/listener.h"

struct server;
struct stream;
struct stream_ops;

struct server_options {
    int64_t read_timeout;        /* whole request; 0: none */
    int64_t read_header_timeout; /* 0: read_timeout */
    int64_t write_timeout;       /* from the end of the head to the end of the response; 0: none */
    int64_t idle_timeout;        /* 0: read_timeout; < 0: none */
    size_t max_head;             /* bytes of request-line and fields: max_header_bytes + 4096; beyond: 431 */
    size_t max_target;           /* bytes of the target; beyond: 414. 0: only max_head counts */
};

struct stream_events {
    /* Content, as spans valid for the call only; end: that was all (n may be 0). Only after stream_read(s,
     * true). */
    void (*on_body)(struct stream *s, const struct iovec *iov, int n, bool end);
    /* What was written has drained below the mark: go on with stream_write. */
    void (*on_writable)(struct stream *s);
    /* The response is out (or lies in the kernel's buffer). */
    void (*on_done)(struct stream *s);
    /* The client went away, broke the rules inside the content, or ran into a timeout. Nothing can be sent
     * any more. The stream is gone when this returns. */
    void (*on_abort)(struct stream *s, const char *why);
};

/* Who is at the other end of a connection. */
struct peer {
    struct str ip; /* its address; "" if it has none */
    char text[ADDR_TEXT_MAX];
    /* The owner's: what it has made of the address, for all streams of the connection. */
    uint64_t mark[2];
    bool is_marked;
};

struct stream {
    struct request request;
    struct peer *peer;                  /* lives as long as the stream and longer */
    const struct stream_ops *ops;       /* the protocol's */
    struct arena *arena;                /* of this request: use it for everything that lives as long */
    const struct stream_events *events; /* set by on_request before it returns */
    /* The owner's: they go with an answer that the server gives in its place (content that stalls). NULL:
     * none. */
    const struct fields *failure_fields;
    void *owner;
    int64_t started;   /* env->now when its first byte came */
    uint64_t received; /* content bytes so far */
    uint64_t sent;     /* content bytes of the response so far */
};

struct server_response {
    int status;
    const struct fields *fields; /* as given, without those of framing; Date is added unless it is there */
    int64_t length;              /* of the content if known, else -1. With end: taken from the spans */
    bool close;                  /* close the connection afterwards */
};

typedef void server_request_fn(void *owner, struct stream *s);

struct server *server_new(struct env *env, struct arena_cache *cache, const struct server_options *options,
                          server_request_fn *on_request, void *owner);
/* For listener's on_accept: the server takes the sock. */
void server_accept(struct server *s, struct sock *sock);
/* Stops keep-alive: a connection closes after its next response, which says so. Idle ones stay. */
void server_end_keep_alive(struct server *s);
/* The same, and idle connections close now. Those on which a head has begun do within 5 s if it does not
 * end. */
void server_drain(struct server *s);
size_t server_conn_count(const struct server *s);
void server_free(struct server *s); /* cuts what is left */

/* Wants the content (true) or pauses it (false: back-pressure). The first time it sends 100 (Continue) if the
 * client waits for it. Content that nobody wanted is read and dropped up to a limit (256 KiB), else the
 * connection closes. */
void stream_read(struct stream *s, bool on);

/* Sends the head and content in one write. With end the spans are borrowed until on_done or on_abort;
 * otherwise they are used or copied before it returns. Once per stream. A HEAD request, 204 and 304 get no
 * content whatever is given. */
void stream_respond(struct stream *s, const struct server_response *r, const struct iovec *iov, int n,
                    bool end);
/* An informational response before the final one: a status of 102 to 199, fields as for stream_respond.
 * Copied. Not sent to who would not understand it (HTTP/1.0), to who leaves much unread, nor once the final
 * one has begun. */
void stream_inform(struct stream *s, int status, const struct fields *fields);
/* More content; copied as far as it cannot be sent. False: enough for now, wait for on_writable. */
bool stream_write(struct stream *s, const struct iovec *iov, int n, bool end);
/* Ends the response where it is: the connection closes without the end of the content. on_done follows. */
void stream_cut(struct stream *s);

#endif
