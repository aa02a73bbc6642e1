/* log - lines for operators, in KrakenD's forms.
 *
 * A log has one level, one prefix and up to three sinks: stdout, syslog, and a function (used by
 * the simulator and by specs). Lines are written whole. The access log goes past the level: it
 * has its own call and never reaches syslog (KrakenD: operate.md 4.3, 4.4).
 *
 * A reader of stdout that has stopped reading does not stop the gateway: lines wait in memory, up to
 * 1 MB; what finds no room is dropped and counted, and a line tells how many were lost. Into a pipe
 * lines are written in pieces that are never torn apart by those of other workers.
 *
 * Owner:   the struct that embeds it; log_fini flushes and closes.
 * Threads: none; each process has its own.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING, LOG_ERROR, LOG_CRITICAL };

enum log_form {
    LOG_BASIC,    /* 2026/01/31 10:20:30 KRAKEND INFO: text      (no telemetry/logging) */
    LOG_PATTERN,  /* prefix 2026/01/31 - 10:20:30.000 ▶ INFO text     (format: default) */
    LOG_LOGSTASH, /* one JSON object a line, the message escaped    (format: logstash) */
    LOG_CUSTOM,   /* custom_format                                    (format: custom) */
};

struct log_options {
    enum log_level level;
    enum log_form form;
    const char *prefix;        /* "" for none */
    const char *custom_format; /* for LOG_CUSTOM */
    bool to_stdout;
    bool to_syslog;
    int syslog_facility; /* LOG_LOCAL0.. of <syslog.h>, unshifted number 0..7 */
};

/* Receives every line that passes the level, without the newline. access: an access line. */
typedef void log_sink_fn(void *owner, enum log_level level, bool access, struct str line);

struct log {
    struct log_options options;
    log_sink_fn *sink; /* NULL for none */
    void *sink_owner;
    int64_t (*wall)(void *owner); /* the clock of its lines; NULL: the system's */
    void *wall_owner;
    unsigned long count; /* lines so far, for %{id} */
    struct buf waiting;  /* whole lines for stdout */
    size_t lost;         /* lines that found no room while stdout took nothing */
    size_t piece;        /* bytes written at once: what cannot block and is not torn */
    int syslog_fd;       /* -1: closed */
};

void log_init(struct log *l); /* basic form, DEBUG, stdout */
/* Texts are borrowed. Without the syslog that was asked for it stays in the basic form and says so. */
void log_configure(struct log *l, const struct log_options *options);
void log_fini(struct log *l); /* writes what waits, and waits for who reads it for a second at most */
/* After a fork, in the child: what waits is the parent's to write. */
void log_forget(struct log *l);

bool log_level_parse(struct str text, enum log_level *level); /* any letter case */
bool log_custom_check(const char *format, struct error *err); /* has it verbs, all known? */

/* Ask before building costly arguments. */
bool log_wants(const struct log *l, enum log_level level);

void log_write(struct log *l, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One line (or several, separated by \n) of the access log, as it is, to the sink or, without one, to stdout
 * (whatever options.to_stdout says). Lines are collected: log_flush writes what waits. */
void log_access(struct log *l, struct str line);
void log_flush(struct log *l);

#endif
