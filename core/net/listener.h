/* listener - listening sockets: opened by the master, accepted from by a worker.
 *
 * The master opens one per worker slot with SO_REUSEPORT and never closes it, so that connections
 * queued on it survive the worker that would have taken them.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/env.h"

/* Binds and listens: TCP_NODELAY and keep-alive are inherited by accepted sockets. ip "" means all
 * addresses, IPv4 and IPv6 on one socket; so do "0.0.0.0" and "::" (KrakenD: SRV-2). Port 0: any free
 * one; one that no TCP port is fails. Returns the descriptor, or -1 and why. reuse_port: others may listen on
 * the same address; ask once without first to learn whether the port is taken by a stranger. */
int listener_open(struct str ip, int port, bool reuse_port, struct error *err);
uint16_t listener_port(int fd);

struct listener {
    struct env *env;
    const struct listener_ops *ops;
    void (*on_accept)(struct listener *l, struct sock *s); /* s has no on_ready yet */
    void *owner;
    /* error: errno, of too few descriptors or too little memory. Connections wait in the kernel, and it is
     * tried again in 100 ms. NULL: nobody asks. */
    void (*on_pause)(struct listener *l, int error);
};
struct listener_ops {
    void (*close)(struct listener *l);
};

/* Accepts on the descriptor until closed; the descriptor stays open (it is the master's). */
struct listener *loop_listen(struct env *env, int fd, void (*on_accept)(struct listener *, struct sock *),
                             void *owner);
void listener_close(struct listener *l);
/* The same after accepting all that is queued on the descriptor, which is about to be closed: what is still
 * in the queue then is reset. Of a listener of loop_listen only. */
void loop_listener_finish(struct listener *l);

#endif
