/* gunzip - decodes the gzip content coding (RFC 1952) piece by piece, into bounded output.
 *
 * A content may be several members, one behind the other; anything else behind a member is an error, and so
 * are a wrong checksum and a wrong length. An empty content is valid.
 *
 * Owner:   gunzip_free.
 */
#ifndef HTTP_GUNZIP_H
#define HTTP_GUNZIP_H

#include "base/str.h"

struct gunzip;

enum gunzip_result {
    GUNZIP_MORE,    /* the input is used up */
    GUNZIP_FULL,    /* dst is full: call again, also when the input is used up */
    GUNZIP_BAD,     /* what it gave so far may be wrong */
    GUNZIP_GARBAGE, /* it is sound: this is no other member behind a whole one */
};

struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *g); /* NULL is fine */

/* Takes bytes from the front of *packed and writes at most cap to dst; *got says how many. */
enum gunzip_result gunzip_read(struct gunzip *g, struct str *packed, char *dst, size_t cap, size_t *got);

/* May the content end here? */
bool gunzip_is_whole(const struct gunzip *g);

#endif
