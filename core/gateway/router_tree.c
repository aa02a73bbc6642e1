#include "gateway/router_tree.h"

#include <string.h>

/* --- patterns ---------------------------------------------------------------------------------------- */

enum piece_kind { PIECE_TEXT, PIECE_PARAM, PIECE_REST };

struct piece {
    enum piece_kind kind;
    struct str text; /* literal, or the name */
};

struct pieces {
    struct piece *items;
    size_t count;
};

static void add_piece(struct pieces *p, enum piece_kind kind, struct str text)
{
    if (kind != PIECE_TEXT || text.len > 0)
        p->items[p->count++] = (struct piece){kind, text};
}

/* A parameter runs from its mark to the end of its segment. */
static bool check_param(struct str pattern, struct str segment, struct error *err)
{
    for (size_t i = 1; i < segment.len; i++)
        if (segment.ptr[i] == ':' || segment.ptr[i] == '*')
            return error_set(err, "only one wildcard per path segment is allowed, has: '%.*s' in path '%.*s'",
                             STR_ARG(segment), STR_ARG(pattern));
    if (segment.len < 2)
        return error_set(err, "wildcards must be named with a non-empty name in path '%.*s'",
                         STR_ARG(pattern));
    return true;
}

/* "\:" is a colon that starts no parameter. */
static bool take_apart(struct arena *a, struct str pattern, struct pieces *p, struct error *err)
{
    char *text = arena_bytes(a, pattern.len + 1);
    size_t start = 0, len = 0;

    p->items = arena_alloc(a, (pattern.len + 1) * sizeof(*p->items));
    p->count = 0;
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];
        if (c == '\\' && i + 1 < pattern.len) {
            if (pattern.ptr[++i] != ':')
                return error_set(err, "invalid escape string in path '%.*s'", STR_ARG(pattern));
            text[len++] = ':';
        } else if (c == ':' || c == '*') {
            struct str rest = str_slice(pattern, i, pattern.len);
            struct str segment = str_slice(rest, 0, str_find_char(rest, '/'));
            if (!check_param(pattern, segment, err))
                return false;
            add_piece(p, PIECE_TEXT, (struct str){text + start, len - start});
            add_piece(p, c == ':' ? PIECE_PARAM : PIECE_REST, str_slice(segment, 1, segment.len));
            start = len;
            i += segment.len - 1;
        } else {
            text[len++] = c;
        }
    }
    add_piece(p, PIECE_TEXT, (struct str){text + start, len - start});
    return true;
}

static bool name_params(struct arena *a, struct route *route, const struct pieces *p, struct error *err)
{
    struct str *names = arena_alloc(a, (p->count + 1) * sizeof(*names));
    size_t count = 0;

    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].kind != PIECE_TEXT)
            names[count++] = p->items[i].text;
    if (count > ROUTE_PARAMS_MAX)
        return error_set(err, "more than %d parameters in path '%.*s'", ROUTE_PARAMS_MAX,
                         STR_ARG(route->pattern));
    route->param_names = names;
    route->param_count = count;
    return true;
}

/* --- building ---------------------------------------------------------------------------------------- */

struct insertion {
    struct arena *arena;
    struct route *route;
    const struct route **other;
    struct error *err;
};

static struct tree_node *node_make(struct insertion *in, enum node_kind kind, struct str text)
{
    struct tree_node *n = arena_zalloc(in->arena, sizeof(*n));

    n->kind = kind;
    n->text = text;
    n->owner = in->route;
    return n;
}

struct tree_node *tree_child(const struct tree_node *n, unsigned char head)
{
    for (unsigned i = 0; i < n->child_count; i++)
        if (n->heads[i] == head)
            return n->children[i];
    return NULL;
}

static void add_child(struct arena *a, struct tree_node *n, struct tree_node *child)
{
    unsigned char *heads = arena_alloc(a, n->child_count + 1);
    struct tree_node **children = arena_alloc(a, (n->child_count + 1) * sizeof(struct tree_node *));

    if (n->child_count > 0) {
        memcpy(heads, n->heads, n->child_count);
        memcpy(children, n->children, n->child_count * sizeof(struct tree_node *));
    }
    heads[n->child_count] = (unsigned char)child->text.ptr[0];
    children[n->child_count++] = child;
    n->heads = heads;
    n->children = children;
}

/* Cuts the node's text at len; what follows becomes its only child. */
static void split(struct insertion *in, struct tree_node *n, size_t len)
{
    struct tree_node *tail = arena_alloc(in->arena, sizeof(*tail));

    *tail = *n;
    tail->text = str_slice(n->text, len, n->text.len);
    n->text = str_slice(n->text, 0, len);
    n->child_count = 0;
    n->param = NULL;
    n->route = NULL;
    add_child(in->arena, n, tail);
}

static size_t common_len(struct str a, struct str b)
{
    size_t n = 0;

    while (n < a.len && n < b.len && a.ptr[n] == b.ptr[n])
        n++;
    return n;
}

static bool clash(struct insertion *in, const struct tree_node *n)
{
    *in->other = n->route != NULL ? n->route : n->owner;
    return error_set(in->err, "handlers are already registered for path '%.*s'", STR_ARG(in->route->pattern));
}

