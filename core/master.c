#include "master.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/store.h"
#include "child.h"
#include "net/listener.h"
#include "watchdog.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK        (250 * MILLISECOND)
#define YOUNG       SECOND /* a worker that dies before this age waits for its successor */
#define FIRST_DELAY (100 * MILLISECOND)
#define LAST_DELAY  (5 * SECOND)
/* After max_shutdown_wait_time workers cut what is left themselves and write their logs; who does not, is
 * killed. */
#define CUT_GRACE (50 * MILLISECOND)

struct slot {
    int id;
    int listener; /* -1: closed */
    pid_t pid;    /* 0: none */
    struct beat *beat;
    struct watch watch;
    bool killed; /* by the watchdog: that is logged already */
    int64_t started;
    int64_t restart_at;    /* when pid is 0 */
    unsigned young_deaths; /* in a row */
};

enum stage { SERVING, DRAINING, CUTTING };

struct master {
    const struct startup *startup;
    struct log *log;
    struct store *store;
    struct slot *slots;
    size_t slot_count;
    struct beat *beats;
    struct runaways runaways;
    int signals; /* signalfd */
    sigset_t old_mask;
    int64_t now;
    enum stage stage;
    int64_t stage_ends; /* INT64_MAX: never */
};

static int64_t monotonic(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * SECOND + ts.tv_nsec;
}

/* --- sockets ------------------------------------------------------------------------------------ */

/* SO_REUSEPORT would let us join whoever has the port; so one bind without it asks first. Returns the port.
 */
static int claim_port(const struct config *config, struct error *err)
{
    int fd = listener_open(config->listen_ip, (uint16_t)config->port, false, err);
    if (fd < 0)
        return -1;
    int port = listener_port(fd);
    close(fd);
    return port;
}

static bool open_listeners(struct master *m, struct error *err)
{
    const struct config *config = m->startup->config;
    int port = claim_port(config, err);

    for (size_t i = 0; i < m->slot_count; i++) {
        m->slots[i].listener = port < 0 ? -1 : listener_open(config->listen_ip, (uint16_t)port, true, err);
        if (m->slots[i].listener < 0)
            return false;
    }
    log_write(m->log, LOG_INFO, "[SERVICE: Gin] Listening on port: %d", port);
    return true;
}

static void close_listeners(struct master *m)
{
    for (size_t i = 0; i < m->slot_count; i++) {
        if (m->slots[i].listener >= 0)
            close(m->slots[i].listener);
        m->slots[i].listener = -1;
    }
}

/* --- workers ------------------------------------------------------------------------------------ */

static void reset_beat(struct beat *beat)
{
    atomic_store(&beat->turn, 0);
    atomic_store(&beat->plugin, -1);
    atomic_store(&beat->connections, 0);
    memset(beat->where, 0, sizeof(beat->where));
}

/* In the new process: everything that is the master's alone is given up. */
static int be_worker(struct master *m, struct slot *slot, pid_t master)
{
    log_forget(m->log);
    close(m->signals);
    for (size_t i = 0; i < m->slot_count; i++)
        if (&m->slots[i] != slot && m->slots[i].listener >= 0)
            close(m->slots[i].listener);
    int code = child_run(&(struct child_parts){
        .id = slot->id,
        .listener = slot->listener,
        .master = master,
        .startup = m->startup,
        .log = m->log,
        .store = m->store,
        .beat = slot->beat,
    });
    log_fini(m->log);
    return code;
}

static void delay_restart(struct slot *slot, int64_t now)
{
    int64_t delay = slot->young_deaths > 6 ? LAST_DELAY : FIRST_DELAY << slot->young_deaths;

    slot->restart_at = now + (delay < LAST_DELAY ? delay : LAST_DELAY);
    slot->young_deaths++;
}

static void start_worker(struct master *m, struct slot *slot)
{
    pid_t master = getpid();

    reset_beat(slot->beat);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        exit(be_worker(m, slot, master));
    if (pid < 0) {
        log_write(m->log, LOG_ERROR, "[SERVICE: Master] cannot start worker %d: %s", slot->id,
                  strerror(errno));
        delay_restart(slot, m->now);
        return;
    }
    slot->pid = pid;
    slot->started = m->now;
    slot->killed = false;
    slot->watch = (struct watch){0};
}

