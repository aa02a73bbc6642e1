/* extra_config.router: core.md 2.5. Types are strict: an option of a wrong type drops the block, but for
 * those that KrakenD reads apart (R-RT-11). */
#include "gateway/config_build.h"
#include "gateway/config_decode.h"

#include <math.h>
#include <string.h>

enum option_type { OPTION_BOOL, OPTION_INT, OPTION_TEXT, OPTION_LIST };

#define AT(member) offsetof(struct router_options, member)

static const struct option_row {
    const char *name;
    enum option_type type;
    size_t offset;
    bool survives; /* a wrong type elsewhere */
} options[] = {
    {"app_engine", OPTION_BOOL, AT(app_engine), false},
    {"auto_options", OPTION_BOOL, AT(auto_options), false}, /* set by read_apart */
    {"disable_access_log", OPTION_BOOL, AT(disable_access_log), true},
    {"disable_handle_method_not_allowed", OPTION_BOOL, AT(disable_handle_method_not_allowed), false},
    {"disable_health", OPTION_BOOL, AT(disable_health), true},
    {"disable_path_decoding", OPTION_BOOL, AT(disable_path_decoding), true},
    {"disable_redirect_fixed_path", OPTION_BOOL, AT(disable_redirect_fixed_path), false},
    {"disable_redirect_trailing_slash", OPTION_BOOL, AT(disable_redirect_trailing_slash), false},
    {"forwarded_by_client_ip", OPTION_BOOL, AT(forwarded_by_client_ip), false},
    {"health_path", OPTION_TEXT, AT(health_path), true},
    {"hide_version_header", OPTION_BOOL, AT(hide_version_header), false},
    {"logger_skip_paths", OPTION_LIST, AT(logger_skip_paths), false},
    {"max_multipart_memory", OPTION_INT, 0, false}, /* has no effect but its type */
    {"remote_ip_headers", OPTION_LIST, AT(remote_ip_headers), false},
    {"remove_extra_slash", OPTION_BOOL, AT(remove_extra_slash), false},
    {"return_error_msg", OPTION_BOOL, AT(return_error_msg), false},
    {"trusted_proxies", OPTION_LIST, AT(trusted_texts), false},
    {"use_h2c", OPTION_BOOL, AT(use_h2c), false},
};

#undef AT

static bool read_texts(struct arena *a, struct node *n, struct str_list *list)
{
    struct str *items = arena_zalloc(a, (node_count(n) + 1) * sizeof(*items));
    struct node_cursor cursor = {0};
    struct node *item;
    struct str name;

    if (node_type(n) != DOC_ARRAY)
        return false;
    *list = (struct str_list){items, 0};
    while (node_next(n, &cursor, &name, &item)) {
        if (node_type(item) != DOC_STRING && node_type(item) != DOC_NULL)
            return false;
        items[list->count++] = node_string(item);
    }
    return true;
}

/* KrakenD reads the double that a number is: 3.0 is 3. */
static bool is_whole(double number)
{
    return number >= -0x1p63 && number < 0x1p63 && floor(number) == number;
}

static bool read_option(struct arena *a, const struct option_row *row, struct node *n, void *field)
{
    switch (row->type) {
    case OPTION_BOOL:
        if (node_type(n) != DOC_TRUE && node_type(n) != DOC_FALSE)
            return false;
        *(bool *)field = node_type(n) == DOC_TRUE;
        return true;
    case OPTION_INT: return node_type(n) == DOC_NUMBER && is_whole(node_to_double(n));
    case OPTION_TEXT:
        if (node_type(n) == DOC_STRING)
            *(struct str *)field = node_string(n);
        return node_type(n) == DOC_STRING;
    case OPTION_LIST: return read_texts(a, n, field);
    }
    return false;
}

static const struct option_row *find_option(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (str_equal_nocase(name, str_of(options[i].name)))
            return &options[i];
    return NULL;
}

/* Returns the first option of a wrong type, NULL if there is none. */
static const char *read_options(struct arena *a, struct node *block, struct router_options *r)
{
    struct node_cursor cursor = {0};
    struct node *value;
    struct str name;
    const char *wrong = NULL;

    while (node_next(block, &cursor, &name, &value)) {
        const struct option_row *row = find_option(name);
        if (row == NULL || node_type(value) == DOC_NULL)
            continue;
        if (!read_option(a, row, value, (char *)r + row->offset) && wrong == NULL)
            wrong = row->name;
    }
    return wrong;
}

