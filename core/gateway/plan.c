#include "gateway/plan.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/quote.h"
#include "base/util.h"
#include "gateway/config_pattern.h"
#include "http/uri.h"

/* --- names ------------------------------------------------------------------------------------ */

_Static_assert(FIELD_COUNT <= 64, "a name_set keeps ids in one word");

bool name_set_has(const struct name_set *set, const struct field *field)
{
    if (field->id != FIELD_OTHER)
        return set->ids >> field->id & 1;
    for (size_t i = 0; i < set->other_count; i++) {
        if (str_equal_nocase(set->others[i], field->name))
            return true;
    }
    return false;
}

static void build_name_set(struct arena *a, const struct str_list *names, struct name_set *set)
{
    struct str *others = arena_alloc(a, (names->count + 1) * sizeof(*others));

    *set = (struct name_set){.others = others};
    for (size_t i = 0; i < names->count; i++) {
        enum field_id id = field_id(names->items[i]);

        if (id != FIELD_OTHER)
            set->ids |= UINT64_C(1) << id;
        else if (names->items[i].len > 0)
            others[set->other_count++] = names->items[i];
    }
}

/* --- parameters ------------------------------------------------------------------------------- */

static const struct str *build_param_keys(struct arena *a, const struct endpoint *e)
{
    struct str *keys = arena_alloc(a, (e->params.count + 1) * sizeof(*keys));

    for (size_t i = 0; i < e->params.count; i++)
        keys[i] = pattern_param_key(a, e->params.items[i]);
    return keys;
}

/* Of parameters with one key the last in the path counts (core.md R-CFG-14). */
static const int *index_params(struct arena *a, const struct endpoint_plan *plan,
                               const struct pattern *pattern)
{
    int *index = arena_alloc(a, (pattern->count + 1) * sizeof(*index));

    for (size_t i = 0; i < pattern->count; i++) {
        index[i] = -1;
        if (pattern->parts[i].param.len == 0)
            continue;
        for (size_t k = 0; k < plan->endpoint->params.count; k++) {
            if (str_equal(plan->param_keys[k], pattern->parts[i].key))
                index[i] = (int)k;
        }
    }
    return index;
}

/* --- references to earlier steps -------------------------------------------------------------- */

enum { STEPS_MAX = 1000000 }; /* no reference has to tell more steps apart */

/* What a path is made of: one with ":" or "/" in it is never resolved (core.md R-SQ-4). */
static bool is_word(char c)
{
    return uri_is(c, URI_ALPHA | URI_DIGIT) || c == '_' || c == '-' || c == '.';
}

/* "respN", maybe a "_", maybe a path, where text begins; the first letter in either case. Returns how much of
 * text it is, 0: it is none. */
static size_t parse_reference(struct arena *a, struct str text, struct reference *r)
{
    size_t i = 4, path;

    if (text.len < 5 || (text.ptr[0] != 'r' && text.ptr[0] != 'R') ||
        !str_equal(str_slice(text, 1, 4), STR("esp")) || !uri_is(text.ptr[4], URI_DIGIT))
        return 0;
    for (r->from = 0; i < text.len && uri_is(text.ptr[i], URI_DIGIT); i++) {
        if (r->from < STEPS_MAX)
            r->from = r->from * 10 + (size_t)(text.ptr[i] - '0');
    }
    r->key = pattern_param_key(a, str_slice(text, 0, i));
    if (i < text.len && text.ptr[i] == '_')
        i++;
    for (path = i; i < text.len && is_word(text.ptr[i]);)
        i++;
    r->path = arena_copy(a, str_slice(text, path, i));
    if (r->path.len > 0)
        r->key = arena_printf(a, "%.*s_%.*s", STR_ARG(r->key), STR_ARG(r->path));
    return i;
}

