/* doc - a JSON document that is indexed, not converted.
 *
 * doc_parse checks a text once (RFC 8259, UTF-8, depth) and indexes it as a flat tape over the received
 * bytes: where each container begins and ends. A `struct node` is a value of a document: a span of text that
 * nobody has touched, or a container that was edited. The members of a container are found when somebody
 * asks for them; writing copies what was not touched byte for byte, as spans: number text, key order and
 * escapes stay as received.
 *
 * Of members with the same name the last counts, for reading and for editing; an object in which nothing was
 * changed is written with all of them.
 *
 * Bytes in strings that are not UTF-8 are accepted and become U+FFFD at once. Escapes of lone surrogates are
 * U+FFFD to who reads them, and are written as they were received.
 *
 * Owner:   everything is allocated from the arena given to doc_parse and goes with it.
 * Borrow:  the text must live as long as the nodes: spans point into it. A node may be put into another
 *          document when both live equally long (merging does), but into one place: clone it for more.
 * Errors:  parsing only; texts are those of KrakenD where it has one.
 */
#ifndef BASE_DOC_H
#define BASE_DOC_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include <sys/uio.h>

enum doc_type { DOC_NULL, DOC_FALSE, DOC_TRUE, DOC_NUMBER, DOC_STRING, DOC_ARRAY, DOC_OBJECT };

enum { DOC_MAX_DEPTH = 10000 }; /* one level more is an error */

struct node; /* a value; opaque */

enum doc_end {
    DOC_WHOLE, /* nothing but white space may follow the value */
    DOC_FIRST, /* what follows the first value is not looked at */
};

/* The value of text, or NULL and why: "EOF" for an empty text, "unexpected EOF" for a truncated
 * one, else "invalid character ...". len must be below 4 GiB. */
struct node *doc_parse(struct arena *a, struct str text, enum doc_end end, struct error *err);

/* The same without vector code, as on a machine that has none. */
struct node *doc_parse_plain(struct arena *a, struct str text, enum doc_end end, struct error *err);

/* --- reading ---------------------------------------------------------------------------------- */

enum doc_type node_type(const struct node *n);
const char *doc_type_name(enum doc_type type); /* "object", "array", "string", "number", "bool", "null" */

/* The members of an object or the elements of an array. 0 for other types. */
size_t node_count(struct node *n);

/* The member of that name (unescaped bytes), NULL if there is none or n is no object. */
struct node *node_get(struct node *n, struct str name);
struct node *node_at(struct node *n, size_t index); /* an array's element, from 0, or NULL */

/* Walks members or elements in their order. cursor starts as {0}; false at the end. Of duplicate
 * names only the last is visited. name is unescaped (for an array: empty). The node may be
 * changed below the visited child meanwhile, not itself. */
struct node_cursor {
    size_t index;
};
bool node_next(struct node *n, struct node_cursor *cursor, struct str *name, struct node **child);

/* The unescaped bytes of a string; "" for other types. Without escapes it is the span itself, else a copy in
 * the arena. Of a parsed text it is valid UTF-8: lone surrogates and ill-formed bytes are U+FFFD. What
 * node_new_string was given is given back, and repaired when it is written. */
struct str node_string(struct node *n);

/* The text of a number as received; "" for other types. */
struct str node_number(const struct node *n);
bool node_to_int64(const struct node *n, int64_t *value); /* only exact: no fraction, in range */
double node_to_double(const struct node *n);              /* 0 for other types */

/* --- editing ---------------------------------------------------------------------------------- */

struct node *node_new_null(struct arena *a);
struct node *node_new_bool(struct arena *a, bool value);
struct node *node_new_string(struct arena *a, struct str bytes); /* borrowed, unescaped */
struct node *node_new_number(struct arena *a, struct str text);  /* borrowed; must be a JSON number */
struct node *node_new_int64(struct arena *a, int64_t value);
struct node *node_new_double(struct arena *a, double value); /* finite; shortest digits that round-trip */
struct node *node_new_object(struct arena *a);
struct node *node_new_array(struct arena *a);
/* A value that writes another document's bytes as they are: text must be valid JSON, checked by whoever has
 * it. */
struct node *node_new_raw(struct arena *a, struct str text);
/* A copy in an arena of its own: shares the text of a node that nobody changed, else has what would be
 * written. */
struct node *node_clone(struct arena *a, struct node *n);

void node_set(struct node *object, struct str name,
              struct node *value);                      /* appends or replaces in place; name borrowed */
bool node_remove(struct node *object, struct str name); /* false if it was not there */
void node_append(struct node *array, struct node *value);
bool node_put(struct node *array, size_t index, struct node *value); /* false beyond the end */
bool node_cut(struct node *array, size_t index);                     /* takes an element out */

/* --- the operations of response manipulation; each works on an object --------------------------- */

/* Dotted names compiled once, shared by all requests: a tree by steps. */
struct doc_paths;
struct doc_paths *doc_paths_new(struct arena *a, const struct str *dotted, size_t count);

/* Where the dotted path leads, object by object; NULL if a step is missing or is no object. */
struct node *node_find(struct node *n, struct str dotted);

/* Keeps what paths name, whatever it is, and drops the rest, with it objects that are left empty. A path does
 * not lead into arrays. Of overlapping paths the later decides: a, a.b keeps b alone; a.b, a keeps all of a.
 */
void node_keep(struct node *object, const struct doc_paths *paths);

/* Drops what paths name; objects that are left empty stay. A path does not lead into arrays. Of overlapping
 * paths the shorter decides. */
void node_drop(struct node *object, const struct doc_paths *paths);

/* Renames members, all at once, so that swaps lose nothing; over what has the new name. A new name is used as
 * given; an old name mapped to itself disappears. */
struct doc_rename {
    struct str from;
    struct str to;
};
void node_rename(struct node *object, const struct doc_rename *renames, size_t count);

/* Moves every member of source into object, replacing those of the same name (a shallow merge). */
void node_merge(struct node *object, struct node *source);

/* --- writing ---------------------------------------------------------------------------------- */

/* The document as a list of spans to be written one after the other. Borrowed from the text, the nodes and
 * the arena. Untouched text is one span; short pieces are gathered into one, so that a document of n edits
 * has O(n) spans. Bytes that are not UTF-8 are replaced by U+FFFD. */
struct doc_spans {
    struct iovec *spans;
    size_t count;
    size_t bytes; /* the sum of their lengths */
};
void doc_write(struct arena *a, struct node *n, struct doc_spans *out);
struct str doc_text(struct arena *a, struct node *n); /* the same in one piece */

/* A JSON string with quotes and escapes for bytes; ill-formed UTF-8 becomes U+FFFD. */
struct str doc_quote(struct arena *a, struct str bytes);

/* Is s well-formed UTF-8 (Unicode, table 3-7)? */
bool utf8_is_valid(struct str s);
/* s with U+FFFD for each maximal ill-formed subpart (tables 3-8 to 3-11); s itself if it is valid. */
struct str utf8_repair(struct arena *a, struct str s);

#endif
