#include "net/listener.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/fd.h"
#include "net/loop.h"
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/* Connections accepted in one turn at most, so that those we have are served too. */
enum { ACCEPT_MAX = 64 };

/* More than the kernel queues by default. */
enum { QUEUE_MAX = 2 * SOMAXCONN };

/* How long to wait for descriptors when there are none left. */
#define ACCEPT_PAUSE (100 * MILLISECOND)

struct loop_listener {
    struct listener listener;
    int fd;
    struct fd_watch *watch;
    struct timer pause;
    unsigned batch; /* accepts in the next turn: grows while they find something, to save failing ones */
    bool closed;
};

/* --- opening ----------------------------------------------------------------------------------- */

static bool is_any(const struct addr *a)
{
    static const unsigned char any4[16] = {[10] = 0xff, 0xff}, any6[16] = {0};
    unsigned char bytes[16];

    addr_to_bytes(a, bytes);
    return memcmp(bytes, any4, 16) == 0 || memcmp(bytes, any6, 16) == 0;
}

static bool set_flag(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* A listening descriptor, or -1 and the call that failed, with errno. */
static int open_at(const struct addr *at, bool dual_stack, bool reuse_port, const char **call)
{
    int fd = socket(at->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int failure;

    *call = "socket";
    if (fd == -1)
        return -1;
    *call = "setsockopt";
    if (!set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1))
        goto fail;
    if (reuse_port && !set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1))
        goto fail;
    if (at->ss.ss_family == AF_INET6 && !set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual_stack))
        goto fail;
    fd_set_no_delay(fd);
    fd_set_keep_alive(fd, 0);
    *call = "bind";
    if (bind(fd, (const struct sockaddr *)&at->ss, at->len) == -1)
        goto fail;
    *call = "listen";
    if (listen(fd, SOMAXCONN) == -1)
        goto fail;
    return fd;

fail:
    failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

static int open_any(uint16_t port, bool reuse_port, const char **call)
{
    struct addr any;
    int fd;

    addr_any(&any, port);
    fd = open_at(&any, true, reuse_port, call);
    if (fd == -1 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL || errno == ENOPROTOOPT)) {
        /* A kernel without IPv6. */
        addr_parse(&any, STR("0.0.0.0"), port);
        fd = open_at(&any, false, reuse_port, call);
    }
    return fd;
}

static void explain(struct error *err, struct str ip, int port, const char *call, int failure)
{
    const char *reason = strerror(failure);
    bool v6 = str_find_char(ip, ':') < ip.len;

    error_set(err, "listen tcp %s%.*s%s:%d: %s: %c%s", v6 ? "[" : "", STR_ARG(ip), v6 ? "]" : "", port, call,
              tolower((unsigned char)reason[0]), reason + 1);
}

int listener_open(struct str ip, int port, bool reuse_port, struct error *err)
{
    struct addr at;
    const char *call;
    int fd;

    if (port < 0 || port > UINT16_MAX) {
        error_set(err, "listen tcp: address %d: invalid port", port);
        return -1;
    }
    addr_any(&at, (uint16_t)port);
    if (ip.len > 0 && !addr_parse(&at, ip, (uint16_t)port)) {
        error_set(err, "listen tcp: address %.*s: invalid ip address", STR_ARG(ip));
        return -1;
    }
    if (is_any(&at))
        fd = open_any((uint16_t)port, reuse_port, &call);
    else
        fd = open_at(&at, false, reuse_port, &call);
    if (fd == -1)
        explain(err, ip, port, call, errno);
    return fd;
}

uint16_t listener_port(int fd)
{
    struct addr local;

    fd_addrs(fd, NULL, &local);
    return addr_port(&local);
}

/* --- accepting --------------------------------------------------------------------------------- */

static void on_pause_over(struct timer *t)
{
    loop_watch_want(container_of(t, struct loop_listener, pause)->watch, SOCK_READ);
}

/* The connection stays in the kernel's queue, so the descriptor stays readable: look away for a while. */
static void pause_accepting(struct loop_listener *l, int error)
{
    loop_watch_want(l->watch, 0);
    timer_start(l->listener.env, &l->pause, ACCEPT_PAUSE);
    if (l->listener.on_pause != NULL)
        l->listener.on_pause(&l->listener, error);
}

/* Whether to try the next one. */
static bool accept_failed(struct loop_listener *l)
{
    switch (errno) {
    case EAGAIN: l->batch = 1; return false;
    /* Errors of the connection that is taken from the queue. */
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT: return true;
    /* No descriptors or memory; or what should not happen, and must not spin either. */
    default: pause_accepting(l, errno); return false;
    }
}

static void on_readable(void *owner, int fd)
{
    struct loop_listener *l = owner;
    unsigned batch = l->batch;

    l->batch = batch < ACCEPT_MAX ? 2 * batch : batch;
    for (unsigned i = 0; i < batch && !l->closed; i++) {
        struct addr peer;
        int accepted = fd_accept(fd, &peer);

        if (accepted != -1)
            l->listener.on_accept(&l->listener, loop_adopt_accepted(l->listener.env, accepted, &peer));
        else if (!accept_failed(l))
            break;
    }
}

static void close_listener(struct listener *listener)
{
    struct loop_listener *l = container_of(listener, struct loop_listener, listener);

    if (l->closed)
        return;
    l->closed = true;
    loop_unwatch_fd(l->watch);
    timer_fini(listener->env, &l->pause);
    env_release(listener->env, l);
}

static const struct listener_ops loop_listener_ops = {.close = close_listener};

struct listener *loop_listen(struct env *env, int fd, void (*on_accept)(struct listener *, struct sock *),
                             void *owner)
{
    struct loop_listener *l = mem_zalloc(sizeof(*l));

    l->listener =
        (struct listener){.env = env, .ops = &loop_listener_ops, .on_accept = on_accept, .owner = owner};
    l->fd = fd;
    l->batch = 1;
    timer_init(&l->pause, on_pause_over);
    l->watch = loop_watch_fd(env, fd, on_readable, l);
    return &l->listener;
}

void loop_listener_finish(struct listener *listener)
{
    struct loop_listener *l = container_of(listener, struct loop_listener, listener);

    l->batch = QUEUE_MAX;
    on_readable(l, l->fd);
    listener_close(listener);
}

void listener_close(struct listener *l)
{
    l->ops->close(l);
}
