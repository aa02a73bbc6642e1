#include "gateway/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gateway/router_tree.h"
#include "http/target.h"

enum { ROUTE_LEN_MAX = 8192 }; /* bytes of a pattern: the search recurses along it */

struct router {
    struct arena arena;
    const struct router_options *options;
    struct tree *trees; /* in the order in which methods were first seen: Allow lists them so */
    size_t tree_count;
    size_t tree_cap;
};

/* --- building ---------------------------------------------------------------------------------------- */

static struct tree *find_tree(const struct router *r, struct str method)
{
    for (size_t i = 0; i < r->tree_count; i++)
        if (str_equal(r->trees[i].method, method))
            return &r->trees[i];
    return NULL;
}

static struct tree *make_tree(struct router *r, struct str method)
{
    struct tree *t = find_tree(r, method);

    if (t != NULL)
        return t;
    if (r->tree_count == r->tree_cap) {
        r->tree_cap += 16;
        struct tree *more = arena_alloc(&r->arena, r->tree_cap * sizeof(*more));
        if (r->tree_count > 0)
            memcpy(more, r->trees, r->tree_count * sizeof(*more));
        r->trees = more;
    }
    t = &r->trees[r->tree_count++];
    *t = (struct tree){.method = method};
    return t;
}

static struct str route_place(struct arena *a, const struct route *route)
{
    const struct endpoint *e = route->endpoint;

    switch (route->kind) {
    case ROUTE_ENDPOINT:
        return arena_printf(a, "endpoints[%u] (%.*s %.*s)", e->id, STR_ARG(e->method), STR_ARG(e->path));
    case ROUTE_OPTIONS:
        return arena_printf(a, "the OPTIONS route of endpoints[%u] (%.*s %.*s)", e->id, STR_ARG(e->method),
                            STR_ARG(e->path));
    case ROUTE_HEALTH: return arena_printf(a, "the health route %.*s", STR_ARG(route->pattern));
    case ROUTE_DEBUG: return STR("the debug endpoint");
    case ROUTE_ECHO: return STR("the echo endpoint");
    }
    return STR("");
}

/* path is cleaned first: R-CFG-15a. */
static struct route *add_route(struct router *r, enum route_kind kind, struct str method, struct str path,
                               const struct endpoint *e, struct error *err)
{
    struct route *route = arena_zalloc(&r->arena, sizeof(*route));
    const struct route *other;

    route->kind = kind;
    route->endpoint = e;
    route->pattern = path_clean(&r->arena, path);
    if (route->pattern.len > ROUTE_LEN_MAX) {
        error_set(err, "a path of %zu bytes is too long, at most %d are allowed: %.*s", route->pattern.len,
                  ROUTE_LEN_MAX, STR_ARG(route_place(&r->arena, route)));
        return NULL;
    }
    if (tree_insert(make_tree(r, method), &r->arena, route, &other, err))
        return route;
    error_add(err, ": %.*s", STR_ARG(route_place(&r->arena, route)));
    if (other != NULL)
        error_add(err, " and %.*s", STR_ARG(route_place(&r->arena, other)));
    return NULL;
}

static bool add_any(struct router *r, enum route_kind kind, struct str path, struct error *err)
{
    static const char *const methods[] = {"GET",     "POST",   "PUT",     "PATCH", "HEAD",
                                          "OPTIONS", "DELETE", "CONNECT", "TRACE"};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (add_route(r, kind, str_of(methods[i]), path, NULL, err) == NULL)
            return false;
    return true;
}

static bool add_builtin(struct router *r, const struct config *c, struct error *err)
{
    if (!c->router.disable_health &&
        add_route(r, ROUTE_HEALTH, STR("GET"), c->router.health_path, NULL, err) == NULL)
        return false;
    if (c->debug_endpoint && !add_any(r, ROUTE_DEBUG, STR("/__debug/*param"), err))
        return false;
    return !c->echo_endpoint || add_any(r, ROUTE_ECHO, STR("/__echo/*param"), err);
}

static int compare(const void *left, const void *right)
{
    return str_compare(*(const struct str *)left, *(const struct str *)right);
}

/* The methods of a pattern, sorted. */
static struct str allowed_methods(struct router *r, struct route *const *routes, const struct config *c,
                                  struct str pattern)
{
    struct str *methods = arena_alloc(&r->arena, c->endpoint_count * sizeof(*methods));
    struct str text = STR("");
    size_t count = 0;

    for (size_t i = 0; i < c->endpoint_count; i++)
        if (routes[i] != NULL && str_equal(routes[i]->pattern, pattern))
            methods[count++] = c->endpoints[i].method_upper;
    qsort(methods, count, sizeof(*methods), compare);
    for (size_t i = 0; i < count; i++)
        text = arena_printf(&r->arena, "%.*s%s%.*s", STR_ARG(text), i > 0 ? ", " : "", STR_ARG(methods[i]));
    return text;
}

static bool seen_before(struct route *const *routes, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (routes[i] != NULL && str_equal(routes[i]->pattern, routes[index]->pattern))
            return true;
    return false;
}

