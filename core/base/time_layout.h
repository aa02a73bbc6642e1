/* time_layout - a point of time by an example, as Go's time.Format: "2006-01-02T15:04:05.000Z07:00". */
#ifndef BASE_TIME_LAYOUT_H
#define BASE_TIME_LAYOUT_H

#include "base/str.h"

/* In local time. Cut, with a NUL, to what fits; returns the length. cap > 0. */
size_t time_layout_format(char *buf, size_t cap, struct str layout, int64_t wall_ns);

#endif
