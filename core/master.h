/* master - owns the listening sockets, the signals, the memory that workers share, and their lives.
 *
 * It never reads a byte from the network and runs no script. Each slot has a socket on the port
 * (SO_REUSEPORT), which outlives its workers: connections queued on it wait for the next one.
 *
 *     SIGTERM, SIGINT   drain the workers and end; the second one ends at once
 *     SIGCHLD           a worker that died is replaced at once, with growing delays if it dies young again
 * and again
 *
 * A worker that finishes no turn for stuck_after is killed; the log names the plugin and phase it was in.
 */
#ifndef MASTER_H
#define MASTER_H

#include "base/log.h"
#include "startup.h"

/* Returns the exit code. In a worker, which it forks, it does not return: it exits. */
int master_run(const struct startup *startup, struct log *log);

#endif