static void build_references(struct arena *a, struct backend_plan *plan)
{
    const struct pattern *p = &plan->backend->url_pattern;
    struct reference *list = arena_alloc(a, (p->count + 1) * sizeof(*list));

    plan->references = list;
    for (size_t i = 0; i < p->count; i++) {
        struct reference *r = &list[plan->reference_count];
        struct str param = p->parts[i].param;
        size_t len = parse_reference(a, param, r);

        if (len > 0 && len == param.len && r->path.len > 0 && str_equal(r->key, p->parts[i].key))
            plan->reference_count++;
    }
}

/* A text may name several, anywhere in it (core.md R-SQ-8). Returns how many; list: NULL to count alone. */
static size_t find_references(struct arena *a, struct str text, size_t steps, struct reference *list)
{
    size_t count = 0, at = 0;

    while (at < text.len) {
        struct reference r;
        size_t len = parse_reference(a, str_slice(text, at, text.len), &r);

        at += len > 0 ? len : 1;
        if (len == 0 || r.from >= steps)
            continue;
        if (list != NULL)
            list[count] = r;
        count++;
    }
    return count;
}

static void build_propagated(struct arena *a, struct endpoint_plan *plan)
{
    const struct str_list *names = &plan->endpoint->propagated;
    size_t steps = plan->endpoint->backend_count, count = 0;
    struct reference *list;

    for (size_t i = 0; i < names->count; i++)
        count += find_references(a, names->items[i], steps, NULL);
    list = arena_alloc(a, (count + 1) * sizeof(*list));
    plan->propagated = list;
    for (size_t i = 0; i < names->count; i++)
        plan->propagated_count += find_references(a, names->items[i], steps, &list[plan->propagated_count]);
    for (size_t i = 0; i < count; i++)
        plan->keeps_content = plan->keeps_content || list[i].path.len == 0;
}

/* --- URLs ------------------------------------------------------------------------------------- */

static void build_fixed_urls(struct arena *a, struct backend_plan *plan)
{
    const struct backend *b = plan->backend;
    const struct pattern *p = &b->url_pattern;
    struct str target = STR_NONE;

    if (str_equal(b->sd, STR("dns")))
        return;
    for (size_t i = 0; i < p->count; i++) {
        if (p->parts[i].param.len > 0)
            return;
        target = arena_join(a, target, p->parts[i].literal);
    }
    plan->fixed = arena_zalloc(a, (b->hosts.count + 1) * sizeof(*plan->fixed));
    for (size_t i = 0; i < b->hosts.count; i++) {
        struct error err;

        error_clear(&err);
        if (!url_parse(a, arena_join(a, b->hosts.items[i], target), &plan->fixed[i].url, &err))
            plan->fixed[i].failure = arena_copy(a, str_of(err.text));
        plan->fixed[i].url.way = b->ways[i];
    }
}

bool method_sends_length(struct str method)
{
    return str_equal(method, STR("POST")) || str_equal(method, STR("PUT")) || str_equal(method, STR("PATCH"));
}

static struct backend_plan *build_backend(struct arena *a, const struct endpoint_plan *endpoint,
                                          const struct backend *b)
{
    struct backend_plan *plan = arena_zalloc(a, sizeof(*plan));

    plan->backend = b;
    build_name_set(a, &b->input_headers, &plan->fields);
    plan->param_index = index_params(a, endpoint, &b->url_pattern);
    if (!field_name_is_valid(b->method_sent))
        plan->method_failure =
            arena_printf(a, "net/http: invalid method %.*s", STR_ARG(quote_go(a, b->method_sent)));
    plan->sends_length = method_sends_length(b->method_sent);
    plan->streams = endpoint->endpoint->output == OUTPUT_NOOP && b->encoding == ENCODING_NOOP;
    if (endpoint->sequential)
        build_references(a, plan);
    build_fixed_urls(a, plan);
    return plan;
}

/* --- groups ----------------------------------------------------------------------------------- */

enum { SOONEST_SEND = 50 * MICROSECOND }; /* KrakenD takes longer from a request to its first call */

