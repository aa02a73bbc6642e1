/* clock - time of the system; spans and points of time as text.
 *
 * All times and durations are int64_t nanoseconds; a wall time counts from 1970 UTC.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/error.h"
#include "base/str.h"

#define NANOSECOND  ((int64_t)1)
#define MICROSECOND (1000 * NANOSECOND)
#define MILLISECOND (1000 * MICROSECOND)
#define SECOND      (1000 * MILLISECOND)
#define MINUTE      (60 * SECOND)
#define HOUR        (60 * MINUTE)

/* The system's clocks, for who runs without an env: the loop, which makes its time of them, the master, the
 * log. All others take the time from net/env.h. */
int64_t clock_monotonic(void);
int64_t clock_wall(void);

/* "1h30m", "1.5s", "-1s", "0": the syntax of Go's time.ParseDuration. The text of a failure is
 * "time: missing unit in duration", "time: unknown unit" or "time: invalid duration". */
bool duration_parse(struct str text, int64_t *ns, struct error *err);

/* "1.5s", "250ms", "1h0m0s" as Go's Duration.String; buf of at least 32 bytes. */
size_t duration_format(char *buf, int64_t ns);

/* The form of the access log: over a minute cut to 10 s, over a second to 10 ms, over a
 * millisecond to 10 us, else exact. buf of at least 32 bytes. */
size_t duration_format_short(char *buf, int64_t ns);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7): 29 bytes and a NUL. */
enum { HTTP_DATE_LEN = 29 };
void wall_format_http(char buf[HTTP_DATE_LEN + 1], int64_t wall_ns);

/* strftime in local time, plus "%3N" for milliseconds. Returns the length. */
size_t wall_format(char *buf, size_t cap, const char *format, int64_t wall_ns);

#endif
