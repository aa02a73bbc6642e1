/* Redirects: what a path that no route has may have meant. core.md 2.3. */
#include "gateway/router_fold.h"
#include "gateway/router_tree.h"

#include <string.h>

/* --- the final slash --------------------------------------------------------------------------------- */

/* A node whose parameter was not tried yet, the path as it was before the node's text, and the number of
 * parameters before it. */
struct skipped {
    const struct tree_node *node;
    struct str path;
    size_t params;
};

struct slash_walk {
    const struct tree *tree;
    const struct tree_node *n;
    struct str path;
    struct skipped *stack;
    size_t skipped;
    struct str *params; /* of the way to n */
    size_t param_count;
    bool back; /* n was taken from the stack: its children have been tried */
};

enum verdict { VERDICT_NO, VERDICT_YES, VERDICT_GO_ON };

static bool is_slash(struct str path)
{
    return path.len == 1 && path.ptr[0] == '/';
}

static bool step_back(struct slash_walk *w)
{
    if (w->skipped == 0)
        return false;
    w->skipped--;
    w->n = w->stack[w->skipped].node;
    w->path = w->stack[w->skipped].path;
    w->param_count = w->stack[w->skipped].params;
    w->back = true;
    return true;
}

/* Does a route end in exactly one slash more than n? */
static bool ends_in_slash(const struct tree_node *n)
{
    const struct tree_node *child = tree_child(n, '/');

    return child != NULL && child->route != NULL && child->text.len == 1;
}

static enum verdict walk_param(struct slash_walk *w)
{
    const struct tree_node *param = w->n->param;
    size_t end = str_find_char(w->path, '/');

    w->params[w->param_count++] = str_slice(w->path, 0, end);
    if (end == w->path.len)
        return ends_in_slash(param) ? VERDICT_YES : VERDICT_NO;
    if (param->child_count == 0)
        return w->path.len == end + 1 ? VERDICT_YES : VERDICT_NO;
    w->path = str_slice(w->path, end, w->path.len);
    w->n = param->children[0];
    return VERDICT_GO_ON;
}

/* The text of n is behind, more is to come. */
static enum verdict walk_on(struct slash_walk *w)
{
    const struct tree_node *n = w->n;
    struct str whole = w->path;

    w->path = str_slice(whole, n->text.len, whole.len);
    const struct tree_node *child = w->back ? NULL : tree_child(n, (unsigned char)w->path.ptr[0]);
    w->back = false;
    if (child != NULL) {
        if (n->param != NULL)
            w->stack[w->skipped++] = (struct skipped){n, whole, w->param_count};
        w->n = child;
        return VERDICT_GO_ON;
    }
    if (n->param != NULL)
        return walk_param(w);
    if (!is_slash(w->path) && step_back(w))
        return VERDICT_GO_ON;
    return is_slash(w->path) && n->route != NULL ? VERDICT_YES : VERDICT_NO;
}

/* The path ends with the text of n, and no route does. */
static enum verdict walk_end(struct slash_walk *w)
{
    if (!is_slash(w->path) && step_back(w))
        return VERDICT_GO_ON;
    if (is_slash(w->path) && w->n != w->tree->root)
        return VERDICT_YES;
    return ends_in_slash(w->n) ? VERDICT_YES : VERDICT_NO;
}

/* The text of n and the path part, or the path ends inside the text. */
static enum verdict walk_off(struct slash_walk *w)
{
    struct str text = w->n->text;

    if (is_slash(w->path))
        return VERDICT_YES;
    if (w->n->route != NULL && text.len == w->path.len + 1 && text.ptr[text.len - 1] == '/' &&
        str_starts_with(text, w->path))
        return VERDICT_YES;
    return step_back(w) ? VERDICT_GO_ON : VERDICT_NO;
}

