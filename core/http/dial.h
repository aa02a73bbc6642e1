/* dial - connects to a host: resolves its name, then tries its addresses, IPv6 and IPv4 in a race (RFC 8305).
 *
 * The family of the first address begins, its addresses one after the other; the other family joins after a
 * delay, or when the first has failed. Whoever connects first wins.
 *
 * Owner:   the arena given to dial_start; it is over when fn is called or after dial_cancel, and touches
 * nothing then.
 */
#ifndef HTTP_DIAL_H
#define HTTP_DIAL_H

#include "base/arena.h"
#include "net/env.h"

enum { DIAL_LANES = 2 };

struct dial_settings {
    int64_t timeout;        /* name and connection together; 0: none; < 0: over at once, as in KrakenD */
    int64_t fallback_delay; /* < 0: no race */
    struct dial_options options;
};

struct dial_lane {
    struct dial *dial;
    struct addr *addrs;
    size_t count;
    size_t next;
    struct sock *sock;  /* being connected */
    struct timer timer; /* its share of the time */
    bool started;
};

struct dial {
    struct env *env;
    const struct dial_settings *settings;
    struct arena *arena;
    /* sock: connected, to peer, the receiver's from now on. NULL: error says why; unknown: the name could not
     * be resolved. Never called before dial_start returns. */
    void (*fn)(struct dial *d, struct sock *sock, const struct addr *peer);
    void *owner;
    struct str error; /* as Go: "dial tcp 127.0.0.1:80: connect: connection refused" */
    bool unknown;

    struct str host;
    uint16_t port;
    struct resolve resolve;
    bool resolving;
    int64_t deadline; /* INT64_MAX: none */
    struct timer timer;
    struct timer fallback;
    struct task task;
    struct dial_lane lanes[DIAL_LANES];
};

/* host and settings are borrowed. */
struct dial *dial_start(struct env *env, struct arena *arena, const struct dial_settings *settings,
                        struct str host, uint16_t port,
                        void (*fn)(struct dial *, struct sock *, const struct addr *), void *owner);
void dial_cancel(struct dial *d);

#endif
