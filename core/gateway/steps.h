/* steps - what an exchange does in each of its steps. A step does its part and says what comes next; it may
 * be called again while it waits.
 */
#ifndef GATEWAY_STEPS_H
#define GATEWAY_STEPS_H

#include "gateway/exchange.h"

enum verdict {
    GO,        /* to the next step */
    WAIT,      /* what it waits for calls exchange_run */
    CONCLUDE,  /* there will be no calls: static data may answer all the same */
    ANSWER,    /* make an answer of what is known */
    RESPOND,   /* x->answer stands */
    SEND_AS_IS /* not even response hooks */
};

struct step {
    enum verdict (*run)(struct exchange *x);
    enum exchange_step next; /* after GO */
};

extern const struct step steps[STEP_COUNT]; /* by exchange_step */

bool steps_has_hooks(const struct exchange *x, enum phase phase, bool service);
/* A hook that waits is not resumed; its step goes on as if it had failed. */
void steps_drop_hook(struct exchange *x);

#endif
