/* Defaults and checks of endpoints, in KrakenD's order: core.md 1.6, 1.9, 1.10. */
#include <inttypes.h>

#include "base/clock.h"
#include "gateway/config_build.h"
#include "gateway/config_pattern.h"

static bool method_is_served(struct str method)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (str_equal(method, str_of(methods[i])))
            return true;
    return false;
}

/* --- output: core.md 7.2 --------------------------------------------------------------- */

static const struct output_row {
    const char *name;
    enum output output;
    bool supported;
} outputs[] = {
    {"json", OUTPUT_JSON, true},       {"json-collection", OUTPUT_JSON_COLLECTION, true},
    {"string", OUTPUT_STRING, true},   {"no-op", OUTPUT_NOOP, true},
    {"xml", OUTPUT_JSON, false},       {"yaml", OUTPUT_JSON, false},
    {"negotiate", OUTPUT_JSON, false},
};

static const struct output_row *find_output(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
        if (str_equal(name, str_of(outputs[i].name)))
            return &outputs[i];
    return NULL;
}

/* An unknown name stands for the encoding of the only backend. */
static enum output endpoint_output(struct config_build *b, const struct endpoint *e, struct str place)
{
    const struct output_row *row = find_output(e->output_name);

    if (row == NULL && e->backend_count == 1)
        row = find_output(e->backends[0].encoding_name);
    if (row == NULL)
        return OUTPUT_JSON;
    if (!row->supported)
        build_warn(b, LOG_WARNING, "output_encoding %s of %.*s is not supported yet: JSON is sent", row->name,
                   STR_ARG(place));
    return row->output;
}

/* --- proxy: core.md 6; nothing is converted here -------------------------------------------------- */

static bool read_propagated(struct config_build *b, struct endpoint *e, struct node *list, struct str place)
{
    struct str *items = arena_zalloc(b->arena, (node_count(list) + 1) * sizeof(*items));
    struct node_cursor cursor = {0};
    struct node *item;
    struct str name;
    size_t count = 0;

    while (node_next(list, &cursor, &name, &item)) {
        if (node_type(item) != DOC_STRING)
            return error_set(b->err, "%.*s: proxy.sequential_propagated_params: expected texts, got a %s",
                             STR_ARG(place), doc_type_name(node_type(item)));
        items[count++] = node_string(item);
    }
    e->propagated = (struct str_list){items, count};
    return true;
}

static void read_static(struct endpoint *e, struct node *block)
{
    static const struct {
        const char *name;
        enum static_strategy strategy;
    } strategies[] = {
        {"success", STATIC_SUCCESS},
        {"complete", STATIC_COMPLETE},
        {"errored", STATIC_ERRORED},
        {"incomplete", STATIC_INCOMPLETE},
    };
    struct node *data = build_option(block, "data");
    struct node *strategy = build_option(block, "strategy");

    if (data == NULL || node_type(data) != DOC_OBJECT)
        return;
    e->static_data = data;
    e->static_strategy = STATIC_ALWAYS;
    for (size_t i = 0; strategy != NULL && i < ARRAY_LEN(strategies); i++)
        if (str_equal(node_string(strategy), str_of(strategies[i].name)))
            e->static_strategy = strategies[i].strategy;
}

static size_t count_shadows(const struct endpoint *e)
{
    size_t shadows = 0;

    for (size_t i = 0; i < e->backend_count; i++)
        shadows += e->backends[i].shadow;
    return shadows;
}

/* Are replies merged? Shadows are a group of their own (core.md R-SH-2). */
static bool has_group(const struct endpoint *e)
{
    size_t shadows = count_shadows(e);

    return shadows > 1 || e->backend_count - shadows > 1;
}

/* How to merge is not looked at where nothing is (core.md R-MG-8), the parameters of a sequence wherever
 * something is. A combiner that is null is one of a wrong type. */
static bool read_merging(struct config_build *b, struct endpoint *e, struct node *proxy, struct str place)
{
    struct node *list = build_option(proxy, "sequential_propagated_params");
    struct node *combiner = proxy != NULL ? node_get(proxy, STR("combiner")) : NULL;

    if (!has_group(e))
        return true;
    e->sequential = build_option_is_true(proxy, "sequential");
    if (list != NULL && node_type(list) == DOC_ARRAY && !read_propagated(b, e, list, place))
        return false;
    if (combiner != NULL && node_type(combiner) != DOC_STRING)
        return error_set(b->err, "%.*s: proxy.combiner: expected a text, got a %s", STR_ARG(place),
                         doc_type_name(node_type(combiner)));
    return true;
}

