/* target - request targets, URLs and queries, with Go's rules where KrakenD shows them. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum target_form { TARGET_ORIGIN, TARGET_ABSOLUTE, TARGET_AUTHORITY, TARGET_ASTERISK };

/* A request target taken apart (RFC 9112 section 3.2). All spans into the text. */
struct target {
    enum target_form form;
    struct str authority; /* of the absolute and authority forms */
    struct str scheme;
    struct str path;  /* raw, begins with "/"; "*" of the asterisk form */
    struct str query; /* raw, without "?" */
    bool has_query;   /* "/a?" has an empty one */
};

/* False for what no target may be: an empty one, a raw space, control or (in authority) illegal bytes, a
 * broken percent-escape in the path, a fragment behind the path, an unknown form for that method. Bytes above
 * 127 are let through raw. */
bool target_parse(struct target *t, struct str method, struct str text);

/* "host", "host:8080", "[::1]:80": is it a legal Host (RFC 9110 section 7.2)? May be empty. */
bool authority_is_valid(struct str authority);
/* Splits it; IPv6 loses its brackets. port is default_port without one. False if it is not valid. */
bool authority_split(struct str authority, uint16_t default_port, struct str *host, uint16_t *port);

/* %XX decoded; s itself when nothing is encoded. False: a broken escape, *bad is it ("%zz", "%"). */
bool percent_decode(struct arena *a, struct str s, struct str *out, struct str *bad);
/* The same for a query part: "+" is a space. */
bool query_decode(struct arena *a, struct str s, struct str *out);
/* Go's url.QueryEscape. */
struct str query_encode(struct arena *a, struct str s);

/* A decoded path as Go's URL.EscapedPath writes it: raw is taken verbatim when every byte of it
 * is legal in a path and it decodes to path; else path is encoded anew. */
struct str path_encode(struct arena *a, struct str path, struct str raw);
/* Go's path.Clean with one final slash kept: "//", "." and ".." resolved; begins with "/". */
struct str path_clean(struct arena *a, struct str path);

/* A query as Go parses it: pairs in order; those with ";" or a broken escape are dropped. */
struct query_pair {
    struct str name;
    struct str value;
};
struct query {
    struct query_pair *pairs;
    size_t count;
};
void query_parse(struct arena *a, struct str raw, struct query *q);
/* Its pairs, sorted bytewise by name, values of a name in their order. */
const struct query_pair **query_sort(struct arena *a, const struct query *q);
/* Form-encoded, sorted like that. */
struct str query_format(struct arena *a, const struct query *q);

/* How a request gets to its host: proxy_rules.h. */
enum url_way { WAY_UNDECIDED, WAY_DIRECT, WAY_PROXY };

/* An absolute URL for the client. */
struct url {
    bool tls;             /* https */
    struct str userinfo;  /* "user:password" as written, still encoded; mostly empty */
    struct str scheme;    /* in lower case */
    struct str authority; /* host[:port] as written: the Host field */
    struct str host;      /* without brackets */
    uint16_t port;
    struct str target; /* what goes on the request line: path and query, never empty */
    struct str text;   /* the whole URL, for messages: without a password */
    enum url_way
        way; /* undecided when it was parsed; who knows may say so before the client asks the rules */
};
/* Why not: Go's texts where KrakenD shows them: `parse "<url>": net/url: invalid control character in URL`,
 * `parse "<url>": invalid URL escape "%zz"`, `unsupported protocol scheme ""`, `first path segment in URL
 * cannot contain colon`. Encodes what may not be raw: the path as path_encode, in the query
 * space, control and non-ASCII bytes. A fragment is dropped. Of a URL that is well-formed, but none that can
 * be asked (`unsupported protocol scheme ""`, `http: no Host in request URL`), url->text is there
 * nevertheless. */
bool url_parse(struct arena *a, struct str text, struct url *url, struct error *err);
/* RFC 3986 section 5: the URL that a Location means. */
bool url_resolve(struct arena *a, const struct url *base, struct str reference, struct url *url,
                 struct error *err);

#endif
