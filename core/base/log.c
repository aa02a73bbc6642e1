#include "base/log.h"

#include "base/clock.h"
#include "base/log_form.h"
#include "base/log_syslog.h"
#include "base/mem.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_MAX_LEN = 64 * 1024,  /* a longer message is cut */
    TOGETHER = 64 * 1024,      /* access lines are written when so much waits */
    WAITING_MAX = 1024 * 1024, /* and dropped beyond this, when nobody reads */
    SHORT_MESSAGE = 1024,
};

#define LAST_WAIT SECOND

static const struct log_options basic = {
    .level = LOG_DEBUG, .form = LOG_BASIC, .prefix = "", .to_stdout = true};

/* A write of PIPE_BUF bytes to a pipe that polls writable neither blocks nor is torn apart by others. Files
 * and /dev/null never block. */
static size_t piece_size(void)
{
    struct stat st;
    bool never_blocks = fstat(STDOUT_FILENO, &st) == 0 &&
                        (S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && !isatty(STDOUT_FILENO)));

    return never_blocks ? SIZE_MAX : PIPE_BUF;
}

void log_init(struct log *l)
{
    *l = (struct log){.options = basic, .piece = piece_size(), .syslog_fd = -1};
    buf_init(&l->waiting, WAITING_MAX);
}

static void close_syslog(struct log *l)
{
    if (l->syslog_fd >= 0)
        close(l->syslog_fd);
    l->syslog_fd = -1;
}

void log_configure(struct log *l, const struct log_options *options)
{
    struct error err;

    close_syslog(l);
    l->options = *options;
    if (l->options.prefix == NULL)
        l->options.prefix = "";
    if (!options->to_syslog || (l->syslog_fd = log_syslog_open(&err)) >= 0)
        return;
    l->options = basic;
    log_write(l, LOG_ERROR, "[SERVICE: Logging] Unable to create the logger: %s", err.text);
}

bool log_wants(const struct log *l, enum log_level level)
{
    return level >= l->options.level && (l->options.to_stdout || l->options.to_syslog || l->sink != NULL);
}

static int64_t wall(const struct log *l)
{
    return l->wall != NULL ? l->wall(l->wall_owner) : clock_wall();
}

/* How much of what waits goes into the next write: whole lines if any fits. */
static size_t next_piece(const struct log *l)
{
    size_t len = buf_len(&l->waiting);

    if (len <= l->piece)
        return len;
    const char *last = memrchr(buf_head(&l->waiting), '\n', l->piece);
    return last != NULL ? (size_t)(last - buf_head(&l->waiting)) + 1 : l->piece;
}

/* Milliseconds until then, at least 0. */
static int time_left(int64_t until)
{
    int64_t left = until > 0 ? until - clock_monotonic() : 0;

    return left > 0 ? (int)(left / MILLISECOND) : 0;
}

static bool takes_more(const struct log *l, int64_t until)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    int ready = 1;

    if (l->piece != SIZE_MAX)
        while ((ready = poll(&out, 1, time_left(until))) < 0 && errno == EINTR)
            continue;
    return ready != 0;
}

/* Writes until nothing waits, or stdout takes no more: at that time (monotonic), or now if it is 0. */
static void write_waiting(struct log *l, int64_t until)
{
    while (buf_len(&l->waiting) > 0 && takes_more(l, until)) {
        size_t len = next_piece(l);
        ssize_t sent = write(STDOUT_FILENO, buf_head(&l->waiting), len);
        if (sent >= 0)
            buf_consume(&l->waiting, (size_t)sent);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR)
            buf_clear(&l->waiting); /* closed, or the disk is full: there is nowhere to say so */
    }
}

static bool add_line(struct log *l, struct str line)
{
    char *room = buf_reserve(&l->waiting, line.len + 1);

    if (room == NULL)
        return false;
    if (line.len > 0)
        memcpy(room, line.ptr, line.len);
    room[line.len] = '\n';
    buf_commit(&l->waiting, line.len + 1);
    return true;
}

static void tell_lost(struct log *l)
{
    size_t lost = l->lost;

    l->lost = 0;
    log_write(l, LOG_WARNING, "[SERVICE: Logging] %zu lines were lost: nobody read stdout", lost);
}

void log_flush(struct log *l)
{
    if (buf_len(&l->waiting) == 0)
        return;
    write_waiting(l, 0);
    if (l->lost > 0 && buf_len(&l->waiting) == 0)
        tell_lost(l);
}

static void to_stdout(struct log *l, struct str line)
{
    if (!add_line(l, line)) {
        write_waiting(l, 0);
        if (!add_line(l, line))
            l->lost++;
    }
}

/* A daemon that was restarted is found again; until then each line looks for it. */
static void to_syslog(struct log *l, enum log_level level, struct str message, int64_t when)
{
    if (log_syslog_send(l->syslog_fd, &l->options, level, message, when))
        return;
    close_syslog(l);
    l->syslog_fd = log_syslog_open(NULL);
    log_syslog_send(l->syslog_fd, &l->options, level, message, when);
}

static void write_message(struct log *l, enum log_level level, struct str message)
{
    struct log_line line = {.level = level, .message = message, .wall = wall(l), .id = ++l->count};
    struct buf text;

    if (l->options.to_syslog)
        to_syslog(l, level, message, line.wall);
    if (!l->options.to_stdout && l->sink == NULL)
        return;
    buf_init(&text, 2 * LINE_MAX_LEN);
    log_form_append(&text, &l->options, &line);
    struct str formed = {buf_head(&text), buf_len(&text)};
    if (l->sink != NULL)
        l->sink(l->sink_owner, level, false, formed);
    if (l->options.to_stdout) {
        to_stdout(l, formed);
        log_flush(l);
    }
    buf_fini(&text);
}

void log_write(struct log *l, enum log_level level, const char *format, ...)
{
    char small[SHORT_MESSAGE], *message = small;
    va_list args, again;

    if (!log_wants(l, level))
        return;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(small, sizeof(small), format, args);
    if (len >= (int)sizeof(small)) {
        len = len < LINE_MAX_LEN ? len : LINE_MAX_LEN;
        message = mem_alloc((size_t)len + 1);
        vsnprintf(message, (size_t)len + 1, format, again);
    }
    va_end(again);
    va_end(args);
    write_message(l, level, (struct str){message, len > 0 ? (size_t)len : 0});
    if (message != small)
        mem_free(message);
}

void log_access(struct log *l, struct str line)
{
    if (l->sink != NULL) {
        l->sink(l->sink_owner, LOG_INFO, true, line);
        return;
    }
    to_stdout(l, line);
    if (buf_len(&l->waiting) >= TOGETHER)
        log_flush(l);
}

void log_forget(struct log *l)
{
    buf_clear(&l->waiting);
    l->lost = 0;
}

void log_fini(struct log *l)
{
    log_flush(l);
    write_waiting(l, clock_monotonic() + LAST_WAIT);
    buf_fini(&l->waiting);
    close_syslog(l);
    *l = (struct log){.syslog_fd = -1};
}
