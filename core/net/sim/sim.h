/* sim - an env without a kernel: virtual time, in-memory byte streams, seeded chance.
 *
 * One process holds the client, the gateway and its upstreams. What is ready at the same instant
 * is run in an order drawn from the seed; when nothing is ready, time jumps to the next timer or
 * delivery. The same seed and the same calls give the same run. The wall clock starts at
 * 2026-01-01T00:00:00Z.
 *
 * A byte stream is two queues. Writing puts bytes into the peer's queue, to arrive after the stream's delay;
 * a queue holds at most a window of bytes, so a slow reader is felt by the writer. As with TCP, closing with
 * bytes unread, or sending to a closed end, is a reset. Faults are set per stream or for all streams to an
 * address.
 *
 * Owner:   the spec. Socks, listeners and names that are left go with sim_free.
 */
#ifndef NET_SIM_H
#define NET_SIM_H

#include "net/env.h"
#include "net/listener.h"

struct env *sim_new(uint64_t seed);
void sim_free(struct env *env);

/* Runs until done(owner) is true, or nothing is left to happen, or virtual time limit (ns from now) has
 * passed, or somebody spins: 100000 turns at one instant without a byte read. Returns whether done was
 * true. done NULL: never. */
bool sim_run(struct env *env, bool (*done)(void *owner), void *owner, int64_t limit);
/* Runs everything up to now + ns, then the clock shows that. */
void sim_advance(struct env *env, int64_t ns);
/* A hash of all that happened: two runs that differ in an event, its time or its bytes differ here. */
uint64_t sim_trace(struct env *env);

/* Listens on ip:port; port 0 draws one. The address is not the machine's, so any will do. */
struct listener *sim_listen(struct env *env, const struct addr *at,
                            void (*on_accept)(struct listener *, struct sock *), void *owner,
                            struct error *err);
void sim_listener_addr(struct listener *l, struct addr *at);
/* As env_connect, from a client's address: what the listening side sees as the peer. from NULL: the loopback
 * address, as env_connect does; port 0 draws one. */
struct sock *sim_connect_from(struct env *env, const struct addr *from, const struct addr *to, int *error);

/* Names: what env_resolve answers, after delay. Without an entry, or with one of no addresses: "no such
 * host". Replaces an earlier entry. Literals and localhost need none. */
void sim_name(struct env *env, struct str name, const struct addr *addrs, size_t count, int64_t delay);
void sim_srv(struct env *env, struct str name, const struct srv_record *records, size_t count);

/* What happens to the bytes of a stream, from the moment it is set. Zeroes: nothing. */
struct sim_fault {
    int64_t
        delay; /* each write arrives so much later, ns; with split, each piece so long after the one before */
    size_t split;          /* pieces of at most this many bytes, each read on its own; 0: as written */
    size_t stall_at;       /* after so many bytes nothing arrives any more; 0: never */
    size_t reset_at;       /* after so many bytes both ends see a reset; 0: never */
    size_t window;         /* bytes that may wait unread; 0: 256 KiB */
    bool refuse;           /* connecting is refused */
    bool hang;             /* connecting never ends */
    int64_t connect_delay; /* before it is established or refused, ns */
};
/* For connections made to this address from now on: what the connecting side sends (up), and receives (down).
 * NULL: nothing happens. refuse, hang and connect_delay are read from up. */
void sim_fault_addr(struct env *env, const struct addr *at, const struct sim_fault *up,
                    const struct sim_fault *down);
/* For one sock: what it sends. */
void sim_fault_sock(struct sock *s, const struct sim_fault *fault);

#endif
