/* hooks - what a script engine must offer to the gateway; script/ implements it in Lua.
 *
 * The gateway knows no Lua. At the places of design 2 it asks whether anything is attached, and runs it. A
 * phase nobody implements costs one test of a bit.
 */
#ifndef GATEWAY_HOOKS_H
#define GATEWAY_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct exchange;
struct hooks;

enum phase {
    PHASE_REQUEST,
    PHASE_PROXY,
    PHASE_CALL,
    PHASE_REPLY,
    PHASE_MERGED,
    PHASE_RESPONSE,
    PHASE_LOG,
    PHASE_COUNT
};

enum hook_result {
    HOOK_NEXT,     /* go on */
    HOOK_ANSWERED, /* exchange_answer or call_answer was called */
    HOOK_FAILED,   /* exchange_fail or call_error was called (logged already) */
    HOOK_WAIT,     /* suspended: exchange_resume or call_resume will be called with one of the above */
};

struct hooks_ops {
    /* Runs the chain of a phase. service: the chain of the service; otherwise of x's endpoint or c's backend.
     * PHASE_CALL remembers in c->hook_depth how many let the call through; PHASE_REPLY runs just those,
     * innermost first, exactly once each. PHASE_CALL is asked for when the backend has anything in either of
     * the two. PHASE_LOG and the phases of an exchange or call that is over (x->gone, c->cut) must not wait.
     */
    enum hook_result (*run)(struct hooks *h, enum phase phase, bool service, struct exchange *x,
                            struct call *c);
    /* A chain that waits is dropped: its coroutine will not be resumed. Of a reply the layers that have not
     * run yet do so now, for the call is over. Nothing else changes. */
    void (*drop)(struct hooks *h, struct exchange *x, struct call *c); /* c: NULL for the exchange's own */
    /* The exchange (or call) is over: boxes are cleared, coroutines dropped. */
    void (*forget_exchange)(struct hooks *h, struct exchange *x);
    void (*forget_call)(struct hooks *h, struct call *c);
    void (*free)(struct hooks *h);
};

struct hooks {
    const struct hooks_ops *ops;
    uint8_t service_phases;         /* bit 1 << phase: something is attached */
    const uint8_t *endpoint_phases; /* by endpoint->id */
    const uint8_t *backend_phases;  /* by backend->id */
    /* by endpoint->id: a plugin reads or sets the request's content, so it is collected before the first
     * phase */
    const uint8_t *endpoint_wants_body;
    bool service_wants_body; /* the same for what is no endpoint's */
    /* by backend->id, NULL for none: a plugin reads or sets the content of a no-op reply, so it is collected
     * (call->content) instead of streamed */
    const uint8_t *backend_wants_content;
};

#endif
