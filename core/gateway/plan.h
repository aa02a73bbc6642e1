/* plan - what a worker knows of an endpoint before the first request: nothing that is known then is decided
 * per request.
 *
 * Owner:   the worker; plans_free. Borrows the configuration.
 */
#ifndef GATEWAY_PLAN_H
#define GATEWAY_PLAN_H

#include "base/arena.h"
#include "gateway/config.h"
#include "http/target.h"

/* A set of field names, asked for each field of each request. */
struct name_set {
    uint64_t ids;             /* bit 1 << field_id */
    const struct str *others; /* names without an id, canonical */
    size_t other_count;
};

/* A host joined with a url_pattern that has no parameters. */
struct fixed_url {
    struct url url;
    struct str failure; /* why it is none; "" if it is one */
};

/* A reference "respN_path" or "respN": core.md R-SQ-4, R-SQ-8. */
struct reference {
    struct str key;  /* "Resp0_a.b": the parameter it becomes */
    size_t from;     /* N */
    struct str path; /* "a.b"; "" for the whole content */
};

struct backend_plan {
    const struct backend *backend;
    struct name_set fields;  /* of input_headers, when the backend has a list */
    struct fixed_url *fixed; /* by host; NULL when the pattern has parameters or hosts are looked up */
    const int *param_index;  /* by part of the pattern: index among the endpoint's parameters, -1 for none */
    struct str method_failure;          /* why its method cannot be sent; "" if it can */
    bool sends_length;                  /* a call without content says Content-Length: 0: POST, PUT, PATCH */
    bool streams;                       /* no-op: its content goes to the client as it comes */
    const struct reference *references; /* to earlier steps, of its url_pattern */
    size_t reference_count;
};

/* Backends called for one answer: the real ones, or the shadows. */
struct group {
    struct backend_plan **backends;
    size_t count;
    int64_t timeout;      /* of the whole group: 100 % of the endpoint's for one backend, 85 % for several */
    int64_t call_timeout; /* of each backend's calls: 75 % with concurrent_calls, else 0: the group's */
    bool no_time;         /* it is over before anything could be sent: every call fails */
};

struct endpoint_plan {
    const struct endpoint *endpoint;
    struct name_set fields;       /* of input_headers */
    const struct str *param_keys; /* by parameter of the path: "Id" */
    struct group real;
    struct group shadow;
    bool sequential;                    /* each group of two or more runs in sequence */
    const struct reference *propagated; /* of sequential_propagated_params */
    size_t propagated_count;
    bool collects;       /* several calls get the content, or it may be sent again: it is collected */
    bool copied;         /* several calls are made from one request: core.md R-SQ-11 */
    bool final_307;      /* without content too, 307 and 308 lead nowhere: core.md R-TR-2 */
    bool keeps_content;  /* a later step may ask for the whole content of an earlier no-op one */
    struct str log_name; /* "[ENDPOINT: /u/:id]" */
};

struct plans {
    struct arena arena;
    struct endpoint_plan *endpoints; /* by endpoint->id */
    struct str user_agent;           /* "KrakenD Version 2.13.8" */
    struct str version;              /* of X-Krakend: "Version 2.13.8", or hidden */
    struct fields failure_fields;    /* of an endpoint's error */
};

struct plans *plans_new(const struct config *config);
void plans_free(struct plans *p);

/* Does a request of that method say so when it has no content? POST, PUT and PATCH. */
bool method_sends_length(struct str method);
bool name_set_has(const struct name_set *set, const struct field *field);

#endif
