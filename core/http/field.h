/* field - a field section (RFC 9110 section 5): ordered, repeatable, case-insensitive.
 *
 * Owner:   the arena; names and values are borrowed spans (of the receive buffer, or of constants).
 */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include "base/arena.h"
#include "base/str.h"

/* Names that code asks for by number. field_id finds it by perfect hash; FIELD_OTHER: compare the text. */
enum field_id {
    FIELD_OTHER,
    FIELD_ACCEPT,
    FIELD_ACCEPT_ENCODING,
    FIELD_AUTHORIZATION,
    FIELD_CACHE_CONTROL,
    FIELD_CONNECTION,
    FIELD_CONTENT_ENCODING,
    FIELD_CONTENT_LANGUAGE,
    FIELD_CONTENT_LENGTH,
    FIELD_CONTENT_LOCATION,
    FIELD_CONTENT_TYPE,
    FIELD_COOKIE,
    FIELD_DATE,
    FIELD_EXPECT,
    FIELD_HOST,
    FIELD_IDEMPOTENCY_KEY,
    FIELD_KEEP_ALIVE,
    FIELD_LOCATION,
    FIELD_PRAGMA,
    FIELD_PROXY_AUTHENTICATE,
    FIELD_PROXY_AUTHORIZATION,
    FIELD_PROXY_CONNECTION,
    FIELD_RANGE,
    FIELD_REFERER,
    FIELD_SERVER,
    FIELD_SET_COOKIE,
    FIELD_TE,
    FIELD_TRAILER,
    FIELD_TRANSFER_ENCODING,
    FIELD_UPGRADE,
    FIELD_USER_AGENT,
    FIELD_WWW_AUTHENTICATE,
    FIELD_X_FORWARDED_FOR,
    FIELD_X_FORWARDED_HOST,
    FIELD_X_FORWARDED_VIA,
    FIELD_X_IDEMPOTENCY_KEY,
    FIELD_X_KRAKEND,
    FIELD_X_KRAKEND_COMPLETED,
    FIELD_COUNT
};

struct field {
    struct str name; /* as received or set */
    struct str value;
    enum field_id id;
};

struct fields {
    struct field *items;
    unsigned count;
    unsigned cap;
    struct arena *arena;
};

void fields_init(struct fields *f, struct arena *arena);
void fields_reserve(struct fields *f, unsigned count); /* room for so many in all */

enum field_id field_id(struct str name);
struct str field_id_name(enum field_id id); /* canonical spelling: "Content-Type" */

/* Canonical spelling as Go's: each dash-separated word capitalised, the rest in lower case; a name with a
 * byte that is no token is left as it is. A constant for known names, else a copy in the arena if it differs.
 */
struct str field_canonical(struct arena *a, struct str name);

void field_add(struct fields *f, struct str name, struct str value);
void field_add_id(struct fields *f, enum field_id id, struct str value); /* canonical name */
void field_add_copy(struct fields *f, const struct field *field);        /* of another section; the same */
void fields_copy(struct fields *f, const struct fields *from); /* adds all of from, texts in f's arena */
void field_set(struct fields *f, struct str name, struct str value); /* replaces all of that name */
void field_set_id(struct fields *f, enum field_id id, struct str value);
unsigned field_remove(struct fields *f, struct str name); /* how many lines */
unsigned field_remove_id(struct fields *f, enum field_id id);

/* The first of that name; NULL if there is none. */
const struct field *field_find(const struct fields *f, struct str name);
const struct field *field_find_id(const struct fields *f, enum field_id id);
struct str field_value(const struct fields *f, struct str name); /* the first value, or empty */

bool field_name_is(const struct field *field, struct str name);
size_t token_len(const char *text, size_t len); /* how many bytes at its head are a token's */
bool field_name_is_valid(struct str name);      /* a token: RFC 9110 section 5.6.2 */
bool field_value_is_valid(struct str value);    /* no CR, LF, NUL or other control but HTAB */

/* Walks the comma-separated members of all lines of that name (RFC 9110 section 5.6.1), trimmed, without
 * empty ones. cursor starts as {0}. */
struct field_list_cursor {
    unsigned line;
    struct str rest;
    bool started;
};
bool field_list_next(const struct fields *f, enum field_id id, struct field_list_cursor *cursor,
                     struct str *member);
bool field_list_has(const struct fields *f, enum field_id id, struct str member); /* in any letter case */

/* Removes what belongs to one connection only: Connection and the fields it names, Keep-Alive,
 * Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade (RFC 9110 section 7.6.1). Content-Length stays.
 */
void fields_remove_hop_by_hop(struct fields *f);

#endif
