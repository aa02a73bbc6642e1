/* forward - what of a request goes upstream: fields, query and URL (core.md 4.1 to 4.3). */
#ifndef GATEWAY_FORWARD_H
#define GATEWAY_FORWARD_H

#include "gateway/exchange.h"

/* x->call_fields and x->call_query of what the client sent. */
void forward_fields(struct exchange *x);
void forward_query(struct exchange *x);

/* The backend's own filter of x->call_fields into c->fields. */
void forward_call_fields(struct call *c);

/* Chooses a host and makes c->url. False: c->failure says why. */
bool forward_call_url(struct call *c);

/* What the wire adds or does not want, once hooks are through: a User-Agent, no framing. True: the client's
 * Content-Length was forwarded. */
bool forward_finish_fields(struct call *c);

#endif