bool tree_wants_slash(const struct tree *t, struct arena *a, struct str path, struct str *params,
                      size_t *param_count)
{
    struct slash_walk w = {
        .tree = t,
        .n = t->root,
        .path = path,
        .stack = arena_alloc(a, t->depth * sizeof(struct skipped)),
        .params = params,
    };
    enum verdict verdict;

    do {
        if (!str_starts_with(w.path, w.n->text))
            verdict = walk_off(&w);
        else if (w.path.len > w.n->text.len)
            verdict = walk_on(&w);
        else
            verdict = walk_end(&w);
    } while (verdict == VERDICT_GO_ON);
    *param_count = w.param_count;
    return verdict == VERDICT_YES;
}

/* --- letter case ------------------------------------------------------------------------------------- */

struct fix {
    char *out; /* the path as the route spells it; never longer than the route and the path together */
    size_t len;
};

/* A place in the tree: so many bytes of a node's text are behind. */
struct spot {
    const struct tree_node *n;
    size_t at;
};

static bool at_end(struct spot s)
{
    return s.at == s.n->text.len;
}

/* Follows literal bytes from a spot. */
static bool descend(struct spot *s, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (at_end(*s)) {
            const struct tree_node *child = tree_child(s->n, (unsigned char)bytes.ptr[i]);
            if (child == NULL)
                return false;
            *s = (struct spot){child, 0};
        }
        if (s->n->text.ptr[s->at] != bytes.ptr[i])
            return false;
        s->at++;
    }
    return true;
}

static void put(struct fix *f, struct str s)
{
    memcpy(f->out + f->len, s.ptr, s.len);
    f->len += s.len;
}

/* The path is used up: here, or one slash further? */
static bool fix_end(struct fix *f, struct spot s)
{
    if (at_end(s) && s.n->route != NULL)
        return true;
    struct spot further = s;
    if (!descend(&further, STR("/")) || !at_end(further) || further.n->route == NULL)
        return false;
    put(f, STR("/"));
    return true;
}

/* A last slash is dropped where a route ends. */
static bool ends_here(struct spot s)
{
    if (s.n->kind == NODE_PARAM && s.n->child_count > 0)
        return false;
    return at_end(s) && s.n->param == NULL && s.n->route != NULL;
}

/* Over-eager as the reference is: it is dropped also where a route goes on behind it, but not with a
 * parameter. */
static bool goes_on(struct spot s)
{
    const struct tree_node *child = tree_child(s.n, '/');

    return at_end(s) && child != NULL && child->text.len > 1;
}

static bool fix_walk(struct fix *f, struct spot s, struct str path);

static bool fix_param(struct fix *f, const struct tree_node *param, struct str path)
{
    size_t end = str_find_char(path, '/');
    struct spot s = {param, param->text.len};

    put(f, str_slice(path, 0, end));
    return fix_walk(f, s, str_slice(path, end, path.len));
}

/* Tries the spellings of the next character, then a parameter. */
static bool fix_walk(struct fix *f, struct spot s, struct str path)
{
    struct spelling spellings[SPELLINGS_MAX];
    size_t mark = f->len;

    if (path.len == 0)
        return fix_end(f, s);
    if (s.n->kind == NODE_REST) {
        put(f, path);
        return true;
    }
    size_t bytes;
    size_t count = fold_spellings(path, spellings, &bytes);
    for (size_t i = 0; i < count; i++) {
        struct spot next = s;
        struct str spelling = {spellings[i].bytes, spellings[i].len};
        f->len = mark;
        if (!descend(&next, spelling))
            continue;
        put(f, spelling);
        if (fix_walk(f, next, str_slice(path, bytes, path.len)))
            return true;
    }
    f->len = mark;
    if (is_slash(path) && goes_on(s))
        return true;
    if (at_end(s) && s.n->param != NULL && fix_param(f, s.n->param, path))
        return true;
    f->len = mark;
    return is_slash(path) && ends_here(s);
}

bool tree_fix_path(const struct tree *t, struct arena *a, struct str path, struct str *fixed)
{
    struct fix f = {arena_bytes(a, 2 * path.len + t->depth + 1), 0};

    if (is_slash(path) && t->root->text.len > 1) {
        *fixed = path; /* as over-eager */
        return true;
    }
    if (!fix_walk(&f, (struct spot){t->root, 0}, path))
        return false;
    *fixed = (struct str){f.out, f.len};
    return true;
}
