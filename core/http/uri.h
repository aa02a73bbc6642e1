/* uri - what targets, queries and URLs are made of: classes of bytes and percent-escapes (RFC 3986 section
 * 2). */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "http/target.h"

enum {
    URI_UNRESERVED = 1, /* letters, digits, - . _ ~ (RFC 3986 section 2.3) */
    URI_SUB_DELIM = 2,  /* ! $ & ' ( ) * + , ; = */
    URI_PATH_SAFE = 4,  /* what Go leaves as it is when it encodes a path */
    URI_PATH_LEGAL = 8, /* what it lets stand in a path that is sent as written */
    URI_HEX = 16,
    URI_ALPHA = 32,
    URI_DIGIT = 64,
};

/* Is c of one of the classes? */
bool uri_is(char c, unsigned char classes);

/* Where the first broken escape stands, or s.len. */
size_t uri_find_bad_escape(struct str s);
/* "%41"; returns what follows it. */
char *uri_write_escape(char *dst, char c);

/* RFC 3986 section 5.2.4 on a path that begins with "/"; unlike path_clean it keeps empty segments, and a
 * final "." or
 * ".." leaves a slash. */
struct str uri_remove_dots(struct arena *a, struct str path);

#endif
