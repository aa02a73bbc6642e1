/* str - borrowed bytes: a pointer and a length, no terminator, any byte inside.
 *
 * Borrow:  whoever owns the bytes says how long they live; a str never frees.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NONE     ((struct str){NULL, 0})
#define STR_ARG(s)   (int)(s).len, (s).ptr /* for "%.*s" */

struct str str_of(const char *text); /* of a C string; NULL gives the empty str */
bool str_equal(struct str a, struct str b);
bool str_equal_nocase(struct str a, struct str b); /* ASCII letters only */
int str_compare(struct str a, struct str b);       /* bytewise, as memcmp; shorter first */
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);
struct str str_slice(struct str s, size_t from, size_t to); /* clamped to s */
struct str str_trim(struct str s);                          /* SP and HTAB at both ends */

/* Where the first c stands, or s.len. */
size_t str_find_char(struct str s, char c);

/* Cuts *rest at the first c: returns what stands before it and leaves in *rest what stands
 * behind it. Without c all of *rest is returned and *rest becomes {NULL, 0}. */
struct str str_split(struct str *rest, char c);

/* Copies s to dst and returns what follows it. */
char *str_put(char *dst, struct str s);

struct str_list {
    const struct str *items;
    size_t count;
};

bool str_list_has(const struct str_list *list, struct str item);

/* All of s must be decimal digits and fit. */
bool str_to_u64(struct str s, uint64_t *value);

#endif
