/* loop - the env of production: libev, kernel sockets, c-ares, the kernel's randomness. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "net/env.h"

struct loop_options {
    int64_t dns_cache_max;   /* longest time an answer is kept, ns; its own TTL may be shorter */
    int64_t dns_timeout;     /* of the first of three tries, ns; 0: 800 ms. The next has twice as long */
    const char *dns_servers; /* "127.0.0.1:5353,[::1]:53"; NULL: those of /etc/resolv.conf */
};

struct env *loop_new(const struct loop_options *options, struct error *err);
/* Takes its watches along; socks and listeners are closed by their owners before. Also for a child process
 * that inherited the env of its parent. */
void loop_free(struct env *env);

/* Runs turns until loop_stop; each turn ends by calling on_turn (NULL: none). */
void loop_run(struct env *env, void (*on_turn)(void *owner), void *owner);
void loop_stop(struct env *env);

/* Watches a descriptor that is not a byte stream (a pipe to the master): calls fn while it is readable. */
struct fd_watch;
struct fd_watch *loop_watch_fd(struct env *env, int fd, void (*fn)(void *owner, int fd), void *owner);
void loop_watch_want(struct fd_watch *w, unsigned events); /* SOCK_READ at first; 0 pauses it */
void loop_unwatch_fd(struct fd_watch *w);

/* Calls fn in a turn after the signal came. */
struct signal_watch;
struct signal_watch *loop_watch_signal(struct env *env, int signal, void (*fn)(void *owner, int signal),
                                       void *owner);
void loop_unwatch_signal(struct signal_watch *w);

/* A connected descriptor as a sock; it owns fd. */
struct sock *loop_adopt_fd(struct env *env, int fd);
struct sock *loop_adopt_accepted(struct env *env, int fd, const struct addr *peer); /* of fd_accept */

#endif
