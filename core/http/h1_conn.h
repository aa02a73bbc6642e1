/* h1_conn - one downstream HTTP/1.1 connection, and the stream that is on it.
 *
 *     H1_IDLE ──► H1_HEAD ──► H1_BUSY ──► H1_DRAIN ──► H1_IDLE
 *     no buffer   a request   the owner   content that
 *                 has begun   has it      nobody wanted
 *
 *     any of them ──► H1_LINGER ──► H1_CLOSED
 *
 * h1_server.c moves it from state to state, h1_request.c reads, h1_response.c writes.
 *
 * Owner:   the server lists it. A stream lives in its own arena, from the first byte of a request until its
 * response is out and its content is read; events->on_done or on_abort is the last its owner hears of it.
 */
#ifndef HTTP_H1_CONN_H
#define HTTP_H1_CONN_H

#include "base/buf.h"
#include "http/h1_chunked.h"
#include "http/h1_parser.h"
#include "http/server_conn.h"

enum h1_state {
    H1_IDLE,
    H1_HEAD,
    H1_BUSY,
    H1_DRAIN,
    H1_LINGER, /* our side is shut: what still comes is dropped, so that the client sees the last answer */
    H1_CLOSED,
};

struct h1_conn {
    struct server_conn base;
    struct sock *sock;
    struct timer timer; /* the deadline of the state */
    struct task task;   /* events that must not happen inside stream_* calls */
    struct recv_buf in; /* what waits to be parsed */
    struct h1_stream *stream;
    enum h1_state state;
    size_t dropped; /* bytes, in H1_DRAIN */
};

struct h1_stream {
    struct stream base;
    struct h1_conn *conn;
    struct arena arena;
    struct h1_parser parser;
    int64_t read_deadline; /* INT64_MAX: none */
    int64_t write_deadline;

    /* content of the request */
    struct chunked chunked;
    uint64_t left;      /* of FRAMING_LENGTH */
    bool content_ended; /* taken off the connection */
    bool end_told;      /* on_body(end) has been called */
    bool reading;
    bool wants_continue; /* the client waits for 100 (Continue) */
    bool half_closed;    /* the client sends nothing more; it may be gone, or wait for the response */

    /* response */
    struct iovec *pending; /* borrowed, still to be sent */
    int pending_count;
    struct buf queue; /* copied, still to be sent */
    int64_t out_left; /* content still owed of an announced length; -1: none announced */
    bool responded;
    bool no_content; /* whatever content is given, the response has none */
    bool out_chunked;
    bool ended;          /* nothing will be added to the response */
    bool full;           /* stream_write said "enough" */
    bool close;          /* the connection cannot be used again */
    bool cut;            /* it closes without the end of the content */
    bool reset;          /* ... so that the client notices */
    const char *failure; /* why the stream is to be aborted */
};

/* --- h1_server.c -------------------------------------------------------------------------------- */

/* Now and delay; INT64_MAX if delay is 0: no limit. */
int64_t h1_deadline_in(const struct h1_conn *c, int64_t delay);
/* Restarts the timer for the state. */
void h1_set_deadline(struct h1_conn *c, int64_t deadline);
void h1_hurry(struct h1_conn *c, int64_t delay); /* no later than that */
void h1_update_deadline(struct h1_conn *c);      /* of H1_BUSY; H1_DRAIN keeps it */
/* The request is over: to the next one, or to the end of the connection. */
void h1_next(struct h1_conn *c);
void h1_linger(struct h1_conn *c);
void h1_close(struct h1_conn *c, bool reset);
/* Tells the owner and closes. If nothing was answered yet, fault (unless it is NULL) is. */
void h1_abort(struct h1_conn *c, const char *why, const struct message_fault *fault);

/* --- h1_request.c --------------------------------------------------------------------------------- */

/* The sock has bytes, or its end. */
void h1_receive(struct h1_conn *c);
/* Parses what waits in c->in as the head of a request. */
void h1_read_head(struct h1_conn *c);
/* Hands out content that waits, as long as the owner wants it. */
void h1_deliver(struct h1_conn *c);
/* Reads and drops the rest of the content. */
void h1_drop(struct h1_conn *c);
void h1_stream_read(struct stream *base, bool on);

/* --- h1_response.c --------------------------------------------------------------------------------- */

void h1_stream_respond(struct stream *base, const struct server_response *r, const struct iovec *iov, int n,
                       bool end);
void h1_stream_inform(struct stream *base, int status, const struct fields *fields);
bool h1_stream_write(struct stream *base, const struct iovec *iov, int n, bool end);
void h1_stream_cut(struct stream *base);
/* 100 (Continue). */
void h1_send_continue(struct h1_stream *s);
/* Answers a request that the owner will not see, or will see no more. */
void h1_send_fault(struct h1_conn *c, const struct message_fault *fault);
/* Goes on sending; on_writable may be called. */
void h1_flush(struct h1_conn *c);
bool h1_is_flushed(const struct h1_stream *s);

#endif
