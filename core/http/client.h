/* client - the upstream side: sends a request, returns the response. One interface for all protocols.
 *
 * A fetch resolves the name, takes a kept connection or opens one, writes the request, reads the response,
 * decodes gzip, follows redirects, sends again what may be sent again on a stale kept connection.
 *
 *     fetch_start ──► [fetch_write ... fetch_write(end)] ──► on_response(head) ... on_response(end)
 *                                                            or on_fail, any time before the end
 *
 * Borrow:  everything in fetch_request must live until the fetch is over (an exchange's arena does).
 * Events:  never before fetch_start returns. After on_response(end) or on_fail the fetch is over;
 * fetch_cancel makes it over without an event. The struct lives in the arena given to fetch_start.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/arena.h"
#include "http/message.h"
#include "net/env.h"

struct client;
struct fetch;
struct proxy_rules;

struct client_options {              /* service.md 6; durations in ns */
    int64_t dialer_timeout;          /* 0: none; < 0: no connection is made */
    int64_t dialer_keep_alive;       /* 0: 15 s; < 0: off */
    int64_t dialer_fallback_delay;   /* 0: 300 ms; < 0: no race */
    int64_t response_header_timeout; /* 0: none */
    int64_t expect_continue_timeout; /* 0: send the content at once */
    int64_t idle_connection_timeout; /* 0: never */
    bool disable_keep_alives;
    bool disable_compression;
    long max_idle_connections;          /* 0: no limit; < 0: none is kept */
    long max_idle_connections_per_host; /* 0: 250; < 0: none is kept */
    size_t max_head;                    /* 0: 10 MiB */
    const struct proxy_rules *proxy;    /* borrowed; NULL: all requests go to their hosts */
};

enum fetch_body {
    FETCH_NO_BODY,
    FETCH_BYTES,  /* all there: iov; Content-Length or chunked as `chunked` says */
    FETCH_STREAM, /* comes by fetch_write; chunked unless length >= 0 */
};

struct fetch_request {
    struct url url;
    struct str method;
    const struct fields
        *fields; /* as they go out; framing and Accept-Encoding are added, and Host: url.authority, or the
                  * one that is among them for the first host and those that it redirects to on itself */
    enum fetch_body body;
    const struct iovec *iov;
    int iov_count;
    int64_t length;        /* of FETCH_STREAM: announced, or -1 */
    bool chunked;          /* FETCH_BYTES in chunks */
    bool empty_length;     /* FETCH_NO_BODY: say Content-Length: 0 (POST, PUT, PATCH) */
    bool body_on_redirect; /* 307 and 308 may send the content again (FETCH_BYTES only) */
    bool final_307;        /* FETCH_NO_BODY: 307 and 308 are not followed, as if there were content */
    bool gunzip_always;    /* decode a gzip content even when the request asked for it itself */
    bool expects_continue; /* the request carries Expect: 100-continue */
    size_t collect; /* > 0: deliver the whole content in one on_response, at most so many bytes; 0: as it
                       comes */
};

enum fetch_failure {
    FETCH_OK,
    FETCH_RESOLVE,   /* no such host */
    FETCH_CONNECT,   /* refused, unreachable, timed out */
    FETCH_CLOSED,    /* the connection ended before or inside the response */
    FETCH_MALFORMED, /* the response is not HTTP/1.1 */
    FETCH_TIMEOUT,   /* response_header_timeout */
    FETCH_REDIRECTS, /* more than ten requests */
    FETCH_DECODE,    /* gzip is broken */
    FETCH_CUT,       /* gzip ends too early, or something else stands behind it; what it gave is sound */
    FETCH_TOO_LARGE, /* beyond collect */
};

struct fetch_events {
    /* The first time with the head (fetch->response), then with more content; spans valid for the call only,
     * except with collect, where they live until the arena goes. end: that was all. */
    void (*on_response)(struct fetch *f, bool head, const struct iovec *iov, int n, bool end);
    /* text: for the log and the client; our own words for transport errors. */
    void (*on_fail)(struct fetch *f, enum fetch_failure why, const char *text);
    /* The upload queue has drained: go on with fetch_write. */
    void (*on_writable)(struct fetch *f);
    /* An informational response came, neither 100 nor 101: fetch->response is its head, for the time of the
     * call, and may be changed. NULL: not wanted. */
    void (*on_interim)(struct fetch *f);
};

struct fetch {
    /* When answered or from the first on_response, as long as the arena. When gzip was decoded,
     * Content-Encoding and Content-Length are gone, and the framing is FRAMING_CHUNKED: the length is not
     * known. */
    struct response response;
    const struct fetch_events *events;
    void *owner;
    bool over;
    bool answered;        /* the final head came: response is there */
    struct str collected; /* with collect, when it failed or was cancelled: the content so far */
    bool reused;          /* on a kept connection */
    struct str final_url; /* where the response came from, after redirects */
    int64_t started;      /* env->now of fetch_start */
};

struct client *client_new(struct env *env, const struct client_options *options);
void client_free(struct client *c); /* cuts what is left */
size_t client_idle_count(const struct client *c);

struct fetch *fetch_start(struct client *c, struct arena *a, const struct fetch_request *r,
                          const struct fetch_events *events, void *owner);
/* Upload of FETCH_STREAM; copied as far as it cannot be sent (it may not even be connected). False: enough
 * for now. */
bool fetch_write(struct fetch *f, const struct iovec *iov, int n, bool end);
void fetch_pause(struct fetch *f); /* no more on_response until fetch_resume: back-pressure */
void fetch_resume(struct fetch *f);
/* `Get "http://a.test/": EOF`: method and URL before what happened, in the arena. */
struct str fetch_failure_text(struct arena *a, struct str method, struct str url, struct str text);
void fetch_cancel(struct fetch *f); /* closes its connection; fine when it is over */

#endif
