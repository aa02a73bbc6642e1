/* env - the door: clock, timers, chance, names and byte streams.
 *
 * Nothing in the core calls time(), rand(), socket() or getaddrinfo() itself; it asks its env. There are two:
 * loop.h runs on libev and the kernel, sim/sim.h on virtual time, in-memory byte streams and seeded chance.
 *
 * An env runs in turns: take what is ready, call its owners, run due timers, run tasks, free the garbage.
 * Within a turn the time stands still.
 *
 * Owner:   each worker has one. Whatever is freed during a turn (socks, the structs that embed timers) may
 * still be held by callers up the stack: give it to env_release, which frees it after the turn.
 */
#ifndef NET_ENV_H
#define NET_ENV_H

#include "base/error.h"
#include "base/list.h"
#include "base/str.h"
#include "base/util.h"
#include "net/addr.h"
#include <sys/uio.h>

struct env;

/* --- time ------------------------------------------------------------------------------------- */

struct timer {
    int64_t deadline; /* monotonic ns; INT64_MAX when not running */
    int64_t key;      /* the heap's, <= deadline: a timer that moved later is re-sorted when it comes up */
    size_t slot;      /* index in the heap + 1; 0: not in it */
    void (*fn)(struct timer *t);
};

void timer_init(struct timer *t, void (*fn)(struct timer *t));
/* (Re)starts it; a restart to a later time costs a store. delay in ns; it never fires in the turn that
 * starts it. */
void timer_start(struct env *env, struct timer *t, int64_t delay);
void timer_stop(struct env *env, struct timer *t); /* cheap: it stays in the heap until it comes up */
void timer_fini(struct env *env, struct timer *t); /* before its memory goes */
bool timer_is_running(const struct timer *t);

/* --- byte streams ------------------------------------------------------------------------------- */

enum io { IO_OK, IO_AGAIN, IO_EOF, IO_ERROR };

enum { SOCK_READ = 1, SOCK_WRITE = 2 };

/* A non-blocking byte stream. The env that made it owns the memory until sock_close. */
struct sock {
    struct env *env;
    const struct sock_ops *ops;
    unsigned want;                                    /* SOCK_READ | SOCK_WRITE */
    int error;                                        /* an errno, after IO_ERROR */
    void (*on_ready)(struct sock *s, unsigned ready); /* level-triggered, for what it wants */
    void *owner;
};

struct sock_ops {
    enum io (*read)(struct sock *s, void *dst, size_t cap, size_t *got);
    enum io (*write)(struct sock *s, const struct iovec *iov, int count, size_t *sent);
    void (*want)(struct sock *s, unsigned events);
    void (*shutdown)(struct sock *s);
    void (*close)(struct sock *s, bool reset);
    bool (*connected)(struct sock *s);
    void (*addrs)(struct sock *s, struct addr *peer, struct addr *local);
};

/* IO_OK with 0 < *got <= cap. A read that got less than cap has emptied the stream: do not probe. */
enum io sock_read(struct sock *s, void *dst, size_t cap, size_t *got);
/* IO_OK with 0 < *sent, perhaps less than all. */
enum io sock_write(struct sock *s, const struct iovec *iov, int count, size_t *sent);
/* Which events on_ready is told. Nothing happens, and no system call, when that does not change. */
void sock_want(struct sock *s, unsigned events);
void sock_shutdown(struct sock *s); /* no more writing: the peer reads an end */
void sock_close(struct sock *s);    /* no more events; the memory goes after the turn */
void sock_reset(struct sock *s);    /* close that the peer sees as a reset */
/* After connecting: false and s->error if it failed. */
bool sock_connected(struct sock *s);
void sock_peer(struct sock *s, struct addr *peer);
void sock_local(struct sock *s, struct addr *local);

/* --- listening, connecting, resolving ------------------------------------------------------------ */

struct listener; /* opened by listener.h (real) or sim.h */

struct dial_options {
    int64_t keep_alive; /* TCP keep-alive interval in ns; 0: 15 s; < 0: off */
};

