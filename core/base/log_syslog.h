/* log_syslog - lines to the local syslog. Used by log.c. */
#ifndef BASE_LOG_SYSLOG_H
#define BASE_LOG_SYSLOG_H

#include "base/error.h"
#include "base/log.h"

/* A socket connected to the local syslog daemon, or -1 and why. */
int log_syslog_open(struct error *err);

/* Sends one message; what the daemon does not take at once is lost, as nobody may wait for it. False: the
 * daemon is gone, and if it was started again it listens on a new socket. The severity is that of the level
 * in options for every message, as in KrakenD (operate.md 4.3 rule 4). */
bool log_syslog_send(int fd, const struct log_options *options, enum log_level level, struct str message,
                     int64_t wall);

#endif
