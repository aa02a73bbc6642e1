/* access_log - the line of a finished exchange: operate.md 4.4. */
#ifndef GATEWAY_ACCESS_LOG_H
#define GATEWAY_ACCESS_LOG_H

#include "base/arena.h"

struct access_entry {
    int64_t wall;    /* when it ended */
    int64_t latency; /* ns */
    int status;
    struct str client_ip;
    struct str method;
    struct str path;  /* decoded */
    struct str query; /* raw */
    struct str error; /* the "Error #01" line, "" for none */
};

/* The date of the last line: it is written anew once a second. Zeroes at first. */
struct access_clock {
    int64_t second;
    char text[40];
    size_t len;
};

/* "[GIN] 2026/01/31 - 10:20:30 | 200 |   732.753us | ..." in the arena, without a newline at its end. */
struct str access_log_line(struct arena *a, struct access_clock *clock, const struct access_entry *e);

#endif