static int64_t share(int64_t timeout, int percent)
{
    return timeout / 100 * percent + timeout % 100 * percent / 100;
}

static void build_group(struct arena *a, const struct endpoint_plan *plan, bool shadow, struct group *g)
{
    const struct endpoint *e = plan->endpoint;
    int64_t shadow_timeout = 0;

    g->backends = arena_alloc(a, (e->backend_count + 1) * sizeof(*g->backends));
    for (size_t i = 0; i < e->backend_count; i++) {
        const struct backend *b = &e->backends[i];

        if (b->shadow != shadow)
            continue;
        g->backends[g->count++] = build_backend(a, plan, b);
        if (b->shadow_timeout > shadow_timeout)
            shadow_timeout = b->shadow_timeout;
    }
    g->timeout = g->count > 1 ? share(e->timeout, 85) : e->timeout;
    /* One shadow may outlive the endpoint; several share its time (core.md R-SH-2). */
    if (shadow && (g->count == 1 || shadow_timeout < g->timeout))
        g->timeout = shadow_timeout;
    g->no_time = g->timeout < SOONEST_SEND;
    if (e->concurrent_calls > 1)
        g->call_timeout = share(e->timeout, 75);
}

static bool has_unsafe_method(const struct group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        struct str method = g->backends[i]->backend->method_sent;
        if (!str_equal(method, STR("GET")) && !str_equal(method, STR("HEAD")))
            return true;
    }
    return false;
}

/* KrakenD takes the content of a copied request for there even when it is empty, and copies the request for a
 * sequence, for concurrent calls, for shadows, and for parallel backends one of which is no GET or HEAD. */
static bool copies_content(const struct endpoint_plan *plan)
{
    return plan->endpoint->concurrent_calls > 1 || plan->shadow.count > 0 ||
           (plan->real.count > 1 && (plan->sequential || has_unsafe_method(&plan->real)));
}

static void build_endpoint(struct arena *a, const struct endpoint *e, struct endpoint_plan *plan)
{
    *plan = (struct endpoint_plan){.endpoint = e, .sequential = e->sequential};
    build_name_set(a, &e->input_headers, &plan->fields);
    plan->param_keys = build_param_keys(a, e);
    build_group(a, plan, false, &plan->real);
    build_group(a, plan, true, &plan->shadow);
    plan->copied = plan->real.count + plan->shadow.count > 1 || e->concurrent_calls > 1;
    plan->final_307 = copies_content(plan);
    plan->collects = plan->copied;
    for (size_t i = 0; i < e->backend_count; i++)
        plan->collects = plan->collects || e->backends[i].send_body_on_redirect;
    if (plan->sequential)
        build_propagated(a, plan);
    plan->log_name = arena_printf(a, "[ENDPOINT: %.*s]", STR_ARG(e->route));
}

/* --- what the header promises ----------------------------------------------------------------- */

struct plans *plans_new(const struct config *config)
{
    struct plans *p = mem_zalloc(sizeof(*p));

    arena_init(&p->arena, NULL);
    p->user_agent = STR("KrakenD Version " KRAKEND_VERSION);
    p->version =
        config->router.hide_version_header ? STR("Version undefined") : STR("Version " KRAKEND_VERSION);
    fields_init(&p->failure_fields, &p->arena);
    field_add_id(&p->failure_fields, FIELD_X_KRAKEND, p->version);
    field_add_id(&p->failure_fields, FIELD_X_KRAKEND_COMPLETED, STR("false"));
    p->endpoints = arena_zalloc(&p->arena, (config->endpoint_count + 1) * sizeof(*p->endpoints));
    for (size_t i = 0; i < config->endpoint_count; i++)
        build_endpoint(&p->arena, &config->endpoints[i], &p->endpoints[i]);
    return p;
}

void plans_free(struct plans *p)
{
    if (p == NULL)
        return;
    arena_fini(&p->arena);
    mem_free(p);
}
