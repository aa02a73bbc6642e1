/* proxy - the calls of an endpoint: one, several at once, or one after the other (core.md 6).
 *
 *     exchange ──► part (a backend) ──► call, or several that race (concurrent_calls)
 *
 * A part is done when the call that speaks for it is; the exchange's calls are over when all parts are done,
 * the time is up, or a sequence ended early.
 */
#ifndef GATEWAY_PROXY_H
#define GATEWAY_PROXY_H

#include "gateway/exchange.h"

struct part {
    struct exchange *exchange;
    const struct backend_plan *plan;
    struct call *calls; /* alike; the first whole reply wins */
    size_t count, running;
    bool begun, done;
    struct call *result;   /* the call that speaks for it, when done */
    struct timer deadline; /* of concurrent calls */
};

/* Starts what may start of the group; x->calls_over tells when there is no more to come. */
void proxy_begin(struct exchange *x, const struct group *group);
/* The time is up (context deadline exceeded) or the client gone (context canceled): what runs ends. */
void proxy_cut(struct exchange *x, const char *why, bool cancelled);
/* After calls_over: what came of it, into the exchange. */
void proxy_conclude(struct exchange *x);
/* Every call is over and forgotten by the hooks. */
void proxy_end(struct exchange *x);

/* A call is over (it may stream on). */
void proxy_call_done(struct call *c);

#endif
