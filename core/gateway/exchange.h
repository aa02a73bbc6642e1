/* exchange - one request from routed to logged: the step engine.
 *
 *     ROUTE ► BODY ► SERVICE ► BUILTIN ► REQUEST ► COLLECT ► PROXY ► CALLS ►
 *     MERGED ► ANSWER ► RESPONSE ► SERVICE_RESPONSE ► SEND
 *
 * Each step is a function that says: go on, wait, or answer now. Whatever waits (a hook, the content, the
 * calls) calls exchange_run again when it has what it waited for. Everything lives in the stream's arena. The
 * answer is out, or the client gone: calls are cut, the access log is written, hooks see PHASE_LOG, the
 * exchange is over.
 */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include "base/doc.h"
#include "gateway/call.h"
#include "gateway/merge.h"
#include "gateway/plan.h"
#include "gateway/worker.h"

struct param {
    struct str name;  /* as in the endpoint: "id" */
    struct str key;   /* "Id" */
    struct str value; /* decoded */
    bool settled;     /* an earlier step's text: it stays (core.md R-SQ-6) */
};

enum exchange_step {
    STEP_ROUTE,            /* find the route */
    STEP_BODY,             /* collect the content, if a plugin wants it */
    STEP_SERVICE,          /* the service's hooks on the request as the client sent it */
    STEP_BUILTIN,          /* redirects, 404, 405, refused parameters, built-in endpoints end here; what the
                            * service's hooks have sent to another endpoint may have to be collected for it */
    STEP_REQUEST,          /* the endpoint's hooks on it */
    STEP_COLLECT,          /* the endpoint's timeout begins; collect the content, if several calls want it */
    STEP_PROXY,            /* build what calls are made from; hooks on it */
    STEP_CALLS,            /* the backends */
    STEP_MERGED,           /* hooks on the merged document */
    STEP_ANSWER,           /* status and fields of what came of it */
    STEP_RESPONSE,         /* the endpoint's hooks on them */
    STEP_SERVICE_RESPONSE, /* the service's */
    STEP_SEND,             /* the answer goes out; only the end of the stream leaves this step */
    STEP_COUNT
};

/* What is about to be sent to the client. */
struct answer {
    int status;
    struct fields fields;
    bool has_body; /* body is the content; otherwise it is made of the exchange's document, or streams from
                      the call */
    struct str body;
};

/* One of several failures of a merge. */
struct failure_text {
    struct str text;
    struct failure_text *next;
};

struct exchange {
    struct worker *worker;
    struct stream *stream;
    struct arena *arena; /* the stream's */
    struct list link;    /* worker->exchanges */
    enum exchange_step step;
    bool
        entered; /* the step has run before: it is called again because something it waits for may be there */
    bool running; /* exchange_run is on the stack */
    bool again;   /* and was asked to run meanwhile */
    bool hook_waits;
    enum hook_result hook_result; /* of the hook that waited */

    enum match match;
    const struct route *route;
    const struct endpoint *endpoint; /* NULL before routing, and for built-in routes */
    const struct endpoint_plan *plan;
    /* Redirects, refused parameters and /__health: of the service's hooks only those around the router run
     * (CORS, plugin/http-server); access log, security/http, service Lua and bot detection are not for them
     * (service.md 1). */
    bool outer;
    bool unlogged;   /* no access log line: redirects, OPTIONS of the whole server */
    struct str path; /* decoded */
    struct param *params;
    size_t param_count, param_cap;
    struct str client_ip; /* core.md 2.7 */
    struct str refusal;   /* why the path's parameters are refused: core.md 2.6 */

    /* The request as hooks may have changed it (request and proxy phases). */
    struct str method;       /* as routed */
    struct str target_query; /* raw */
    struct fields fields;
    bool has_body; /* there is content, collected or streaming */
    bool body_collected;
    struct str body;   /* when collected */
    struct buf upload; /* while it is collected */
    bool upload_begun, upload_done;