/* Walks text below n (or to the root when n is NULL), making what is missing. NULL: it leads into a rest. */
static struct tree_node *insert_text(struct insertion *in, struct tree *t, struct tree_node *n,
                                     struct str text)
{
    struct tree_node *next = n != NULL ? tree_child(n, (unsigned char)text.ptr[0]) : t->root;

    while (next != NULL) {
        if (next->kind == NODE_REST) {
            clash(in, next);
            return NULL;
        }
        n = next;
        size_t len = common_len(text, n->text);
        if (len < n->text.len)
            split(in, n, len);
        text = str_slice(text, len, text.len);
        if (text.len == 0)
            return n;
        next = tree_child(n, (unsigned char)text.ptr[0]);
    }
    next = node_make(in, NODE_TEXT, text);
    if (n != NULL)
        add_child(in->arena, n, next);
    else
        t->root = next;
    return next;
}

/* Where the parameter stands in the pattern: the number of bytes before its colon. */
static size_t param_offset(struct str pattern, struct str name)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (pattern.ptr[i] == ':' && str_starts_with(str_slice(pattern, i + 1, pattern.len), name))
            return i;
    return 0;
}

static struct tree_node *insert_param(struct insertion *in, struct tree_node *n, struct str name)
{
    struct str pattern = in->route->pattern;

    if (n->param == NULL)
        return n->param = node_make(in, NODE_PARAM, name);
    if (str_equal(n->param->text, name))
        return n->param;
    *in->other = n->param->owner;
    error_set(
        in->err,
        "':%.*s' in new path '%.*s' conflicts with existing wildcard ':%.*s' in existing prefix '%.*s:%.*s'",
        STR_ARG(name), STR_ARG(pattern), STR_ARG(n->param->text), (int)param_offset(pattern, name),
        pattern.ptr, STR_ARG(n->param->text));
    return NULL;
}

/* The rest of the path, from the slash at the end of n's text on: that slash becomes a node of its own. */
static struct tree_node *insert_rest(struct insertion *in, struct tree_node *n)
{
    if (n->kind != NODE_TEXT || n->child_count > 0 || n->param != NULL || n->route != NULL) {
        clash(in, n);
        return NULL;
    }
    if (n->text.len > 1) {
        split(in, n, n->text.len - 1);
        n = n->children[0];
    }
    n->kind = NODE_REST;
    n->owner = in->route;
    return n;
}

bool tree_insert(struct tree *t, struct arena *a, struct route *route, const struct route **other,
                 struct error *err)
{
    struct insertion in = {a, route, other, err};
    struct tree_node *n = NULL;
    struct pieces p;

    *other = NULL;
    if (!take_apart(a, route->pattern, &p, err) || !name_params(a, route, &p, err))
        return false;
    for (size_t i = 0; i < p.count; i++) {
        switch (p.items[i].kind) {
        case PIECE_TEXT: n = insert_text(&in, t, n, p.items[i].text); break;
        case PIECE_PARAM: n = insert_param(&in, n, p.items[i].text); break;
        case PIECE_REST: n = insert_rest(&in, n); break;
        }
        if (n == NULL)
            return false;
    }
    if (n->route != NULL)
        return clash(&in, n);
    n->route = route;
    if (t->depth < route->pattern.len + 1)
        t->depth = (unsigned)route->pattern.len + 1;
    return true;
}

/* --- finding ----------------------------------------------------------------------------------------- */

static const struct route *find(const struct tree_node *n, struct str path, struct str *params);

/* path: not empty, behind the text of the node that has this parameter. */
static const struct route *find_param(const struct tree_node *param, struct str path, struct str *params)
{
    const char *slash = memchr(path.ptr, '/', path.len);
    size_t end = slash != NULL ? (size_t)(slash - path.ptr) : path.len;

    *params = (struct str){path.ptr, end};
    if (end == path.len)
        return param->route;
    if (param->child_count == 0)
        return NULL;
    return find(param->children[0], (struct str){path.ptr + end, path.len - end}, params + 1);
}

/* Recursion is only needed where a parameter may have to be tried later: its depth is that of the tree. */
static const struct route *find(const struct tree_node *n, struct str path, struct str *params)
{
    for (;;) {
        if (path.len < n->text.len || memcmp(path.ptr, n->text.ptr, n->text.len) != 0)
            return NULL;
        if (n->kind == NODE_REST) {
            *params = path;
            return n->route;
        }
        path.ptr += n->text.len;
        path.len -= n->text.len;
        if (path.len == 0)
            return n->route;
        const struct tree_node *child = tree_child(n, (unsigned char)path.ptr[0]);
        if (child == NULL)
            return n->param != NULL ? find_param(n->param, path, params) : NULL;
        if (n->param != NULL) {
            const struct route *route = find(child, path, params);
            return route != NULL ? route : find_param(n->param, path, params);
        }
        n = child;
    }
}

const struct route *tree_find(const struct tree *t, struct str path, struct str *params)
{
    return t->root != NULL ? find(t->root, path, params) : NULL;
}
