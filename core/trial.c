#include "trial.h"

#include "base/clock.h"
#include "script/script.h"
#include "watchdog.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 50 };

/* In memory that both processes share. */
struct trial {
    struct beat beat;
    bool over; /* right and err stand */
    bool right;
    struct error err;
};

/* --- the process that tries ----------------------------------------------------------------------- */

static void try_plugins(struct trial *t, const struct startup *startup, struct log *log, pid_t parent)
{
    log_forget(log);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        return;
    t->right = script_check(startup->config, log, &t->beat, &t->err);
    t->over = true;
    log_fini(log);
    fflush(NULL); /* what plugins that were granted io have written */
}

/* --- the one that waits for it -------------------------------------------------------------------- */

/* The other end of the pipe is closed by the end of the process. False: a plugin took too long. */
static bool wait_for_end(const struct trial *t, int pipe_end, int64_t limit, struct watch *watch)
{
    struct pollfd end = {.fd = pipe_end, .events = POLLIN};
    int ready;

    while ((ready = poll(&end, 1, LOOK_EVERY_MS)) <= 0) {
        if (ready == 0 && watch_is_stuck(watch, &t->beat, LOOK_EVERY_MS * MILLISECOND, limit))
            return false;
    }
    return true;
}

static bool tell_stuck(const struct trial *t, int64_t still, struct error *err)
{
    char where[BEAT_TEXT_MAX];
    char span[32];

    beat_tell(&t->beat, where);
    duration_format_short(span, still);
    return error_set(err, "%s, has not returned for %s (extra_config \"cuttle/workers\": stuck_after)", where,
                     span);
}

static bool tell_end(const struct trial *t, int status, struct error *err)
{
    char where[BEAT_TEXT_MAX];

    beat_tell(&t->beat, where);
    if (WIFSIGNALED(status))
        return error_set(err, "%s, ended the process by signal %d (%s)", where, WTERMSIG(status),
                         strsignal(WTERMSIG(status)));
    return error_set(err, "%s, ended the process with code %d", where, WEXITSTATUS(status));
}

static bool conclude(struct trial *t, pid_t pid, int pipe_end, int64_t limit, struct error *err)
{
    struct watch watch = {0};
    bool ended = wait_for_end(t, pipe_end, limit, &watch);
    int status = 0;

    if (!ended)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!ended)
        return tell_stuck(t, watch.still, err);
    if (!t->over)
        return tell_end(t, status, err);
    if (!t->right)
        error_set(err, "%s", t->err.text);
    return t->right;
}

static bool fork_trial(struct trial *t, const struct startup *startup, struct log *log, struct error *err)
{
    pid_t parent = getpid(), pid;
    int ends[2];
    bool right;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set(err, "cannot make a pipe: %s", strerror(errno));
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        try_plugins(t, startup, log, parent);
        _exit(0);
    }
    close(ends[1]);
    if (pid > 0)
        right = conclude(t, pid, ends[0], startup->stuck_after, err);
    else
        right = error_set(err, "cannot start a process to load plugins: %s", strerror(errno));
    close(ends[0]);
    return right;
}

bool trial_run(const struct startup *startup, struct log *log, struct error *err)
{
    struct trial *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool right;

    if (t == MAP_FAILED)
        return error_set(err, "cannot map %zu bytes: %s", sizeof(*t), strerror(errno));
    beat_reset(&t->beat);
    right = fork_trial(t, startup, log, err);
    munmap(t, sizeof(*t));
    return right;
}