static void set_router_defaults(struct router_options *r)
{
    static const struct str headers[] = {{"X-Forwarded-For", 15}, {"X-Real-Ip", 9}};

    memset(r, 0, sizeof(*r));
    r->forwarded_by_client_ip = true;
    r->remote_ip_headers = (struct str_list){headers, ARRAY_LEN(headers)};
    r->health_path = STR("/__health");
}

/* Copies the options that a wrong type elsewhere does not touch. */
static void keep_survivors(struct router_options *to, const struct router_options *from)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        size_t size = options[i].type == OPTION_TEXT ? sizeof(struct str) : sizeof(bool);
        if (options[i].survives)
            memcpy((char *)to + options[i].offset, (const char *)from + options[i].offset, size);
    }
}

/* JSON without white space between its tokens. */
static struct str compact(struct arena *a, struct str json)
{
    char *out = arena_bytes(a, json.len);
    size_t len = 0;
    bool quoted = false;

    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        if (!quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r'))
            continue;
        out[len++] = c;
        if (quoted && c == '\\' && i + 1 < json.len)
            out[len++] = json.ptr[++i];
        else if (c == '"')
            quoted = !quoted;
    }
    return (struct str){out, len};
}

/* What KrakenD reads by itself: auto_options (in this letter case) and error_body. */
static void read_apart(struct arena *a, struct node *block, struct router_options *r)
{
    struct node *bodies = config_member(block, STR("error_body"));
    struct node *body_404 = NULL, *body_405 = NULL;

    r->auto_options = build_option_is_true(block, "auto_options");
    if (bodies != NULL && node_type(bodies) == DOC_OBJECT) {
        body_404 = build_option(bodies, "404");
        body_405 = build_option(bodies, "405");
    }
    r->has_error_404 = body_404 != NULL;
    r->has_error_405 = body_405 != NULL;
    if (body_404 != NULL)
        r->error_404 = compact(a, doc_text(a, body_404));
    if (body_405 != NULL)
        r->error_405 = compact(a, doc_text(a, body_405));
}

static bool read_proxies(struct config_build *b, struct router_options *r)
{
    struct addr_block *blocks = arena_zalloc(b->arena, (r->trusted_texts.count + 1) * sizeof(*blocks));

    for (size_t i = 0; i < r->trusted_texts.count; i++)
        if (!addr_block_parse(&blocks[i], r->trusted_texts.items[i]))
            return error_set(b->err, "router.trusted_proxies[%zu]: '%.*s' is no IP address or CIDR block", i,
                             STR_ARG(r->trusted_texts.items[i]));
    r->trusted_proxies = blocks;
    r->trusted_proxy_count = r->trusted_texts.count;
    return true;
}

static bool lists_proxies(struct node *block)
{
    struct node *list = build_option(block, "trusted_proxies");

    return list != NULL && (node_type(list) != DOC_ARRAY || node_count(list) > 0);
}

/* A guard that cannot be built ends the start; the other options fall back to their defaults. */
static bool drop_block(struct config_build *b, struct node *block, const char *wrong,
                       struct router_options *r)
{
    struct router_options read = *r;

    if (lists_proxies(block))
        return error_set(b->err, "router.%s has a wrong type: router.trusted_proxies cannot be applied",
                         wrong);
    build_warn(b, LOG_WARNING, "router.%s has a wrong type: the options of router are not applied", wrong);
    set_router_defaults(r);
    keep_survivors(r, &read);
    return true;
}

static void finish(struct config_build *b, struct router_options *r)
{
    struct router_options defaults;

    set_router_defaults(&defaults);
    if (r->remote_ip_headers.count == 0)
        r->remote_ip_headers = defaults.remote_ip_headers;
    else if (r->remote_ip_headers.items != defaults.remote_ip_headers.items)
        build_canonical(b, &r->remote_ip_headers);
    r->health_path = r->health_path.len == 0 ? defaults.health_path : arena_copy(b->arena, r->health_path);
    if (!str_starts_with(r->health_path, STR("/")))
        r->health_path = arena_join(b->arena, STR("/"), r->health_path);
    b->config->use_h2c = b->config->use_h2c || r->use_h2c;
}

bool build_router(struct config_build *b)
{
    struct router_options *r = &b->config->router;
    struct node *block = build_option(b->config->extra, "router");

    set_router_defaults(r);
    if (block != NULL && node_type(block) != DOC_OBJECT) {
        build_warn(b, LOG_WARNING, "router is no object: its options are not applied");
        block = NULL;
    }
    if (block != NULL) {
        const char *wrong = read_options(b->arena, block, r);
        if (wrong != NULL && !drop_block(b, block, wrong, r))
            return false;
        if (!read_proxies(b, r))
            return false;
        read_apart(b->arena, block, r);
    }
    finish(b, r);
    return true;
}
