#include "slots.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/store.h"
#include "child.h"
#include "net/listener.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define YOUNG       SECOND /* a worker that dies before this age, or its first turn, is not replaced at once */
#define FIRST_DELAY (100 * MILLISECOND)
#define LAST_DELAY  (5 * SECOND)

/* --- sockets and memory ------------------------------------------------------------------------- */

/* SO_REUSEPORT would let us join whoever has the port: one bind without it asks first. Returns the port. */
static int claim_port(const struct config *config, struct error *err)
{
    int fd = listener_open(config->listen_ip, (uint16_t)config->port, false, err);
    if (fd < 0)
        return -1;
    int port = listener_port(fd);
    close(fd);
    return port;
}

static bool open_listeners(struct slots *s, struct error *err)
{
    const struct config *config = s->startup->config;
    int port = claim_port(config, err);

    for (size_t i = 0; i < s->count; i++) {
        s->items[i].listener = port < 0 ? -1 : listener_open(config->listen_ip, (uint16_t)port, true, err);
        if (s->items[i].listener < 0)
            return false;
    }
    log_write(s->log, LOG_INFO, "[SERVICE: Gin] Listening on port: %d", port);
    return true;
}

void slots_close_listeners(struct slots *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].listener >= 0)
            close(s->items[i].listener);
        s->items[i].listener = -1;
    }
}

static bool open_memory(struct slots *s, struct error *err)
{
    size_t size = s->count * sizeof(struct beat);

    s->store = store_new(s->startup->store_entries, err);
    if (s->store == NULL)
        return false;
    s->beats = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->beats == MAP_FAILED) {
        s->beats = NULL;
        return error_set(err, "cannot map %zu bytes: %s", size, strerror(errno));
    }
    for (size_t i = 0; i < s->count; i++)
        s->items[i].beat = &s->beats[i];
    return true;
}

bool slots_open(struct slots *s, const struct startup *startup, struct log *log, struct error *err)
{
    *s = (struct slots){.startup = startup, .log = log, .count = startup->workers, .private_fd = -1};
    s->items = mem_zalloc(s->count * sizeof(*s->items));
    for (size_t i = 0; i < s->count; i++)
        s->items[i] = (struct slot){.id = (int)i, .listener = -1};
    return open_memory(s, err) && open_listeners(s, err);
}

void slots_close(struct slots *s)
{
    slots_close_listeners(s);
    if (s->beats != NULL)
        munmap(s->beats, s->count * sizeof(struct beat));
    store_free(s->store);
    mem_free(s->items);
    *s = (struct slots){0};
}

/* --- workers ------------------------------------------------------------------------------------ */

/* In the new process: everything that is the master's alone is given up. */
static int be_worker(struct slots *s, struct slot *slot, pid_t master)
{
    log_forget(s->log);
    if (s->private_fd >= 0)
        close(s->private_fd);
    for (size_t i = 0; i < s->count; i++)
        if (&s->items[i] != slot && s->items[i].listener >= 0)
            close(s->items[i].listener);
    int code = child_run(&(struct child_parts){
        .id = slot->id,
        .listener = slot->listener,
        .master = master,
        .startup = s->startup,
        .log = s->log,
        .store = s->store,
        .beat = slot->beat,
    });
    log_fini(s->log);
    return code;
}

static void delay_restart(struct slot *slot, int64_t now)
{
    int64_t delay = slot->young_deaths > 6 ? LAST_DELAY : FIRST_DELAY << slot->young_deaths;

    slot->restart_at = now + (delay < LAST_DELAY ? delay : LAST_DELAY);
    slot->young_deaths++;
}

static void start_worker(struct slots *s, struct slot *slot, int64_t now)
{
    pid_t master = getpid();

    beat_reset(slot->beat);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        exit(be_worker(s, slot, master));
    if (pid < 0) {
        log_write(s->log, LOG_ERROR, "[SERVICE: Master] cannot start worker %d: %s", slot->id,
                  strerror(errno));
        delay_restart(slot, now);
        return;
    }
    slot->pid = pid;
    slot->started = now;
    slot->killed = false;
    slot->watch = (struct watch){0};
}

