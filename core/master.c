#include "master.h"

#include "base/clock.h"
#include "slots.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TICK (250 * MILLISECOND)
/* After max_shutdown_wait_time workers cut what is left and write their logs; who does not, is killed. */
#define CUT_GRACE (50 * MILLISECOND)

/* Who signals a process and then its group (timeout does) delivers one wish twice: that is not a second one.
 */
#define SAME_WISH (50 * MILLISECOND)

enum stage { SERVING, DRAINING, CUTTING };

struct master {
    struct slots slots;
    int signals; /* signalfd */
    sigset_t old_mask;
    int64_t now;
    enum stage stage;
    int64_t stage_ends;  /* INT64_MAX: never */
    int64_t end_wish_at; /* when the first signal to end came */
};

/* --- the end -------------------------------------------------------------------------------------- */

static void tell_signal(int signal)
{
    char line[64];

    wall_format(line, sizeof(line), "%Y/%m/%d %H:%M:%S", clock_wall());
    fprintf(stderr, "%s Signal intercepted: %s\n", line, signal == SIGINT ? "interrupt" : "terminated");
}

static void drain(struct master *m)
{
    int64_t limit = m->slots.startup->config->max_shutdown_wait_time;

    m->stage = DRAINING;
    m->stage_ends = limit > 0 ? m->now + limit : INT64_MAX;
    slots_close_listeners(&m->slots);
    slots_signal(&m->slots, SIGTERM);
}

static void on_end_signal(struct master *m, int signal)
{
    if (m->stage == SERVING) {
        m->end_wish_at = m->now;
        tell_signal(signal);
        drain(m);
    } else if (m->now - m->end_wish_at >= SAME_WISH) {
        tell_signal(signal);
        slots_signal(&m->slots, SIGKILL);
    }
}

static void end_stage(struct master *m)
{
    if (m->stage == DRAINING) {
        log_write(m->slots.log, LOG_ERROR, "[SERVICE: Gin] context deadline exceeded");
        m->stage = CUTTING;
        m->stage_ends = m->now + CUT_GRACE;
    } else {
        slots_signal(&m->slots, SIGKILL);
        m->stage_ends = INT64_MAX;
    }
}

/* --- the loop ------------------------------------------------------------------------------------- */

static void take_signals(struct master *m)
{
    struct signalfd_siginfo info;

    while (read(m->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            slots_reap(&m->slots, m->now, m->stage == SERVING);
        else
            on_end_signal(m, (int)info.ssi_signo);
    }
}

/* The next time at which something has to be done without a signal. */
static int64_t next_wakeup(const struct master *m)
{
    int64_t patience = m->slots.startup->stuck_after / 4;
    int64_t at = m->now + (patience > 0 && patience < TICK ? patience : TICK);

    if (m->stage_ends < at)
        at = m->stage_ends;
    if (m->stage == SERVING && slots_next_fill(&m->slots) < at)
        at = slots_next_fill(&m->slots);
    return at;
}

static void turn(struct master *m)
{
    int64_t before = m->now, wait = next_wakeup(m) - clock_monotonic();
    struct pollfd signals = {.fd = m->signals, .events = POLLIN};

    poll(&signals, 1, wait > 0 ? (int)((wait + MILLISECOND - 1) / MILLISECOND) : 0);
    m->now = clock_monotonic();
    take_signals(m);
    slots_watch(&m->slots, m->now, m->now - before);
    if (m->stage == SERVING)
        slots_fill(&m->slots, m->now);
    else if (m->now >= m->stage_ends)
        end_stage(m);
    log_flush(m->slots.log);
}

static void open_signals(struct master *m)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, &m->old_mask);
    m->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void serve(struct master *m)
{
    m->slots.private_fd = m->signals;
    slots_fill(&m->slots, m->now);
    while (m->stage == SERVING || slots_alive(&m->slots) > 0)
        turn(m);
}

int master_run(const struct startup *startup, struct log *log)
{
    struct master m = {.stage_ends = INT64_MAX};
    struct error err;
    int code = 0;

    open_signals(&m);
    m.now = clock_monotonic();
    if (m.signals < 0)
        error_set(&err, "cannot watch signals: %s", strerror(errno));
    if (m.signals >= 0 && slots_open(&m.slots, startup, log, &err)) {
        serve(&m);
    } else {
        log_write(log, LOG_ERROR, "[SERVICE: Gin] %s", err.text);
        if (!log_wants(log, LOG_ERROR)) /* nobody is to guess why it ended */
            fprintf(stderr, "ERROR [SERVICE: Gin] %s\n", err.text);
        code = 1;
    }
    log_write(log, LOG_INFO, "[SERVICE: Gin] Router execution ended");
    slots_close(&m.slots);
    close(m.signals);
    sigprocmask(SIG_SETMASK, &m.old_mask, NULL);
    return code;
}
