/* shadow - calls to shadow backends (core.md 6.4): a copy of the request of its own, that outlives the client
 * and whose answer nobody sees. */
#ifndef GATEWAY_SHADOW_H
#define GATEWAY_SHADOW_H

#include "gateway/exchange.h"

/* Starts the calls for x, whose proxy step is over. */
void shadow_start(struct exchange *x);
/* For exchange_run: x is a shadow, and something came. */
void shadow_run(struct exchange *x);
void shadow_end(struct exchange *x);

#endif
