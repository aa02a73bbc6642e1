/* quote - texts as Go's messages and KrakenD's log show them. */
#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H

#include "base/arena.h"
#include "base/str.h"

/* A text in Go's quotes (strconv.Quote): quotes, controls and whatever else is not printable escaped,
 * ill-formed UTF-8 as \xNN. */
struct str quote_go(struct arena *a, struct str text);
/* Writes what stands between the quotes and returns its end; dst has room for four bytes for each of text. */
char *quote_go_put(char *dst, struct str text);

#endif
