/* server_conn - what the server shares with the protocols its connections speak: h1_server.c, and HTTP/2
 * later. */
#ifndef HTTP_SERVER_CONN_H
#define HTTP_SERVER_CONN_H

#include "base/clock.h"
#include "http/recv_buf.h"
#include "http/server.h"

enum {
    STREAM_QUEUE_MARK = 65536, /* bytes waiting to be sent that make stream_write say "enough" */
    STREAM_DROP_MAX = 262144,  /* content nobody wanted that is read and dropped to keep a connection */
};

/* How long a server that drains waits for the rest of a head (as net/http does, and so KrakenD). */
#define LAST_HEAD_TIME (5 * SECOND)
#define LINGER_TIME    (500 * MILLISECOND)
/* A client that sends nothing more counts as gone when its response does not go on for so long. */
#define HALF_CLOSED_TIME (150 * MILLISECOND)

struct server {
    struct env *env;
    struct arena_cache *cache;
    struct server_options options;
    server_request_fn *on_request;
    void *owner;
    struct list conns;
    size_t conn_count;
    bool draining; /* each response is the last of its connection */
    struct recv_cache buffers;
    int64_t date_second; /* when date was written */
    char date[HTTP_DATE_LEN + 1];
};

struct server_conn;

struct server_conn_ops {
    void (*drain)(struct server_conn *c); /* closes if it is idle */
    void (*cut)(struct server_conn *c);   /* close now; its streams are aborted */
};

struct server_conn {
    struct list link;
    struct server *server;
    const struct server_conn_ops *ops;
    struct peer peer;
};

struct stream_ops {
    void (*read)(struct stream *s, bool on);
    void (*respond)(struct stream *s, const struct server_response *r, const struct iovec *iov, int n,
                    bool end);
    void (*inform)(struct stream *s, int status, const struct fields *fields);
    bool (*write)(struct stream *s, const struct iovec *iov, int n, bool end);
    void (*cut)(struct stream *s);
};

void server_add_conn(struct server *s, struct server_conn *c, struct sock *sock,
                     const struct server_conn_ops *ops);
void server_remove_conn(struct server_conn *c);

/* The value of Date, written once a second. */
const char *server_date(struct server *s);

/* A protocol takes an accepted sock. */
void h1_server_accept(struct server *s, struct sock *sock);

#endif
