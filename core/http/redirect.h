/* redirect - where a response sends the request next, and with what (RFC 9110 section 15.4; core.md R-TR-2).
 */
#ifndef HTTP_REDIRECT_H
#define HTTP_REDIRECT_H

#include "http/message.h"

/* A request of a chain, as it goes out. */
struct hop {
    struct url url;
    struct str method;
    const struct fields *fields;
    bool has_content;
    bool may_resend; /* its content can be sent once more */
};

/* What the hops so far decided for all that follow. Starts with what the first hop is, else zeroes. */
struct redirect_chain {
    struct str first_host;
    bool had_content;         /* the first hop has, or is to be taken for one that has */
    bool drop_content_fields; /* Content-Type and its kin: the content was dropped, or may have been */
    bool drop_secrets;        /* it went to a foreign host once */
};

enum redirect_verdict {
    REDIRECT_NONE,   /* this is the final response */
    REDIRECT_FOLLOW, /* hop is the next request */
    REDIRECT_BROKEN, /* the Location leads nowhere: err says why */
};

/* Changes *hop from the request that r answers to the next one. original: the fields of the first hop. */
enum redirect_verdict redirect_next(struct redirect_chain *chain, struct arena *a, const struct response *r,
                                    const struct fields *original, struct hop *hop, struct error *err);

/* Is sub the same host as parent, or one of its sub-domains? */
bool redirect_is_same_site(struct str sub, struct str parent);

#endif