/* Until all are there the endpoint stays for messages. */
static bool add_options(struct router *r, const struct config *c, struct route *const *routes,
                        struct error *err)
{
    struct route **made = arena_alloc(&r->arena, (c->endpoint_count + 1) * sizeof(struct route *));
    size_t count = 0;

    for (size_t i = 0; i < c->endpoint_count; i++) {
        if (routes[i] == NULL || seen_before(routes, i))
            continue;
        struct str pattern = routes[i]->pattern;
        struct route *route = add_route(r, ROUTE_OPTIONS, STR("OPTIONS"), pattern, &c->endpoints[i], err);
        if (route == NULL)
            return false;
        route->allow = allowed_methods(r, routes, c, pattern);
        made[count++] = route;
    }
    for (size_t i = 0; i < count; i++)
        made[i]->endpoint = NULL;
    return true;
}

static bool add_endpoints(struct router *r, const struct config *c, struct error *err)
{
    struct route **routes = arena_zalloc(&r->arena, (c->endpoint_count + 1) * sizeof(*routes));

    for (size_t i = 0; i < c->endpoint_count; i++) {
        const struct endpoint *e = &c->endpoints[i];
        if (!e->supported)
            continue;
        routes[i] = add_route(r, ROUTE_ENDPOINT, e->method_upper, e->route, e, err);
        if (routes[i] == NULL)
            return false;
    }
    return !c->router.auto_options || add_options(r, c, routes, err);
}

struct router *router_new(const struct config *c, struct error *err)
{
    struct router *r = mem_zalloc(sizeof(*r));

    arena_init(&r->arena, NULL);
    r->options = &c->router;
    if (add_builtin(r, c, err) && add_endpoints(r, c, err))
        return r;
    router_free(r);
    return NULL;
}

void router_free(struct router *r)
{
    if (r == NULL)
        return;
    arena_fini(&r->arena);
    mem_free(r);
}

/* --- matching ---------------------------------------------------------------------------------------- */

/* Encoded and cleaned, so it never begins with two slashes: another host could be behind them (R-RT-7a). */
static void redirect(struct arena *a, struct str path, bool slash, struct route_match *match)
{
    match->location = path_clean(a, path_encode(a, path, STR_NONE));
    match->slash_redirect = slash;
}

static struct str toggle_slash(struct arena *a, struct str path)
{
    if (path.len > 1 && path.ptr[path.len - 1] == '/')
        return str_slice(path, 0, path.len - 1);
    return arena_join(a, path, STR("/"));
}

/* Clean, with the final slash that "/." stands for. */
static struct str clean_target(struct arena *a, struct str path)
{
    struct str clean = path_clean(a, path);

    if (str_ends_with(path, STR("/.")) && clean.len > 1 && !str_ends_with(clean, STR("/")))
        return arena_join(a, clean, STR("/"));
    return clean;
}

static bool wants_redirect(const struct router *r, const struct tree *t, struct arena *a, struct str path,
                           struct str asked, struct route_match *match)
{
    bool slash = tree_wants_slash(t, a, path, match->params, &match->param_count);
    struct str fixed;

    if (str_equal(t->method, STR("CONNECT")) || str_equal(path, STR("/")))
        return false;
    if (!r->options->disable_redirect_trailing_slash && slash) {
        redirect(a, toggle_slash(a, asked), true, match);
        return true;
    }
    if (!r->options->disable_redirect_fixed_path && tree_fix_path(t, a, clean_target(a, asked), &fixed)) {
        redirect(a, fixed, false, match);
        return true;
    }
    return false;
}

static bool other_methods(const struct router *r, const struct tree *own, struct arena *a, struct str path,
                          struct route_match *match)
{
    struct str params[ROUTE_PARAMS_MAX];

    match->allow = STR("");
    if (r->options->disable_handle_method_not_allowed)
        return false;
    for (size_t i = 0; i < r->tree_count; i++) {
        const struct tree *t = &r->trees[i];
        if (t == own || tree_find(t, path, params) == NULL)
            continue;
        match->allow = match->allow.len == 0
                           ? t->method
                           : arena_printf(a, "%.*s, %.*s", STR_ARG(match->allow), STR_ARG(t->method));
    }
    return match->allow.len > 0;
}

enum match router_match(const struct router *r, struct arena *a, struct str method, struct str path,
                        struct route_match *match)
{
    const struct tree *own = find_tree(r, method);
    struct str asked = path;

    if (r->options->remove_extra_slash)
        path = clean_target(a, path);
    match->param_count = 0;
    match->route = own != NULL ? tree_find(own, path, match->params) : NULL;
    if (match->route != NULL) {
        match->param_count = match->route->param_count;
        return MATCH_FOUND;
    }
    if (own != NULL && wants_redirect(r, own, a, path, asked, match))
        return MATCH_REDIRECT;
    return other_methods(r, own, a, path, match) ? MATCH_NOT_ALLOWED : MATCH_NOT_FOUND;
}
