/* master - the process that owns the slots (slots.h) and takes the signals.
 *
 * It never reads a byte from the network and runs no script.
 *
 *     SIGTERM, SIGINT   drain the workers and end; the second one ends at once
 *     SIGCHLD           a worker died: its slot is filled again
 */
#ifndef MASTER_H
#define MASTER_H

#include "base/log.h"
#include "startup.h"

/* Returns the exit code. In a worker, which it forks, it does not return: it exits. */
int master_run(const struct startup *startup, struct log *log);

#endif
