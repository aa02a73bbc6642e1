/* sequence - references of a step to what came before it (core.md 6.2). */
#ifndef GATEWAY_SEQUENCE_H
#define GATEWAY_SEQUENCE_H

#include "gateway/exchange.h"

/* Before step i: what its url_pattern and the propagated parameters refer to become parameters of the
 * exchange. */
void sequence_resolve(struct exchange *x, size_t i);

/* A value as Go prints it: core.md R-SQ-7. */
struct str sequence_text(struct arena *a, struct node *n);

#endif