static bool read_endpoint_proxy(struct config_build *b, struct endpoint *e, struct str place)
{
    struct node *proxy = build_option(e->extra, "proxy");

    if (!read_merging(b, e, proxy, place))
        return false;
    if (count_shadows(e) == e->backend_count) /* core.md R-SH-4 */
        build_warn(b, LOG_ERROR,
                   "[SERVICE: Gin] Calling the ProxyFactory all endpoints must have at least one backend: "
                   "those of %.*s are shadows, each request is answered with 500",
                   STR_ARG(place));
    read_static(e, build_option(proxy, "static"));
    build_warn_of_flatmap(b, proxy, place);
    return true;
}

/* --- endpoints --------------------------------------------------------------------------------------- */

static void set_defaults(const struct config *c, struct endpoint *e)
{
    if (e->method.len == 0)
        e->method = STR("GET");
    if (e->cache_ttl == 0)
        e->cache_ttl = c->cache_ttl;
    if (e->timeout == 0)
        e->timeout = c->timeout;
    if (e->concurrent_calls < 1)
        e->concurrent_calls = 1;
    if (e->output_name.len == 0)
        e->output_name = c->output_encoding.len > 0 ? c->output_encoding : STR("json");
}

/* Is it a path and a list of backends that an endpoint may have? */
static bool check_shape(struct config_build *b, const struct endpoint *e)
{
    if (pattern_is_forbidden(e->path))
        return error_set(b->err, "ignoring the '%.*s %.*s' endpoint, since it is invalid!!!",
                         STR_ARG(e->method), STR_ARG(e->path));
    if (e->backend_count == 0)
        return error_set(b->err, "ignoring the '%.*s %.*s' endpoint, since it has 0 backends defined!",
                         STR_ARG(e->method), STR_ARG(e->path));
    return true;
}

static void set_derived(struct config_build *b, struct endpoint *e, struct str place)
{
    e->method_upper = build_upper(b->arena, e->method);
    e->supported = method_is_served(e->method_upper);
    if (!e->supported)
        build_warn(b, LOG_ERROR, "[SERVICE: Gin] [ENDPOINT: %.*s ] Unsupported method %.*s",
                   STR_ARG(e->route), STR_ARG(e->method_upper));
    e->all_headers = str_list_has(&e->input_headers, STR("*"));
    e->all_query_strings = str_list_has(&e->input_query_strings, STR("*"));
    e->cache_control = e->cache_ttl == 0
                           ? STR("")
                           : arena_printf(b->arena, "public, max-age=%" PRId64, e->cache_ttl / SECOND);
    e->extra = build_extra(b, e->written, place);
}

static bool build_endpoint(struct config_build *b, struct endpoint *e)
{
    struct config *c = b->config;

    e->path = pattern_slashed(b->arena, e->path);
    if (!check_shape(b, e))
        return false;
    build_canonical(b, &e->input_headers);
    struct str_list input = pattern_endpoint_names(b->arena, e->path, c->disable_rest);
    e->route = pattern_route(b->arena, e->path, &input);
    e->params = pattern_route_names(b->arena, e->route);
    pattern_sort(&input);
    set_defaults(c, e);
    struct str place = arena_printf(b->arena, "endpoint %.*s %.*s", STR_ARG(e->method), STR_ARG(e->route));
    e->output = endpoint_output(b, e, place);
    if (str_equal(e->output_name, STR("no-op")) && e->backend_count > 1)
        return error_set(
            b->err, "can not use NoOp encoding with more than one backends connected to the same endpoint");
    set_derived(b, e, place);
    for (size_t i = 0; i < e->backend_count; i++) {
        struct backend *backend = &e->backends[i];
        backend->id = (unsigned)c->backend_count++;
        backend->index = (unsigned)i;
        backend->endpoint = e;
        if (!build_backend(b, backend, &input))
            return false;
    }
    return read_endpoint_proxy(b, e, place);
}

/* Said once: a file may have hundreds. */
static void warn_of_tls(struct config_build *b)
{
    const struct config *c = b->config;
    const struct backend *first = NULL;
    size_t count = 0;

    for (size_t i = 0; i < c->endpoint_count; i++)
        for (size_t k = 0; k < c->endpoints[i].backend_count; k++) {
            const struct backend *backend = &c->endpoints[i].backends[k];
            count += build_needs_tls(backend);
            if (first == NULL && build_needs_tls(backend))
                first = backend;
        }
    if (first != NULL)
        build_warn(
            b, LOG_WARNING,
            "https is not supported yet: calls to %zu backend(s) fail, first to backend %u of %.*s %.*s",
            count, first->index, STR_ARG(first->endpoint->method), STR_ARG(first->endpoint->route));
}

bool build_endpoints(struct config_build *b)
{
    for (size_t i = 0; i < b->config->endpoint_count; i++) {
        b->config->endpoints[i].id = (unsigned)i;
        if (!build_endpoint(b, &b->config->endpoints[i]))
            return false;
    }
    warn_of_tls(b);
    return true;
}
