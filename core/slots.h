/* slots - the places for workers: each with its socket on the port, its beat, and the process that lives in
 * it.
 *
 * Sockets are opened once (SO_REUSEPORT) and outlive the workers: connections queued on one wait for the next
 * worker. A slot whose worker died is filled again at once, with growing delays if workers die young in it
 * again and again.
 *
 * Owner:   the master; slots_close after the last worker.
 */
#ifndef SLOTS_H
#define SLOTS_H

#include "base/log.h"
#include "startup.h"
#include "watchdog.h"
#include <signal.h>
#include <sys/types.h>

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

struct slots {
    const struct startup *startup;
    struct log *log;
    struct store *store; /* shared by all workers */
    struct beat *beats;
    struct slot *items;
    size_t count;
    struct runaways runaways;
    int private_fd; /* of the master: closed in workers; -1: none */
};

/* Maps what is shared and opens the sockets. */
bool slots_open(struct slots *s, const struct startup *startup, struct log *log, struct error *err);
void slots_close(struct slots *s); /* also after a failure */
void slots_close_listeners(struct slots *s);

/* Starts what is due. In the new processes it does not return. */
void slots_fill(struct slots *s, int64_t now);
int64_t slots_next_fill(const struct slots *s); /* INT64_MAX: none waits */
/* Takes note of the dead; those that ended well are told of while serving only. */
void slots_reap(struct slots *s, int64_t now, bool serving);
/* Kills who finished no turn for too long, and stops plugins that are the reason again and again. */
void slots_watch(struct slots *s, int64_t now, int64_t elapsed);

void slots_signal(const struct slots *s, int signal);
size_t slots_alive(const struct slots *s);

#endif
