#include "net/fd.h"

#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

static void set_option(int fd, int level, int name, int value)
{
    /* Failing leaves a connection that works, only less well. */
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

void fd_set_keep_alive(int fd, int64_t interval)
{
    int64_t seconds = interval == 0 ? 15 : (interval - 1) / SECOND + 1;

    if (interval < 0)
        return;
    /* More is refused by the kernel. */
    if (seconds > SHRT_MAX)
        seconds = SHRT_MAX;
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)seconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)seconds);
}

void fd_set_no_delay(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void fd_set_non_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags != -1 && !(flags & O_NONBLOCK))
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int fd_connect(const struct addr *to, const struct dial_options *options, int *error)
{
    int fd = socket(to->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1)
        goto fail;
    fd_set_no_delay(fd);
    fd_set_keep_alive(fd, options ? options->keep_alive : 0);
    if (connect(fd, (const struct sockaddr *)&to->ss, to->len) == -1 && errno != EINPROGRESS &&
        errno != EINTR)
        goto fail;
    return fd;

fail:
    *error = errno;
    if (fd != -1)
        close(fd);
    return -1;
}

int fd_accept(int fd, struct addr *peer)
{
    peer->len = sizeof(peer->ss);
    return accept4(fd, (struct sockaddr *)&peer->ss, &peer->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static enum io failed(int *error)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return IO_AGAIN;
    *error = errno;
    return IO_ERROR;
}

enum io fd_read(int fd, void *dst, size_t cap, size_t *got, int *error)
{
    ssize_t n;

    *got = 0;
    do
        n = recv(fd, dst, cap, 0);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return failed(error);
    *got = (size_t)n;
    return n == 0 ? IO_EOF : IO_OK;
}

enum io fd_write(int fd, const struct iovec *iov, int count, size_t *sent, int *error)
{
    struct msghdr message = {
        .msg_iov = (struct iovec *)iov,
        .msg_iovlen = count < IOV_MAX ? (size_t)count : IOV_MAX,
    };
    ssize_t n;

    *sent = 0;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return failed(error);
    *sent = (size_t)n;
    return IO_OK;
}

int fd_connect_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        return errno;
    return error;
}

void fd_close(int fd, bool reset)
{
    if (reset) {
        struct linger none = {.l_onoff = 1, .l_linger = 0};

        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    }
    close(fd);
}

void fd_addrs(int fd, struct addr *peer, struct addr *local)
{
    if (peer) {
        *peer = (struct addr){.len = sizeof(peer->ss)};
        if (getpeername(fd, (struct sockaddr *)&peer->ss, &peer->len) == -1)
            *peer = (struct addr){.len = 0};
    }
    if (local) {
        *local = (struct addr){.len = sizeof(local->ss)};
        if (getsockname(fd, (struct sockaddr *)&local->ss, &local->len) == -1)
            *local = (struct addr){.len = 0};
    }
}
