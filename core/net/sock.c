#include "net/env.h"

#include <errno.h>

/* What a closed sock answers until its memory goes, so that callers up the stack may still ask it. */

static enum io closed_read(struct sock *s, void *dst, size_t cap, size_t *got)
{
    (void)dst;
    (void)cap;
    *got = 0;
    s->error = EBADF;
    return IO_ERROR;
}

static enum io closed_write(struct sock *s, const struct iovec *iov, int count, size_t *sent)
{
    (void)iov;
    (void)count;
    *sent = 0;
    s->error = EBADF;
    return IO_ERROR;
}

static void closed_want(struct sock *s, unsigned events)
{
    (void)events;
    s->want = 0;
}

static void closed_shutdown(struct sock *s)
{
    (void)s;
}

static void closed_close(struct sock *s, bool reset)
{
    (void)s;
    (void)reset;
}

static bool closed_connected(struct sock *s)
{
    s->error = EBADF;
    return false;
}

static void closed_addrs(struct sock *s, struct addr *peer, struct addr *local)
{
    (void)s;
    if (peer)
        *peer = (struct addr){.len = 0};
    if (local)
        *local = (struct addr){.len = 0};
}

static const struct sock_ops closed_ops = {
    .read = closed_read,
    .write = closed_write,
    .want = closed_want,
    .shutdown = closed_shutdown,
    .close = closed_close,
    .connected = closed_connected,
    .addrs = closed_addrs,
};

enum io sock_read(struct sock *s, void *dst, size_t cap, size_t *got)
{
    return s->ops->read(s, dst, cap, got);
}

enum io sock_write(struct sock *s, const struct iovec *iov, int count, size_t *sent)
{
    return s->ops->write(s, iov, count, sent);
}

void sock_want(struct sock *s, unsigned events)
{
    if (s->want == events)
        return;
    s->want = events;
    s->ops->want(s, events);
}

void sock_shutdown(struct sock *s)
{
    s->ops->shutdown(s);
}

static void close_now(struct sock *s, bool reset)
{
    const struct sock_ops *ops = s->ops;

    s->ops = &closed_ops;
    s->want = 0;
    ops->close(s, reset);
}

void sock_close(struct sock *s)
{
    close_now(s, false);
}

void sock_reset(struct sock *s)
{
    close_now(s, true);
}

bool sock_connected(struct sock *s)
{
    return s->ops->connected(s);
}

void sock_peer(struct sock *s, struct addr *peer)
{
    s->ops->addrs(s, peer, NULL);
}

void sock_local(struct sock *s, struct addr *local)
{
    s->ops->addrs(s, NULL, local);
}