static void tell_death(struct master *m, const struct slot *slot, int status)
{
    if (slot->killed)
        return;
    if (WIFSIGNALED(status))
        log_write(m->log, LOG_ERROR, "[SERVICE: Master] worker %d (pid %d) was ended by signal %d (%s)",
                  slot->id, (int)slot->pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        log_write(m->log, WEXITSTATUS(status) == 0 ? LOG_INFO : LOG_ERROR,
                  "[SERVICE: Master] worker %d (pid %d) ended with code %d", slot->id, (int)slot->pid,
                  WEXITSTATUS(status));
}

static struct slot *slot_of(struct master *m, pid_t pid)
{
    for (size_t i = 0; i < m->slot_count; i++)
        if (m->slots[i].pid == pid)
            return &m->slots[i];
    return NULL;
}

/* Takes note of the dead; as process 1 of a container that includes strangers. */
static void reap(struct master *m)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct slot *slot = slot_of(m, pid);
        if (slot == NULL)
            continue;
        if (m->stage == SERVING || WIFSIGNALED(status))
            tell_death(m, slot, status);
        slot->pid = 0;
        slot->restart_at = m->now;
        if (m->now - slot->started < YOUNG)
            delay_restart(slot, m->now);
        else
            slot->young_deaths = 0;
    }
}

static void start_missing(struct master *m)
{
    for (size_t i = 0; i < m->slot_count; i++)
        if (m->slots[i].pid == 0 && m->slots[i].restart_at <= m->now)
            start_worker(m, &m->slots[i]);
}

static void signal_workers(struct master *m, int signal)
{
    for (size_t i = 0; i < m->slot_count; i++)
        if (m->slots[i].pid > 0)
            kill(m->slots[i].pid, signal);
}

static size_t count_workers(const struct master *m)
{
    size_t count = 0;

    for (size_t i = 0; i < m->slot_count; i++)
        count += m->slots[i].pid > 0;
    return count;
}

/* --- the watchdog --------------------------------------------------------------------------------- */

static void stop_plugin(struct master *m, int plugin, const char *where)
{
    if (atomic_load(&m->beats[0].stopped[plugin]))
        return;
    for (size_t i = 0; i < m->slot_count; i++)
        atomic_store(&m->beats[i].stopped[plugin], true);
    log_write(m->log, LOG_ERROR,
              "[SERVICE: Master] %d workers were killed in plugin %.*s within a minute: its places answer "
              "503 from now "
              "on",
              RUNAWAY_KILLS, (int)strcspn(where, " "), where);
}

static void kill_stuck(struct master *m, struct slot *slot)
{
    int plugin = atomic_load(&slot->beat->plugin);
    char where[sizeof(slot->beat->where) + 1] = "";
    char span[32];

    memcpy(where, slot->beat->where, sizeof(slot->beat->where));
    duration_format_short(span, slot->watch.still);
    kill(slot->pid, SIGKILL);
    slot->killed = true;
    log_write(m->log, LOG_ERROR,
              "[SERVICE: Master] worker %d (pid %d) did nothing else for %s and was killed: it was in %s%s",
              slot->id, (int)slot->pid, span, plugin >= 0 ? "plugin " : "the gateway's own code",
              plugin >= 0 ? where : "");
    if (runaways_note(&m->runaways, plugin, m->now))
        stop_plugin(m, plugin, where);
}

static void watch_workers(struct master *m, int64_t elapsed)
{
    for (size_t i = 0; i < m->slot_count; i++) {
        struct slot *slot = &m->slots[i];
        if (slot->pid > 0 && !slot->killed &&
            watch_is_stuck(&slot->watch, slot->beat, elapsed, m->startup->stuck_after))
            kill_stuck(m, slot);
    }
}

/* --- the end -------------------------------------------------------------------------------------- */

static void tell_signal(int signal)
{
    char line[64];
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    wall_format(line, sizeof(line), "%Y/%m/%d %H:%M:%S", ts.tv_sec * SECOND);
    fprintf(stderr, "%s Signal intercepted: %s\n", line, signal == SIGINT ? "interrupt" : "terminated");
}

