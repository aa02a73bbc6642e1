/* child - one worker process, from its fork to its end. */
#ifndef CHILD_H
#define CHILD_H

#include "base/log.h"
#include "gateway/worker.h"
#include "startup.h"
#include <sys/types.h>

struct child_parts {
    int id;
    int listener; /* its slot's */
    pid_t master;
    const struct startup *startup;
    struct log *log;
    struct store *store;
    struct beat *beat;
};

/* Serves until it was told to stop by SIGTERM, which also comes when the master dies, and nothing is in
 * flight any more; max_shutdown_wait_time cuts what lasts longer. Returns the exit code. */
int child_run(const struct child_parts *parts);

#endif
