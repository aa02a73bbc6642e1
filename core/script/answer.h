/* answer - what a phase returned, checked, and given to the gateway.
 *
 *     nothing                                         go on
 *     { status = 403, fields = {...}, body = ... }    answer (request, proxy, call, merged)
 *     call:fail("text")                               the call fails (call, reply)
 *
 * Anything else, and every error, ends the exchange with 500 (a call: fails it) and writes one line into the
 * log.
 */
#ifndef SCRIPT_ANSWER_H
#define SCRIPT_ANSWER_H

#include "http/field.h"
#include "script/run.h"

/* Beside HOOK_ANSWERED or HOOK_FAILED: what the phase decided. Not set otherwise. */
struct answer_taken {
    bool broken; /* the coroutine did not run to its end */
    int status;  /* of an answer; of a failed call: 0 if it is like any other */
    struct fields fields;
    struct str body;
    struct str text; /* why it failed, or what the access log says */
};

/* Reads and logs the outcome of run's coroutine, which ended with status (of lua_resume); its stack is empty
 * afterwards. */
enum hook_result answer_take(struct run *run, const struct entry *e, int status, struct answer_taken *taken);
/* What stands in for a plugin that the watchdog has stopped: 503, a call fails with it, a log is not written.
 */
enum hook_result answer_stopped(struct run *run, const struct entry *e, struct answer_taken *taken);
/* Tells the gateway. */
void answer_apply(struct exchange *x, struct call *c, enum hook_result result,
                  const struct answer_taken *taken);

#endif