    /* From the proxy step on: what calls are built from. */
    struct fields call_fields; /* filtered, with the gateway's own */
    struct query call_query;

    struct timer deadline; /* the endpoint's timeout, or what of it a group of calls may use */
    bool late;             /* it has passed */
    bool no_time;          /* it passes before a call could be sent: plan.h */
    bool is_shadow;        /* a copy that calls the shadow backends: nobody waits for its answer */
    struct part *parts;    /* one per backend, in configured order: proxy.h */
    size_t part_count, parts_done, parts_begun;
    bool calls_begun, calls_over;

    /* What came of it. */
    struct node *data; /* the merged document */
    bool has_response; /* there is one, maybe null */
    bool complete;
    struct merge merge;            /* of several parts */
    bool is_merge_error;           /* error_text is of a merge: one failure a line */
    struct failure_text *failures; /* of a merge */
    struct failure_text **failures_end;
    bool failed; /* error_text counts */
    bool error_is_logged;
    struct str error_text; /* why there is no (whole) response; lines joined by \n */
    int error_status;      /* 500, or a backend's by return_error_code */
    struct str error_type; /* Content-Type of the error's body, "" for none */
    bool static_applied;
    struct call *streaming; /* the call whose content goes to the client as it comes, NULL for none */
    struct answer answer;

    bool answered;         /* the answer stands: the rest of the way in is skipped */
    bool responded;        /* the head is out */
    bool endpoint_entered; /* the endpoint's request hooks were asked: its response hooks are asked too */
    bool gone;             /* the client went away, or all is done: nothing may wait any more */
    void *script;          /* of the hooks: boxes and coroutines */
    int64_t started;
    struct str log_error; /* the "Error #01" line of the access log */
};

void exchange_start(void *worker, struct stream *s); /* the server's on_request */
void exchange_run(struct exchange *x);
void exchange_end(
    struct exchange *x); /* cuts what runs, logs, takes it off the worker; its memory is the stream's */

/* What came so far is dropped: the endpoint fails with that, by its error rules (core.md 7.6). */
void exchange_set_error(struct exchange *x, int status, struct str text, struct str type);

/* Finds out for whom the peer speaks. */
void exchange_find_client(struct exchange *x);

/* --- for hooks -------------------------------------------------------------------------------- */

/* Answers in the place of the rest. fields may be NULL; all copied into the arena. reason (or NULL) goes into
 * the access log. */
void exchange_answer(struct exchange *x, int status, const struct fields *fields, struct str body,
                     const char *reason);
/* A plugin failed: 500. The caller has logged why. */
void exchange_fail(struct exchange *x, const char *text);
/* Of the service's hooks around the router: the request is another one from here on, for the router and the
 * access log too. Method and path route it anew, at once. All copied; the path is decoded and begins with
 * "/", the query is encoded. */
void exchange_rewrite_method(struct exchange *x, struct str method);
void exchange_rewrite_path(struct exchange *x, struct str path);
void exchange_rewrite_query(struct exchange *x, struct str query);
/* x->fields are others than they were: who the client is and where a redirect leads may follow from them. */
void exchange_rewrote_fields(struct exchange *x);
/* After HOOK_WAIT. */
void exchange_resume(struct exchange *x, enum hook_result result);

const struct param *exchange_param(const struct exchange *x,
                                   struct str name); /* by name as in the endpoint */
/* What "{{.Key}}" of a url_pattern stands for: parameters of the path, values of earlier steps, a script's.
 * Of several with one key the last. Key and value are copied. */
const struct param *exchange_param_by_key(const struct exchange *x, struct str key);
struct param *exchange_set_param(struct exchange *x, struct str key, struct str value);

/* Lays proxy.static over the answer (core.md 6.5) if its strategy says so. Done once: after the merged phase,
 * or in its chain, where later hooks must see it (extend.md 0). */
void exchange_apply_static(struct exchange *x);

#endif
