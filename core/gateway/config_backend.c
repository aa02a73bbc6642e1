/* Defaults and checks of backends: core.md 1.7, 1.9, 1.10. */
#include "base/clock.h"
#include "gateway/config_build.h"
#include "gateway/config_pattern.h"
#include "gateway/go_text.h"

/* --- encodings: core.md 5.2 --------------------------------------------------------------------- */

static enum encoding backend_encoding(struct config_build *b, struct str name, struct str place)
{
    if (str_equal_nocase(name, STR("safejson")))
        return ENCODING_SAFEJSON;
    if (str_equal_nocase(name, STR("string")))
        return ENCODING_STRING;
    if (str_equal(name, STR("no-op")))
        return ENCODING_NOOP;
    if (str_equal_nocase(name, STR("no-op")))
        return ENCODING_NOTHING; /* the decoder is found all the same, the rest of no-op is not */
    if (str_equal_nocase(name, STR("xml")) || str_equal_nocase(name, STR("rss")))
        build_warn(b, LOG_WARNING, "encoding %.*s at %.*s is not supported yet: the reply is read as JSON",
                   STR_ARG(name), STR_ARG(place));
    return ENCODING_JSON;
}

/* --- extra_config: nothing is converted here ------------------------------------------------------ */

void build_warn_of_flatmap(struct config_build *b, struct node *proxy, struct str place)
{
    struct node *filter = build_option(proxy, "flatmap_filter");

    if (filter != NULL && node_type(filter) == DOC_ARRAY && node_count(filter) > 0)
        build_warn(b, LOG_WARNING,
                   "proxy.flatmap_filter at %.*s is not supported yet: nothing is moved or removed by it",
                   STR_ARG(place));
}

static void read_backend_options(struct config_build *b, struct backend *backend, struct str place)
{
    struct node *proxy = build_option(backend->extra, "proxy");
    struct node *http = build_option(backend->extra, "backend/http");
    struct node *client = build_option(backend->extra, "backend/http/client");
    struct node *details = http != NULL ? node_get(http, STR("return_error_details")) : NULL;
    struct node *budget = build_option(proxy, "shadow_timeout");

    backend->shadow = build_option_is_true(proxy, "shadow");
    if (budget == NULL || node_type(budget) != DOC_STRING ||
        !duration_parse(node_string(budget), &backend->shadow_timeout, NULL))
        backend->shadow_timeout = backend->endpoint->timeout;
    backend->return_error_code = build_option_is_true(http, "return_error_code");
    backend->return_error_details_set = details != NULL;
    backend->return_error_details = details != NULL ? node_string(details) : STR("");
    backend->send_body_on_redirect = build_option_is_true(client, "send_body_on_redirect");
    build_warn_of_flatmap(b, proxy, place);
}

/* --- placeholders: R-CFG-8 ----------------------------------------------------------------------- */

static bool params_error(struct config_build *b, const struct backend *backend, const char *what,
                         const struct str_list *input, const struct str_list *output)
{
    const struct endpoint *e = backend->endpoint;

    return error_set(b->err, "%s endpoint: %.*s %.*s, backend: %u. input: %.*s, output: %.*s", what,
                     STR_ARG(e->method), STR_ARG(e->route), backend->index,
                     STR_ARG(go_text_list(b->arena, input)), STR_ARG(go_text_list(b->arena, output)));
}

/* R-CFG-8: the last of the sorted placeholders does not count in the comparison of numbers. */
static bool check_params(struct config_build *b, const struct backend *backend, const struct str_list *input,
                         const struct str_list *output)
{
    size_t count = 0;

    for (size_t i = 0; i + 1 < output->count; i++)
        count += !pattern_is_reference(output->items[i]);
    if (count > input->count)
        return params_error(b, backend, "input and output params do not match.", input, output);
    for (size_t i = 0; i < output->count; i++) {
        struct str name = output->items[i];
        if (!pattern_is_reference(name) && !str_list_has(input, name))
            return params_error(b, backend,
                                arena_printf(b->arena, "undefined output param '%.*s'!", STR_ARG(name)).ptr,
                                input, output);
    }
    return true;
}

bool build_backend(struct config_build *b, struct backend *backend, const struct str_list *input)
{
    const struct endpoint *e = backend->endpoint;
    struct str place = arena_printf(b->arena, "backend %u of %.*s %.*s", backend->index, STR_ARG(e->method),
                                    STR_ARG(e->route));
    struct str_list names;

    if (backend->hosts.count == 0)
        backend->hosts = b->config->hosts;
    else if (!backend->disable_host_sanitize && !build_hosts(b, &backend->hosts))
        return false;
    if (backend->hosts.count == 0 && str_equal(backend->sd, STR("dns")))
        return error_set(b->err, "%.*s: sd is dns, but there is no host to look up", STR_ARG(place));
    if (backend->method.len == 0)
        backend->method = e->method;
    else if (!field_name_is_valid(backend->method)) /* a method is a token, as names are */
        build_warn(b, LOG_WARNING, "%.*s: '%.*s' is no method: its calls fail", STR_ARG(place),
                   STR_ARG(backend->method));
    backend->method_sent = build_upper(b->arena, backend->method);
    if (e->output == OUTPUT_NOOP)
        backend->encoding_name = STR("no-op");
    backend->encoding = backend_encoding(b, backend->encoding_name, place);
    build_canonical(b, &backend->input_headers);
    backend->filters_headers = backend->input_headers.count > 0;
    backend->filters_query_strings = backend->input_query_strings.count > 0;
    pattern_parse(b->arena, pattern_slashed(b->arena, backend->url_pattern.text), &backend->url_pattern,
                  &names);
    if (!check_params(b, backend, input, &names))
        return false;
    backend->extra = build_extra(b, backend->written, place);
    read_backend_options(b, backend, place);
    return true;
}

bool build_needs_tls(const struct backend *backend)
{
    if (str_equal(backend->sd, STR("dns")))
        return str_equal(backend->sd_scheme, STR("https"));
    for (size_t i = 0; i < backend->hosts.count; i++)
        if (str_starts_with(backend->hosts.items[i], STR("https://")))
            return true;
    return false;
}
