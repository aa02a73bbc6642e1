#include "net/loop.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/fd.h"
#include "net/resolver.h"
#include <ev.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>

enum { RANDOM_BATCH = 32 };

/* Of what is ready at once, connections of ours come before those that others opened: a kept one that has
 * ended, or speaks unasked, is to be known before the next request takes it (RFC 9112 section 9.2). */
enum { CONNECTED_PRIORITY = 1 };

/* How long the distance between the two clocks is believed. */
#define WALL_REFRESH (100 * MILLISECOND)

struct loop {
    struct env env;
    struct ev_loop *ev;
    ev_check woken;     /* first thing after the wait: the turn's time */
    ev_timer alarm;     /* ends the wait when the next timer is due */
    int64_t alarm_at;   /* INT64_MAX: not set */
    int64_t wall_ahead; /* wall - now */
    int64_t wall_refresh_at;
    bool stopped;
    struct resolver *resolver;
    struct list fd_watches;
    struct list signal_watches;
    uint64_t random[RANDOM_BATCH]; /* one system call for many */
    size_t random_left;
};

struct loop_sock {
    struct sock sock;
    ev_io io;
    unsigned char peer[16]; /* without a family: 4 times smaller than a struct addr */
    uint16_t peer_port;
    bool has_peer; /* else the kernel is asked */
};

struct fd_watch {
    struct list link;
    struct loop *loop;
    ev_io io;
    void (*fn)(void *owner, int fd);
    void *owner;
};

struct signal_watch {
    struct list link;
    struct loop *loop;
    ev_signal signal;
    void (*fn)(void *owner, int signal);
    void *owner;
};

_Static_assert((int)SOCK_READ == (int)EV_READ && (int)SOCK_WRITE == (int)EV_WRITE,
               "events are handed on as they are");

static struct loop *loop_of(struct env *env)
{
    return container_of(env, struct loop, env);
}

static struct ev_loop *ev_of(const struct loop_sock *s)
{
    return loop_of(s->sock.env)->ev;
}

/* --- time ------------------------------------------------------------------------------------- */

static void update_time(struct loop *loop)
{
    loop->env.now = clock_monotonic();
    if (loop->env.now >= loop->wall_refresh_at) {
        loop->wall_ahead = clock_wall() - loop->env.now;
        loop->wall_refresh_at = loop->env.now + WALL_REFRESH;
    }
    loop->env.wall = loop->env.now + loop->wall_ahead;
}

static void on_woken(struct ev_loop *ev, ev_check *w, int revents)
{
    (void)ev;
    (void)revents;
    update_time(container_of(w, struct loop, woken));
}

static void on_alarm(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)revents;
    ev_timer_stop(ev, w);
    container_of(w, struct loop, alarm)->alarm_at = INT64_MAX;
}

static void set_alarm(struct loop *loop)
{
    int64_t at = env_next_wakeup(&loop->env);

    if (at == loop->alarm_at)
        return;
    loop->alarm_at = at;
    if (at == INT64_MAX) {
        ev_timer_stop(loop->ev, &loop->alarm);
        return;
    }
    /* Both clocks were read when the wait ended. */
    loop->alarm.repeat = at > loop->env.now ? (double)(at - loop->env.now) / (double)SECOND : 1e-9;
    ev_timer_again(loop->ev, &loop->alarm);
}

/* --- byte streams ------------------------------------------------------------------------------- */

static struct loop_sock *sock_of(struct sock *s)
{
    return container_of(s, struct loop_sock, sock);
}

/* Tasks come right behind the event that asked for them: what a request ends with is at hand then, and its
 * memory free for the next one. With many events in a turn both would be cold at its end. */
static void on_io(struct ev_loop *ev, ev_io *io, int revents)
{
    struct sock *s = &container_of(io, struct loop_sock, io)->sock;
    unsigned ready = (unsigned)revents & s->want;

    (void)ev;
    if (!ready)
        return;
    s->on_ready(s, ready);
    env_run_tasks(s->env);
}

static enum io loop_read(struct sock *s, void *dst, size_t cap, size_t *got)
{
    return fd_read(sock_of(s)->io.fd, dst, cap, got, &s->error);
}

