/* passthrough - a no-op reply on its way to the client: status and fields, then content as it comes, in both
 * directions no faster than the slower side takes it (core.md 7.7, 6.6). */
#ifndef GATEWAY_PASSTHROUGH_H
#define GATEWAY_PASSTHROUGH_H

#include "gateway/exchange.h"

/* Sends the head of x->answer with what came of the content. Called again when more came: a reply without a
 * Content-Type waits for its first bytes, which tell one. */
void passthrough_begin(struct exchange *x);
/* An informational response of a call whose content would go to the client: so does it (RFC 9110
 * section 15.2). fields are changed. */
void passthrough_inform(struct call *c, int status, struct fields *fields);
/* More content of a call. */
void passthrough_content(struct call *c, const struct iovec *iov, int n, bool end);
/* The client took what was waiting. */
void passthrough_go_on(struct exchange *x);
/* No more will come, though it is not whole: the client sees the connection end. */
void passthrough_fail(struct call *c, struct str why);

#endif
