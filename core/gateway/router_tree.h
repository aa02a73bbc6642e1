/* router_tree - the radix tree of one method.
 *
 *     "/" ─┬─ "u/" ──── :id ──── "/" ─┬─ "sub"      /u/:id/sub
 *          │                          └─ :x         /u/:id/:x
 *          └─ "__health"                            /__health
 *
 * A node holds literal text, or one parameter (a segment, or what is left of it), or the rest of the path.
 * Children of literal text differ in their first byte. Nodes end where texts part, where a route ends, and at
 * parameters; the redirects depend on just that shape.
 */
#ifndef GATEWAY_ROUTER_TREE_H
#define GATEWAY_ROUTER_TREE_H

#include "base/arena.h"
#include "gateway/router.h"

enum node_kind { NODE_TEXT, NODE_PARAM, NODE_REST };

struct tree_node {
    enum node_kind kind;
    struct str text;            /* of NODE_TEXT: the literal; NODE_PARAM: the name; NODE_REST: "/" */
    const unsigned char *heads; /* first byte of each child */
    struct tree_node **children;
    unsigned child_count;
    struct tree_node *param;   /* tried after the children */
    const struct route *route; /* what ends here, NULL for none */
    const struct route *owner; /* the route that made it: for messages */
};

struct tree {
    struct str method;
    struct tree_node *root; /* NULL: empty */
    unsigned depth;         /* of the deepest node */
};

/* Adds a route by its pattern. False: why not, in the words of KrakenD; *other is the route it clashes with,
 * if any. */
bool tree_insert(struct tree *t, struct arena *a, struct route *route, const struct route **other,
                 struct error *err);

/* The route of a path, NULL for none. Literal text before parameters, with back-tracking. params: of
 * ROUTE_PARAMS_MAX. */
const struct route *tree_find(const struct tree *t, struct str path, struct str *params);

struct tree_node *tree_child(const struct tree_node *n, unsigned char head); /* NULL if there is none */

/* Of a path that tree_find did not find: would one with a final slash more or less be? Over-eager where
 * KrakenD is (R-RT-7). params: of ROUTE_PARAMS_MAX; what was taken for parameters before the search ended. */
bool tree_wants_slash(const struct tree *t, struct arena *a, struct str path, struct str *params,
                      size_t *param_count);

/* The path of a route that differs in letter case or a final slash only; values of parameters as they are. */
bool tree_fix_path(const struct tree *t, struct arena *a, struct str path, struct str *fixed);

#endif
