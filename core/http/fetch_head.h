/* fetch_head - the head of a request to a backend: its own fields, framing, and what the client adds. */
#ifndef HTTP_FETCH_HEAD_H
#define HTTP_FETCH_HEAD_H

#include "http/client.h"
#include "http/redirect.h"

struct fetch_head {
    struct str text;
    bool asks_gzip; /* on our own account: a gzip answer is ours to decode */
    bool closes;    /* the connection is for this request only */
};

/* hop: the request as it stands after redirects. The text lives in the arena. */
void fetch_head_write(struct fetch_head *h, struct arena *a, const struct client_options *options,
                      const struct fetch_request *r, const struct hop *hop);

/* Is the content of the response coded as gzip, and nothing else, and ours to decode? */
bool fetch_head_takes_gzip(const struct fetch_head *h, const struct fetch_request *r,
                           const struct response *response);

#endif
