/* message - request and response heads, and the rules that frame their content (RFC 9112 section 6).
 *
 * Reject, never repair: a head that is not exactly as the RFC wants it is an error. What is forwarded is
 * written fresh from these structs, never copied raw.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "http/field.h"
#include "http/target.h"

enum framing {
    FRAMING_NONE,    /* no content */
    FRAMING_LENGTH,  /* Content-Length */
    FRAMING_CHUNKED, /* Transfer-Encoding: chunked */
    FRAMING_CLOSE,   /* a response that ends with the connection */
};

struct request {
    struct str method; /* case-sensitive token */
    struct str target; /* as received */
    struct target parts;
    struct str host; /* of an absolute target, else of the Host field; may be empty in HTTP/1.0 */
    int minor;       /* HTTP/1.minor */
    struct fields fields;
    enum framing framing;
    uint64_t length; /* of FRAMING_LENGTH */
    bool keep_alive; /* may the connection be used again, as far as the client says */
    bool expects_continue;
    bool pragma_no_cache; /* its first Pragma is no-cache, and it has no Cache-Control: that would be the same
                           * (RFC 7234 section 5.4) */
};

struct response {
    int status;
    struct str reason; /* as received; may be empty */
    int minor;
    struct fields fields;
    enum framing framing;
    uint64_t length;
    bool keep_alive;
    bool pragma_no_cache; /* as in a request */
};

/* What is wrong with a head: the answer a server gives, or the reason a client fails. */
struct message_fault {
    int status;       /* 400, 417, 431, 414, 501, 505 */
    const char *text; /* "" or the reason: "missing required Host header" */
};

/* Decides framing and the rest of request/response from start-line and fields, which are complete. False:
 * fault says how to answer. */
bool request_finish(struct request *r, struct message_fault *fault);
/* method: of the request it answers (HEAD has no content). */
bool response_finish(struct response *r, struct str method, struct message_fault *fault);

/* Says in Cache-Control what pragma_no_cache tells, for who looks there alone: KrakenD's rule, of requests
 * and responses. */
void message_tell_no_cache(struct fields *f, bool pragma_no_cache);

struct str status_reason(int status); /* standard phrase; "status code 999" for unknown ones */

#endif
