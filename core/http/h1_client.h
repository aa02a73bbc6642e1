/* h1_client - one HTTP/1.1 connection to a backend (RFC 9112): a request goes out, its response comes in, and
 * the connection is kept for the next one if all of it was as it should be.
 *
 *     IDLE ──► HEAD ──► CONTENT ──► IDLE or CLOSED
 *      ▲         └────► DRAIN ────► the same
 *      └── kept in the pool, reading: a close, or bytes that nobody asked for, end it at once
 *
 * It is strict: whatever is not as RFC 9112 wants it ends the connection.
 *
 * Owner:   itself; the context lists it. Closed now, freed after the turn.
 * Borrow:  outgoing, response and arena of a request are its owner's until the last event, or until the owner
 * lets go. Events:  never before h1_client_send returns, none after the owner let go.
 */
#ifndef HTTP_H1_CLIENT_H
#define HTTP_H1_CLIENT_H

#include "http/client.h"
#include "http/collect.h"
#include "http/h1_content.h"
#include "http/h1_parser.h"
#include "http/outgoing.h"
#include "http/pool.h"
#include "http/recv_buf.h"

/* What all connections of a client share. */
struct h1_context {
    struct env *env;
    const struct client_options *options;
    struct pool pool;
    struct recv_cache buffers;
    struct list conns;
};

struct h1_client_events {
    /* The final head is there, in the response. How is its content wanted? False: the owner let go of the
     * connection. on_content follows at once, be it without content. */
    bool (*on_head)(void *owner, bool *gunzip, size_t *collect);
    /* Spans are valid for the call; with collect they live in the arena and come once. end: the owner has let
     * go. */
    void (*on_content)(void *owner, const struct iovec *iov, int n, bool end);
    /* An informational head is in the response, for the time of the call; neither 100 nor 101. */
    void (*on_interim)(void *owner);
    /* The connection is closed; ask it (it lives until the end of the turn) about its request. */
    void (*on_fail)(void *owner, enum fetch_failure why, const char *text);
    /* What was written is gone. */
    void (*on_writable)(void *owner);
};

enum h1_client_state { H1_CLIENT_IDLE, H1_CLIENT_HEAD, H1_CLIENT_CONTENT, H1_CLIENT_DRAIN, H1_CLIENT_CLOSED };

struct h1_client {
    struct h1_context *context;
    struct sock *sock;
    struct addr peer;
    enum h1_client_state state;
    struct list link;
    struct pool_entry kept;
    struct timer timer; /* of the state: idle, expectation, response head, draining */
    struct task task;   /* goes on after a pause */
    bool reused;        /* it had answered before this request */

    /* of the request under way */
    const struct h1_client_events *events; /* NULL: nobody's */
    void *owner;
    struct arena *arena;
    struct outgoing *out;
    struct response *response;
    struct str method;
    bool close;    /* it is not to be kept */
    bool touched;  /* some byte of the request went out */
    bool answered; /* some byte of the response came */
    bool blocked;  /* the sock takes no more for now */
    bool mute;     /* writing failed: only what can be read is of interest */

    /* of the response */
    struct recv_buf in;
    struct h1_parser parser;
    size_t head_bytes; /* of informational heads */
    struct h1_content content;
    struct collect collect;
    bool collects; /* with the request: it will, if it has any */
    bool told;     /* on_content was called */
    bool paused;
    bool held; /* content is at hand, but it stopped handing out */
    size_t drained;
};

void h1_context_init(struct h1_context *x, struct env *env, const struct client_options *options);
void h1_context_fini(struct h1_context *x); /* closes what is left */

/* sock is connected to the host of the URL, or its proxy: to whose authority it belongs in the pool. It is
 * nobody's until h1_client_send. */
struct h1_client *h1_client_new(struct h1_context *x, struct sock *sock, const struct addr *peer,
                                const struct url *url);
/* A kept one; NULL: none. look: only one of which the system, asked once more, knows no end. */
struct h1_client *h1_client_take(struct h1_context *x, const struct url *url, bool look);
void h1_client_close(struct h1_client *c); /* fine when it is closed */

struct h1_client_request {
    const struct h1_client_events *events;
    void *owner;
    struct arena *arena;
    struct outgoing *out;
    struct response *response;
    struct str method;
    bool close;
    bool collects; /* the content will be collected */
};
/* Sends what is there; a stream's head waits for the first content of the same turn. */
void h1_client_send(struct h1_client *c, const struct h1_client_request *r, bool paused);
bool h1_client_write(struct h1_client *c, const struct iovec *iov, int n, bool end); /* as fetch_write */
void h1_client_pause(struct h1_client *c);
void h1_client_resume(struct h1_client *c);
/* From on_head: the owner lets go. The content is read and dropped if it is short, else the connection is
 * closed. */
void h1_client_drain(struct h1_client *c);

/* --- between h1_client.c, h1_client_read.c and h1_client_rest.c ------------------------------------ */

void h1_client_watch(struct h1_client *c);     /* for what its state wants */
void h1_client_flush(struct h1_client *c);     /* sends what can be sent */
void h1_client_send_held(struct h1_client *c); /* the content need not be held back any more */
void h1_client_release(struct h1_client *c); /* the response is complete: keeps or closes it; nobody's then */
void h1_client_fail(struct h1_client *c, enum fetch_failure why, const char *text);
enum io h1_client_receive(struct h1_client *c, size_t max); /* at most so much into its buffer */
void h1_client_read(struct h1_client *c);                   /* something can be read */
void h1_client_go_on(struct h1_client *c);                  /* hands out content that was held */
void h1_client_read_drained(struct h1_client *c);
void h1_client_read_idle(struct h1_client *c);

#endif
