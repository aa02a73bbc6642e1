/* call - one request to a backend within an exchange: build, send, decode.
 *
 *     BUILD ► call hooks ► SEND ► receive, decode ► reply hooks ► DONE
 *
 * reply hooks run exactly once for each call that call hooks let through, whatever came of it.
 */
#ifndef GATEWAY_CALL_H
#define GATEWAY_CALL_H

#include "base/doc.h"
#include "gateway/config.h"
#include "gateway/hooks.h"
#include "http/client.h"

struct exchange;
struct part;

enum { CONTENT_MAX = 64 * 1024 * 1024 }; /* a reply's content that is decoded */

enum call_state { CALL_NEW, CALL_HOOKS, CALL_SENT, CALL_REPLY, CALL_DONE };

struct call {
    struct exchange *exchange;
    const struct backend *backend;
    const struct backend_plan *plan;
    struct part *part;
    enum call_state state;
    struct arena *arena; /* the exchange's */

    /* The request, as hooks may change it (call phase). */
    struct str method;
    struct str url; /* absolute */
    struct fields fields;
    struct str body; /* when the exchange's content is collected, or a hook set it */
    bool has_body;
    bool owns_fields; /* fields is a copy: other calls have their own */

    struct url built;     /* what url was made of: parsed anew only if a hook changed url */
    struct str from_host; /* the host that balancing chose */
    struct fetch *fetch;
    struct fetch_request *request;
    bool uploading; /* the exchange's content streams to the backend */

    /* The reply, as hooks may change it (reply phase). */
    int status; /* 0: none came */
    struct fields reply_fields;
    struct node *data;      /* decoded and manipulated; NULL with failed */
    struct node *null_list; /* in it: the null that came where is_collection expects a list; or NULL */
    bool has_content;
    struct str content; /* as received, when it was collected */
    bool failed;
    bool cancelled; /* it failed because the client went away or a sibling won: no verdict on the backend */
    bool cut;       /* its time is over: its reply hooks may not wait any more */
    bool complete;  /* counts as whole; false for return_error_details */
    bool is_error_details; /* data is the error object: filters do not touch it */
    struct str failure;    /* why, when failed */
    int failure_status;    /* by return_error_code; 0: none */
    struct str failure_body;
    struct str failure_type;
    bool streaming;       /* no-op: status and fields are here, content follows to the client */
    bool stream_over;     /* its last piece came: what is in pieces is all */
    bool paused;          /* back-pressure: it delivers nothing */
    struct iovec *pieces; /* content that came with the head */
    int piece_count;

    unsigned hook_depth; /* for the hooks: how many let it through */
    bool hooked;         /* call hooks were asked, so reply hooks are */
    bool replied;        /* reply hooks were asked */
    bool hook_waits;
    void *script;
};

/* Runs it; proxy_call_done is told when it is over, maybe before this returns. */
void call_start(struct call *c);
/* The deadline passed or the exchange ended. why: "context deadline exceeded", "context canceled". */
void call_cut(struct call *c, const char *why, bool cancelled);
/* No more of its content is wanted, or its exchange is over. */
void call_end(struct call *c);

/* --- for hooks -------------------------------------------------------------------------------- */

/* Fails the call with KrakenD's text ("rate limit exceded"); the endpoint's error rules apply. status and
 * type: what return_error_code would have of a backend, or 0 and "". */
void call_error(struct call *c, int status, struct str text, struct str type);
/* Answers in the backend's place. body is decoded by the backend's encoding. */
void call_answer(struct call *c, int status, const struct fields *fields, struct str body);
void call_resume(struct call *c, enum hook_result result);

#endif