static void tell_death(struct slots *s, const struct slot *slot, int status)
{
    if (slot->killed)
        return;
    if (WIFSIGNALED(status))
        log_write(s->log, LOG_ERROR, "[SERVICE: Master] worker %d (pid %d) was ended by signal %d (%s)",
                  slot->id, (int)slot->pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        log_write(s->log, WEXITSTATUS(status) == 0 ? LOG_INFO : LOG_ERROR,
                  "[SERVICE: Master] worker %d (pid %d) ended with code %d", slot->id, (int)slot->pid,
                  WEXITSTATUS(status));
}

static struct slot *slot_of(struct slots *s, pid_t pid)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].pid == pid)
            return &s->items[i];
    return NULL;
}

/* As process 1 of a container it inherits strangers. */
void slots_reap(struct slots *s, int64_t now, bool serving)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct slot *slot = slot_of(s, pid);
        if (slot == NULL)
            continue;
        if (serving || status != 0)
            tell_death(s, slot, status);
        slot->pid = 0;
        slot->restart_at = now;
        if (now - slot->started < YOUNG || !atomic_load(&slot->beat->serving))
            delay_restart(slot, now);
        else
            slot->young_deaths = 0;
    }
}

void slots_fill(struct slots *s, int64_t now)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].pid == 0 && s->items[i].restart_at <= now)
            start_worker(s, &s->items[i], now);
}

int64_t slots_next_fill(const struct slots *s)
{
    int64_t at = INT64_MAX;

    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].pid == 0 && s->items[i].restart_at < at)
            at = s->items[i].restart_at;
    return at;
}

void slots_signal(const struct slots *s, int signal)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].pid > 0)
            kill(s->items[i].pid, signal);
}

size_t slots_alive(const struct slots *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->count; i++)
        count += s->items[i].pid > 0;
    return count;
}

/* --- the watchdog --------------------------------------------------------------------------------- */

static void stop_plugin(struct slots *s, int plugin, const char *where)
{
    if (atomic_load(&s->beats[0].stopped[plugin]))
        return;
    for (size_t i = 0; i < s->count; i++)
        atomic_store(&s->beats[i].stopped[plugin], true);
    log_write(s->log, LOG_ERROR,
              "[SERVICE: Master] %d workers hung in plugin %.*s within a minute: its places answer 503 until "
              "a restart",
              RUNAWAY_KILLS, (int)strcspn(where, ","), where);
}

/* To stop a plugin helps only where its phases are the reason: it would be loaded all the same. */
static void kill_stuck(struct slots *s, struct slot *slot, int64_t now)
{
    int plugin = atomic_load(&slot->beat->plugin);
    bool serving = atomic_load(&slot->beat->serving);
    char where[BEAT_TEXT_MAX];
    char span[32];

    beat_tell(slot->beat, where);
    duration_format_short(span, slot->watch.still);
    kill(slot->pid, SIGKILL);
    slot->killed = true;
    log_write(s->log, LOG_ERROR, "[SERVICE: Master] worker %d (pid %d) hung for %s in %s%s and was killed",
              slot->id, (int)slot->pid, span, where, plugin >= 0 ? "," : "");
    if (serving && runaways_note(&s->runaways, plugin, now))
        stop_plugin(s, plugin, slot->beat->where);
}

void slots_watch(struct slots *s, int64_t now, int64_t elapsed)
{
    for (size_t i = 0; i < s->count; i++) {
        struct slot *slot = &s->items[i];
        if (slot->pid > 0 && !slot->killed &&
            watch_is_stuck(&slot->watch, slot->beat, elapsed, s->startup->stuck_after))
            kill_stuck(s, slot, now);
    }
}
