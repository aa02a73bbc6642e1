/* decode - from a backend's reply to data (core.md 5.1, 5.2). */
#ifndef GATEWAY_DECODE_H
#define GATEWAY_DECODE_H

#include "gateway/call.h"

/* c->status, c->reply_fields and c->content are there: decides by the status, and reads the content in the
 * backend's encoding into c->data; or c->failed and why. final_url is for the message. */
void decode_reply(struct call *c, struct str final_url);

/* The same for a content that broke off. False, and nothing done, if what came of it does not do: an error
 * or no-op needs its head alone, a first JSON value its end (core.md R-DC-1). */
bool decode_cut_reply(struct call *c, struct str final_url);

#endif
