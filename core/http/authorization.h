/* authorization - credentials as fields carry them (RFC 7617). */
#ifndef HTTP_AUTHORIZATION_H
#define HTTP_AUTHORIZATION_H

#include "http/target.h"

/* "Basic ..." of the user and password of a URL, still encoded: "user:password", or "user" alone, whose
 * password is empty. Empty if an escape in it is broken. */
struct str basic_authorization(struct arena *a, struct str userinfo);

#endif
