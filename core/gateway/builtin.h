/* builtin - what the gateway answers itself: health, debug, echo, OPTIONS, redirects, 404, 405, refused
 * parameters (core.md 2.3 to 2.8). */
#ifndef GATEWAY_BUILTIN_H
#define GATEWAY_BUILTIN_H

#include "gateway/exchange.h"

/* Why the parameters of the path are refused: core.md 2.6; "" if they are not. Those of a path that has no
 * route count too. */
struct str builtin_check_params(struct exchange *x, const struct route_match *m);

/* Makes x->answer for everything that is no endpoint's. m: of the route. */
void builtin_answer(struct exchange *x);
/* Does that answer show the request's content? */
bool builtin_wants_body(const struct exchange *x);
/* The target of a redirect with prefix and query, and its answer. */
void builtin_redirect(struct exchange *x, const struct route_match *m);
void builtin_not_found(struct exchange *x);
void builtin_not_allowed(struct exchange *x, struct str allow);
/* 400 for x->refusal. allow: of a path that other methods have, else "". */
void builtin_refuse(struct exchange *x, struct str allow);

#endif
