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

enum call_state { CALL_NEW, CALL_HOOKS, CALL_SENT, CALL_REPLY, CALL_DONE };

struct call {
    struct exchange *exchange;
    const struct backend *backend;
    enum call_state state;
    struct arena *arena; /* the exchange's */

    /* The request, as hooks may change it (call phase). */
    struct str method;
    struct str url; /* absolute */
    struct fields fields;
    struct str body; /* when the exchange's content is collected, or a hook set it */
    bool has_body;

    struct fetch *fetch;

    /* The reply, as hooks may change it (reply phase). */
    int status; /* 0: none came */
    struct fields reply_fields;
    struct node *data; /* decoded and manipulated; NULL with failed */
    bool failed;
    bool cancelled;    /* it failed because the client went away or a sibling won: no verdict on the backend */
    bool complete;     /* counts as whole; false for return_error_details */
    bool is_error_details; /* data is the error object: filters do not touch it */
    struct str failure;    /* why, when failed */
    int failure_status;    /* by return_error_code; 0: none */
    struct str failure_body;
    struct str failure_type;
    bool streaming; /* no-op: status and fields are here, content follows to the client */

    unsigned hook_depth; /* for the hooks: how many let it through */
    void *script;
    struct timer deadline; /* of the group, when shorter than the exchange's */
};

void call_init(struct call *c, struct exchange *x, const struct backend *b);
/* Runs it; exchange's calls_done is told when it is over. */
void call_start(struct call *c);
/* The deadline passed or the exchange ended. why: "context deadline exceeded", "context canceled". */
void call_cut(struct call *c, const char *why, bool cancelled);

/* --- for hooks -------------------------------------------------------------------------------- */

/* Fails the call with KrakenD's text ("rate limit exceded"); the endpoint's error rules apply. */
void call_fail(struct call *c, const char *text);
/* Answers in the backend's place. body is decoded by the backend's encoding. */
void call_answer(struct call *c, int status, const struct fields *fields, struct str body);
void call_resume(struct call *c, enum hook_result result);

#endif