static enum io loop_write(struct sock *s, const struct iovec *iov, int count, size_t *sent)
{
    return fd_write(sock_of(s)->io.fd, iov, count, sent, &s->error);
}

static void want_io(struct ev_loop *ev, ev_io *io, unsigned events)
{
    /* Not ev_io_set, which would make libev tell the kernel even what it knows. */
    ev_io_stop(ev, io);
    ev_io_modify(io, (int)events);
    if (events)
        ev_io_start(ev, io);
}

static void loop_want(struct sock *s, unsigned events)
{
    want_io(ev_of(sock_of(s)), &sock_of(s)->io, events);
}

static void loop_shutdown(struct sock *s)
{
    (void)shutdown(sock_of(s)->io.fd, SHUT_WR);
}

static void loop_close(struct sock *s, bool reset)
{
    struct loop_sock *ls = sock_of(s);

    ev_io_stop(ev_of(ls), &ls->io);
    fd_close(ls->io.fd, reset);
    env_release(s->env, ls);
}

static bool loop_connected(struct sock *s)
{
    s->error = fd_connect_error(sock_of(s)->io.fd);
    return s->error == 0;
}

static void loop_addrs(struct sock *s, struct addr *peer, struct addr *local)
{
    struct loop_sock *ls = sock_of(s);

    if (peer && ls->has_peer) {
        addr_from_bytes(peer, ls->peer, ls->peer_port);
        peer = NULL;
    }
    fd_addrs(ls->io.fd, peer, local);
}

static const struct sock_ops loop_sock_ops = {
    .read = loop_read,
    .write = loop_write,
    .want = loop_want,
    .shutdown = loop_shutdown,
    .close = loop_close,
    .connected = loop_connected,
    .addrs = loop_addrs,
};

struct sock *loop_adopt_accepted(struct env *env, int fd, const struct addr *peer)
{
    struct loop_sock *s = mem_zalloc(sizeof(*s));
    bool scoped = peer->ss.ss_family == AF_INET6 && ((const struct sockaddr_in6 *)&peer->ss)->sin6_scope_id;

    s->sock.env = env;
    s->sock.ops = &loop_sock_ops;
    ev_io_init(&s->io, on_io, fd, 0);
    s->has_peer = addr_to_bytes(peer, s->peer) && !scoped;
    s->peer_port = addr_port(peer);
    return &s->sock;
}

struct sock *loop_adopt_fd(struct env *env, int fd)
{
    struct addr peer;

    fd_set_non_blocking(fd);
    fd_addrs(fd, &peer, NULL);
    return loop_adopt_accepted(env, fd, &peer);
}

static struct sock *loop_connect(struct env *env, const struct addr *to, const struct dial_options *options,
                                 int *error)
{
    int fd = fd_connect(to, options, error);
    struct sock *s;

    if (fd == -1)
        return NULL;
    s = loop_adopt_accepted(env, fd, to);
    ev_set_priority(&sock_of(s)->io, CONNECTED_PRIORITY);
    return s;
}

/* --- descriptors and signals -------------------------------------------------------------------- */

static void on_fd(struct ev_loop *ev, ev_io *io, int revents)
{
    struct fd_watch *w = container_of(io, struct fd_watch, io);

    (void)ev;
    (void)revents;
    w->fn(w->owner, io->fd);
}

struct fd_watch *loop_watch_fd(struct env *env, int fd, void (*fn)(void *owner, int fd), void *owner)
{
    struct fd_watch *w = mem_zalloc(sizeof(*w));

    w->loop = loop_of(env);
    w->fn = fn;
    w->owner = owner;
    list_push_back(&w->loop->fd_watches, &w->link);
    ev_io_init(&w->io, on_fd, fd, EV_READ);
    ev_io_start(w->loop->ev, &w->io);
    return w;
}

void loop_watch_want(struct fd_watch *w, unsigned events)
{
    if ((unsigned)(w->io.events & (EV_READ | EV_WRITE)) != events)
        want_io(w->loop->ev, &w->io, events);
}

void loop_unwatch_fd(struct fd_watch *w)
{
    list_remove(&w->link);
    ev_io_stop(w->loop->ev, &w->io);
    env_release(&w->loop->env, w);
}

