/* upload - the request's content: collected for several calls or for hooks, or passed on to the one call that
 * wants it as it comes, no faster than the backend takes it.
 */
#ifndef GATEWAY_UPLOAD_H
#define GATEWAY_UPLOAD_H

#include "gateway/exchange.h"

enum { BODY_MAX = 64 * 1024 * 1024 }; /* a content that is collected; beyond: 413 */

/* Collects it: true when it is there (or there is none). False: exchange_run is called when it is, or when it
 * was too much and x is answered. */
bool upload_collect(struct exchange *x);

/* The stream's on_body. */
void upload_take(struct exchange *x, const struct iovec *iov, int n, bool end);

#endif
