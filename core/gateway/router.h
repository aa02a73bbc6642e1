/* router - method and path to an endpoint and its parameters: gin's semantics (core.md 2), our own radix
 * tree.
 *
 * A route is a pattern of literal text and segments ":name"; one tree per method. Literal text is preferred
 * to a parameter, with back-tracking. Paths are decoded before they come here.
 *
 * Owner:   router_free; built once from the configuration, then only read.
 */
#ifndef GATEWAY_ROUTER_H
#define GATEWAY_ROUTER_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "gateway/config.h"

struct router;

enum route_kind { ROUTE_ENDPOINT, ROUTE_HEALTH, ROUTE_DEBUG, ROUTE_ECHO, ROUTE_OPTIONS };

struct route {
    enum route_kind kind;
    const struct endpoint *endpoint; /* of ROUTE_ENDPOINT */
    struct str pattern;              /* "/u/:id" */
    struct str allow;                /* of ROUTE_OPTIONS: the value of Allow */
    const struct str *param_names;
    size_t param_count;
};

enum { ROUTE_PARAMS_MAX = 64 }; /* parameters of one path; more is a configuration error */

enum match {
    MATCH_FOUND,
    MATCH_REDIRECT, /* to match.location: path only, encoded, not yet the query or prefix */
    MATCH_NOT_FOUND,
    MATCH_NOT_ALLOWED, /* match.allow: the value of Allow */
};

struct route_match {
    const struct route *route;
    struct str params[ROUTE_PARAMS_MAX]; /* spans into the path */
    size_t param_count;                  /* without a route: those met before the search ended */
    struct str allow;
    struct str location;
    bool slash_redirect; /* X-Forwarded-Prefix goes in front (core.md 2.3) */
};

/* Names both endpoints of a conflict: method, path and their places in the file. */
struct router *router_new(const struct config *c, struct error *err);
void router_free(struct router *r);

/* path: decoded; a is for what location and allow need. */
enum match router_match(const struct router *r, struct arena *a, struct str method, struct str path,
                        struct route_match *match);

#endif