static void drain(struct master *m)
{
    int64_t limit = m->startup->config->max_shutdown_wait_time;

    m->stage = DRAINING;
    m->stage_ends = limit > 0 ? m->now + limit : INT64_MAX;
    close_listeners(m);
    signal_workers(m, SIGTERM);
}

static void on_end_signal(struct master *m, int signal)
{
    tell_signal(signal);
    if (m->stage == SERVING)
        drain(m);
    else
        signal_workers(m, SIGKILL);
}

static void end_stage(struct master *m)
{
    if (m->stage == DRAINING) {
        log_write(m->log, LOG_ERROR, "[SERVICE: Gin] context deadline exceeded");
        m->stage = CUTTING;
        m->stage_ends = m->now + CUT_GRACE;
    } else {
        signal_workers(m, SIGKILL);
        m->stage_ends = INT64_MAX;
    }
}

/* --- the loop ------------------------------------------------------------------------------------- */

static void take_signals(struct master *m)
{
    struct signalfd_siginfo info;

    while (read(m->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            reap(m);
        else
            on_end_signal(m, (int)info.ssi_signo);
    }
}

/* The next time at which something has to be done without a signal. */
static int64_t next_wakeup(const struct master *m)
{
    int64_t patience = m->startup->stuck_after / 4;
    int64_t at = m->now + (patience > 0 && patience < TICK ? patience : TICK);

    if (m->stage_ends < at)
        at = m->stage_ends;
    for (size_t i = 0; m->stage == SERVING && i < m->slot_count; i++)
        if (m->slots[i].pid == 0 && m->slots[i].restart_at < at)
            at = m->slots[i].restart_at;
    return at;
}

static void turn(struct master *m)
{
    int64_t before = m->now, wait = next_wakeup(m) - monotonic();
    struct pollfd signals = {.fd = m->signals, .events = POLLIN};

    poll(&signals, 1, wait > 0 ? (int)((wait + MILLISECOND - 1) / MILLISECOND) : 0);
    m->now = monotonic();
    take_signals(m);
    watch_workers(m, m->now - before);
    if (m->stage == SERVING)
        start_missing(m);
    else if (m->now >= m->stage_ends)
        end_stage(m);
    log_flush(m->log);
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

static bool open_memory(struct master *m, struct error *err)
{
    size_t size = m->slot_count * sizeof(struct beat);

    m->store = store_new(m->startup->store_entries, err);
    if (m->store == NULL)
        return false;
    m->beats = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (m->beats == MAP_FAILED) {
        m->beats = NULL;
        return error_set(err, "cannot map %zu bytes: %s", size, strerror(errno));
    }
    for (size_t i = 0; i < m->slot_count; i++)
        m->slots[i].beat = &m->beats[i];
    return true;
}

static bool open_all(struct master *m)
{
    struct error err;

    m->slots = mem_zalloc(m->slot_count * sizeof(*m->slots));
    for (size_t i = 0; i < m->slot_count; i++)
        m->slots[i] = (struct slot){.id = (int)i, .listener = -1};
    if (open_memory(m, &err) && open_listeners(m, &err))
        return true;
    log_write(m->log, LOG_ERROR, "[SERVICE: Gin] %s", err.text);
    return false;
}

static void close_all(struct master *m)
{
    close_listeners(m);
    close(m->signals);
    sigprocmask(SIG_SETMASK, &m->old_mask, NULL);
    if (m->beats != NULL)
        munmap(m->beats, m->slot_count * sizeof(struct beat));
    store_free(m->store);
    mem_free(m->slots);
}

int master_run(const struct startup *startup, struct log *log)
{
    struct master m = {
        .startup = startup, .log = log, .slot_count = startup->workers, .stage_ends = INT64_MAX};
    bool opened;

    open_signals(&m);
    m.now = monotonic();
    opened = m.signals >= 0 && open_all(&m);
    if (opened)
        start_missing(&m);
    while (opened && (m.stage == SERVING || count_workers(&m) > 0))
        turn(&m);
    log_write(log, LOG_INFO, "[SERVICE: Gin] Router execution ended");
    close_all(&m);
    return opened ? 0 : 1;
}