static void on_signal(struct ev_loop *ev, ev_signal *s, int revents)
{
    struct signal_watch *w = container_of(s, struct signal_watch, signal);

    (void)ev;
    (void)revents;
    w->fn(w->owner, s->signum);
}

struct signal_watch *loop_watch_signal(struct env *env, int signal, void (*fn)(void *owner, int signal),
                                       void *owner)
{
    struct signal_watch *w = mem_zalloc(sizeof(*w));

    w->loop = loop_of(env);
    w->fn = fn;
    w->owner = owner;
    list_push_back(&w->loop->signal_watches, &w->link);
    ev_signal_init(&w->signal, on_signal, signal);
    ev_signal_start(w->loop->ev, &w->signal);
    return w;
}

void loop_unwatch_signal(struct signal_watch *w)
{
    list_remove(&w->link);
    ev_signal_stop(w->loop->ev, &w->signal);
    env_release(&w->loop->env, w);
}

/* --- names and chance --------------------------------------------------------------------------- */

static void loop_resolve(struct env *env, struct resolve *r, struct str host)
{
    resolver_resolve(loop_of(env)->resolver, r, host);
}

static void loop_resolve_srv(struct env *env, struct resolve_srv *r, struct str name)
{
    resolver_resolve_srv(loop_of(env)->resolver, r, name);
}

static uint64_t loop_random(struct env *env)
{
    struct loop *loop = loop_of(env);

    if (loop->random_left == 0) {
        /* Up to 256 bytes are neither cut short nor interrupted. */
        while (getrandom(loop->random, sizeof(loop->random), 0) != (ssize_t)sizeof(loop->random))
            continue;
        loop->random_left = RANDOM_BATCH;
    }
    return loop->random[--loop->random_left];
}

/* --- turns ------------------------------------------------------------------------------------- */

static const struct env_ops loop_ops = {
    .connect = loop_connect,
    .resolve = loop_resolve,
    .resolve_srv = loop_resolve_srv,
    .random = loop_random,
};

struct env *loop_new(const struct loop_options *options, struct error *err)
{
    struct ev_loop *ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL | EVBACKEND_POLL);
    struct loop *loop;

    if (!ev) {
        error_set(err, "cannot start an event loop: the kernel offers neither epoll nor poll");
        return NULL;
    }
    loop = mem_zalloc(sizeof(*loop));
    env_init(&loop->env, &loop_ops);
    loop->ev = ev;
    loop->alarm_at = INT64_MAX;
    list_init(&loop->fd_watches);
    list_init(&loop->signal_watches);
    update_time(loop);
    ev_check_init(&loop->woken, on_woken);
    ev_set_priority(&loop->woken, EV_MAXPRI);
    ev_check_start(ev, &loop->woken);
    ev_init(&loop->alarm, on_alarm);
    loop->resolver = resolver_new(&loop->env, options);
    return &loop->env;
}

void loop_free(struct env *env)
{
    struct loop *loop;

    if (!env)
        return;
    loop = loop_of(env);
    resolver_free(loop->resolver);
    list_each (&loop->fd_watches, link, after)
        loop_unwatch_fd(container_of(link, struct fd_watch, link));
    list_each (&loop->signal_watches, link, after)
        loop_unwatch_signal(container_of(link, struct signal_watch, link));
    env_fini(env);
    ev_loop_destroy(loop->ev);
    mem_free(loop);
}

static void run_turn(struct loop *loop)
{
    struct env *env = &loop->env;

    set_alarm(loop);
    ev_run(loop->ev, list_is_empty(&env->tasks) ? EVRUN_ONCE : EVRUN_NOWAIT);
    env_run_timers(env);
    env_run_tasks(env);
    env_collect(env);
}

void loop_run(struct env *env, void (*on_turn)(void *owner), void *owner)
{
    struct loop *loop = loop_of(env);

    loop->stopped = false;
    /* The caller may have worked for long since the last turn. */
    ev_now_update(loop->ev);
    update_time(loop);
    loop->alarm_at = -1;
    while (!loop->stopped) {
        run_turn(loop);
        if (on_turn)
            on_turn(owner);
    }
}

void loop_stop(struct env *env)
{
    loop_of(env)->stopped = true;
}
