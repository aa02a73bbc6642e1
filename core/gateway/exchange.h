/* exchange - one request from routed to logged: the step engine.
 *
 *     ROUTE ► BODY ► REQUEST ► PROXY ► CALLS ► MERGED ► RESPONSE ► SEND ► LOG
 *
 * Each step is a function that says: go on, wait, or done. Whatever waits (a hook, the content, the calls) calls
 * exchange_run again when it has what it waited for. Everything lives in the stream's arena.
 */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include "base/doc.h"
#include "gateway/call.h"
#include "gateway/worker.h"

struct param {
    struct str name;  /* as in the endpoint: "id" */
    struct str key;   /* "Id" */
    struct str value; /* decoded */
};

enum exchange_step {
    STEP_ROUTE,    /* find the route; redirects, 404, 405, built-in endpoints end here */
    STEP_BODY,     /* collect the content, if a plugin or several backends want it */
    STEP_REQUEST,  /* hooks on the request as the client sent it */
    STEP_PROXY,    /* build what calls are made from; hooks on it */
    STEP_CALLS,    /* the backends */
    STEP_MERGED,   /* hooks on the merged document */
    STEP_RESPONSE, /* status and fields; hooks on them */
    STEP_SEND,     /* the answer goes out */
    STEP_LOG,      /* done: access log, hooks */
};

/* What is about to be sent to the client. */
struct answer {
    int status;
    struct fields fields;
    bool has_body; /* body is the content; otherwise it is made of the exchange's document */
    struct str body;
    bool from_hook; /* a plugin answered: no X-Krakend fields unless it set them */
};

struct exchange {
    struct worker *worker;
    struct stream *stream;
    struct arena *arena; /* the stream's */
    struct list link;    /* worker->exchanges */
    enum exchange_step step;
    const struct route *route;
    const struct endpoint *endpoint; /* NULL before routing, and for built-in routes */
    struct str path;                 /* decoded */
    struct param *params;
    size_t param_count;
    struct str client_ip; /* core.md 2.7 */

    /* The request as hooks may have changed it (request and proxy phases). */
    struct str method;
    struct str target_query; /* raw */
    struct fields fields;
    bool has_body;        /* there is content, collected or streaming */
    bool body_collected;
    struct str body;      /* when collected */

    /* From the proxy step on: what calls are built from. */
    struct fields call_fields; /* filtered, with the gateway's own */
    struct query call_query;

    struct timer deadline; /* the endpoint's timeout */
    struct call *calls;    /* one per backend, in configured order */
    size_t call_count;
    size_t calls_running;

    /* What came of it. */
    struct node *data; /* the merged document; NULL: no response */
    bool has_response;
    bool complete;
    struct str error_text; /* why there is no (whole) response; lines joined by \n */
    int error_status;      /* 500, or a backend's by return_error_code */
    struct str error_type; /* Content-Type of the error's body, "" for none */
    struct answer answer;

    bool answered; /* the answer stands: calls are cancelled, the rest of the way in is skipped */
    bool over;
    void *script;  /* of the hooks: boxes and coroutines */
    int64_t started;
    struct str log_error; /* the "Error #01" line of the access log */
};

void exchange_start(void *worker, struct stream *s); /* the server's on_request */
void exchange_run(struct exchange *x);

/* --- for hooks -------------------------------------------------------------------------------- */

/* Answers in the place of the rest. fields may be NULL; all copied into the arena. reason (or NULL) goes into the
 * access log. */
void exchange_answer(struct exchange *x, int status, const struct fields *fields, struct str body, const char *reason);
/* A plugin failed: 500. The caller has logged why. */
void exchange_fail(struct exchange *x, const char *text);
/* After HOOK_WAIT. */
void exchange_resume(struct exchange *x, enum hook_result result);

const struct param *exchange_param(const struct exchange *x, struct str name); /* by name as in the endpoint */

#endif
