/* go_text - JSON values as Go's %v prints them: "map[a:1 b:[x <nil>]]" (core.md R-SQ-7, operate.md 1.5).
 *
 * Owner:   the arena.
 */
#ifndef GATEWAY_GO_TEXT_H
#define GATEWAY_GO_TEXT_H

#include "base/doc.h"

struct go_member {
    struct str name;
    struct node *value;
};

/* What lies deeper than 100 containers is left out. */
struct str go_text(struct arena *a, struct node *n);
/* The same of each element of an array, with that between them and nothing around. */
struct str go_text_elements(struct arena *a, struct node *array, struct str between);
/* "[a b]" */
struct str go_text_list(struct arena *a, const struct str_list *list);

/* The members of an object, sorted by name, as maps are printed. */
struct go_member *go_members(struct arena *a, struct node *object, size_t *count);

#endif
