#include "base/log_syslog.h"

#include "base/log_form.h"
#include "base/time_layout.h"
#include "base/util.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

int log_syslog_open(struct error *err)
{
    static const char *const paths[] = {"/dev/log", "/var/run/syslog", "/var/run/log"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        int fd = connect_to(paths[i]);
        if (fd >= 0)
            return fd;
    }
    error_set(err, "Unix syslog delivery error");
    return -1;
}

static int severity(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG: return 7;
    case LOG_INFO: return 6;
    case LOG_WARNING: return 4;
    case LOG_ERROR: return 3;
    case LOG_NOTICE: /* not among the names KrakenD looks at */
    case LOG_CRITICAL: return 2;
    }
    return 2;
}

bool log_syslog_send(int fd, const struct log_options *options, enum log_level level, struct str message,
                     int64_t wall)
{
    const char *tag = options->prefix[0] != '\0' ? options->prefix : program_invocation_short_name;
    char when[32], head[256];

    time_layout_format(when, sizeof(when), STR("Jan _2 15:04:05"), wall);
    int len = snprintf(head, sizeof(head), "<%d>%s %s[%d]: %s > ",
                       (16 + options->syslog_facility) * 8 + severity(options->level), when, tag,
                       (int)getpid(), log_level_name(level));
    if (len >= (int)sizeof(head))
        len = (int)sizeof(head) - 1;
    struct iovec iov[] = {{head, (size_t)len}, {(void *)message.ptr, message.len}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = ARRAY_LEN(iov)};
    ssize_t sent;
    do
        sent = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0 || errno == EAGAIN || errno == ENOBUFS || errno == EMSGSIZE;
}
