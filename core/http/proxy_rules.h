/* proxy_rules - which requests to backends go through a proxy, and through which: HTTP_PROXY and NO_PROXY, as
 * Go's httpproxy reads them (core.md R-TR-1, service.md HTTPC-2).
 *
 * Requests to localhost and to loopback addresses never do. A request that does goes out with its target in
 * the absolute form (RFC 9112 section 3.2.2) to the proxy, which resolves the name of the backend.
 *
 * Owner:   the arena; the texts are copied. Immutable: workers share it.
 */
#ifndef HTTP_PROXY_RULES_H
#define HTTP_PROXY_RULES_H

#include "http/target.h"
#include "net/addr.h"

/* An entry of NO_PROXY. */
struct proxy_exception {
    struct str suffix; /* ".a.test": what lies below it; "": it is a block of addresses */
    bool whole;        /* a.test itself too */
    struct addr_block block;
    uint16_t port; /* 0: any */
};

struct proxy_rules {
    struct str problem;       /* why the proxy cannot be used: what should go through it fails; "": it can */
    struct url url;           /* the proxy; the pool knows its connections by this authority */
    struct str authorization; /* Proxy-Authorization to it: "Basic ..."; "" for none */
    struct proxy_exception *exceptions;
    size_t exception_count;
};

/* http_proxy: "http://[user[:password]@]host[:port]", the scheme may be missing; a port alone is one of this
 * host. no_proxy: a list with commas of
 *
 *     *                       everything: there is no proxy
 *     a.test, a.test:8080     the host and all below it; on that port
 *     .a.test, *.a.test       all below it
 *     192.0.2.1, [::1]:8080   an address; on that port
 *     192.0.2.0/24            a block of addresses
 *
 * where white space around entries is dropped and those that are none of these match nothing. NULL: nothing
 * goes through a proxy. Where http_proxy names no proxy that could be used, the problem says why, without a
 * word of its text, which may hold a password. */
struct proxy_rules *proxy_rules_read(struct arena *a, struct str http_proxy, struct str no_proxy);

/* For url->way. rules may be NULL: there is no proxy. */
enum url_way proxy_rules_way(const struct proxy_rules *rules, const struct url *url);

#endif
