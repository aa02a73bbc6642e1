#include "gateway/routing.h"

#include "gateway/builtin.h"
#include "gateway/exchange.h"

static void set_params(struct exchange *x, const struct route_match *m)
{
    const struct route *route = m->route;

    x->param_cap = route->param_count;
    x->param_count = route->param_count;
    x->params = arena_alloc(x->arena, (route->param_count + 1) * sizeof(*x->params));
    for (size_t i = 0; i < route->param_count; i++) {
        x->params[i] = (struct param){
            .name = route->param_names[i],
            .key = x->plan != NULL ? x->plan->param_keys[i] : STR("Param"),
            .value = m->params[i],
        };
    }
}

static void set_route(struct exchange *x, const struct route_match *m)
{
    x->route = m->route;
    if (m->route->kind == ROUTE_ENDPOINT) {
        x->endpoint = m->route->endpoint;
        x->plan = &x->worker->plans->endpoints[x->endpoint->id];
    }
    set_params(x, m);
    x->refusal = builtin_check_params(x, m);
    x->outer = x->refusal.len > 0 || m->route->kind == ROUTE_HEALTH;
}

/* 404 or 405, if the parameters that the search met are in order. */
static void set_no_route(struct exchange *x, const struct route_match *m)
{
    x->refusal = builtin_check_params(x, m);
    x->outer = x->refusal.len > 0;
    if (x->refusal.len > 0)
        builtin_refuse(x, m->allow);
    else if (x->match == MATCH_NOT_FOUND)
        builtin_not_found(x);
    else
        builtin_not_allowed(x, m->allow);
}

static void forget_route(struct exchange *x)
{
    x->route = NULL;
    x->endpoint = NULL;
    x->plan = NULL;
    x->params = NULL;
    x->param_count = x->param_cap = 0;
    x->refusal = STR_NONE;
    x->outer = x->unlogged = false;
}

void routing_find(struct exchange *x)
{
    struct route_match m;

    forget_route(x);
    m.slash_redirect = false;
    x->match = router_match(x->worker->router, x->arena, x->method, x->path, &m);
    switch (x->match) {
    case MATCH_FOUND: set_route(x, &m); break;
    case MATCH_NOT_FOUND:
    case MATCH_NOT_ALLOWED: set_no_route(x, &m); break;
    case MATCH_REDIRECT:
        builtin_redirect(x, &m);
        x->outer = x->unlogged = true;
        break;
    }
}