/* Starts connecting; the sock says SOCK_WRITE when that ended (ask sock_connected). NULL: failed at once. */
struct sock *env_connect(struct env *env, const struct addr *to, const struct dial_options *options,
                         int *error);

enum { RESOLVE_MAX = 16 };

/* A name being resolved. Embedded by whoever waits. */
struct resolve {
    struct env *env;
    /* count == 0: failed, error says why ("no such host"). Called once; never before env_resolve returns. */
    void (*fn)(struct resolve *r, const struct addr *addrs, size_t count, const char *error);
    struct list link; /* used by the env */
    struct str name;
};

/* host: a name (an IP literal is answered too). IPv6 and IPv4, in the order to try them (RFC 6724). */
void env_resolve(struct env *env, struct resolve *r, struct str host);
void env_resolve_cancel(struct resolve *r); /* fn will not be called */

/* SRV records of name (RFC 2782), for `sd: dns`. */
struct srv_record {
    struct str target; /* borrowed for the call */
    uint16_t port, priority, weight;
};
struct resolve_srv {
    struct env *env;
    void (*fn)(struct resolve_srv *r, const struct srv_record *records, size_t count, const char *error);
    struct list link;
    struct str name;
};
void env_resolve_srv(struct env *env, struct resolve_srv *r, struct str name);
void env_resolve_srv_cancel(struct resolve_srv *r);

/* --- chance ------------------------------------------------------------------------------------ */

uint64_t env_random(struct env *env); /* real: from the kernel's generator; simulated: from the seed */

/* --- turns ------------------------------------------------------------------------------------- */

/* Something to do when no callback is up the stack: at the end of this turn at the latest (or at once in the
 * next, when started by a task). */
struct task {
    struct list link;
    void (*fn)(struct task *t);
};
void task_init(struct task *t, void (*fn)(struct task *t));
void env_defer(struct env *env, struct task *t); /* once, however often it is deferred in a turn */
void task_cancel(struct task *t);

/* Frees ptr (of mem_alloc) after the turn. */
void env_release(struct env *env, void *ptr);
/* Calls fn(ptr) after the turn. */
void env_release_with(struct env *env, void (*fn)(void *ptr), void *ptr);

/* --- what both kinds of env are made of ------------------------------------------------------------ */

struct timer_entry {
    int64_t key; /* the timer's, so that the heap is sorted without a look at its timers, most of which are
                    cold */
    struct timer *timer;
};

struct timer_heap {
    struct timer_entry *entries;
    size_t count, cap;
};

struct env_ops {
    struct sock *(*connect)(struct env *env, const struct addr *to, const struct dial_options *options,
                            int *error);
    void (*resolve)(struct env *env, struct resolve *r, struct str host);
    void (*resolve_srv)(struct env *env, struct resolve_srv *r, struct str name);
    uint64_t (*random)(struct env *env);
};

struct garbage {
    void (*fn)(void *ptr);
    void *ptr;
};

struct env {
    const struct env_ops *ops;
    int64_t now;  /* monotonic ns, fixed during a turn */
    int64_t wall; /* Unix time in ns, fixed during a turn */
    struct timer_heap timers;
    struct list tasks;
    struct garbage *garbage;
    size_t garbage_count, garbage_cap;
    size_t garbage_next; /* while collecting: what comes next */
};

void env_init(struct env *env, const struct env_ops *ops);
void env_fini(struct env *env); /* runs tasks and garbage that are left */

/* For the two envs: the records and the bytes of their targets in one piece of memory. */
struct srv_record *srv_records_copy(const struct srv_record *records, size_t count);

/* For the two envs: the parts of a turn. */
int64_t env_next_deadline(struct env *env); /* INT64_MAX: none */
/* The same but costs nothing: perhaps too early, for a timer that has moved later. */
int64_t env_next_wakeup(const struct env *env);
struct timer *env_take_due(struct env *env); /* stops the first of those due at env->now; NULL: none is */
void env_put_back(struct env *env, struct timer *t); /* one that was taken: it is due again */
void env_run_timers(struct env *env);                /* all of those */
void env_run_tasks(struct env *env);
void env_collect(struct env *env); /* the garbage */

#endif
