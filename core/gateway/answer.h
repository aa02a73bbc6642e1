/* answer - from what came of the calls to status, fields and content (core.md 7). */
#ifndef GATEWAY_ANSWER_H
#define GATEWAY_ANSWER_H

#include "gateway/exchange.h"

/* What hooks of the merged phase see and may change of it: status and fields of a no-op backend, else 200. */
void answer_begin(struct exchange *x);
/* Status and fields into x->answer, beside what hooks set; failures are logged. */
void answer_make(struct exchange *x);
/* The content of an answer that has none of its own: the document in the endpoint's output encoding. */
void answer_render(struct exchange *x, struct doc_spans *out);
/* An answer with that status, content and type ("": none), nothing else. */
void answer_set(struct exchange *x, int status, struct str type, struct str body);

#endif
