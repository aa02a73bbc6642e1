#include "gateway/builtin.h"

#include "base/clock.h"
#include "base/quote.h"
#include "gateway/answer.h"
#include "http/server.h"
#include <string.h>

#define JSON_TYPE STR("application/json; charset=utf-8")
#define TEXT_TYPE STR("text/plain; charset=utf-8")

/* --- parameters ------------------------------------------------------------------------------- */

static bool has_char(struct str s, char c)
{
    return str_find_char(s, c) < s.len;
}

/* A parameter that is still encoded once it was decoded, or that would be syntax in a backend's URL. */
static struct str check_param(struct exchange *x, struct str value)
{
    struct str again;
    struct str bad;

    if (!has_char(value, '%') && !has_char(value, '?') && !has_char(value, '#'))
        return STR_NONE;
    if (!percent_decode(x->arena, value, &again, &bad))
        return arena_printf(x->arena, "error: invalid URL escape %.*s", STR_ARG(quote_go(x->arena, bad)));
    if (!str_equal(again, value) || has_char(value, '?') || has_char(value, '#'))
        return STR("error: encoded url params");
    return STR_NONE;
}

struct str builtin_check_params(struct exchange *x, const struct route_match *m)
{
    if (x->worker->config->router.disable_path_decoding)
        return STR_NONE;
    for (size_t i = 0; i < m->param_count; i++) {
        struct str why = check_param(x, m->params[i]);

        if (why.len > 0)
            return why;
    }
    return STR_NONE;
}

void builtin_refuse(struct exchange *x, struct str allow)
{
    answer_set(x, 400, TEXT_TYPE, x->refusal);
    if (allow.len > 0)
        field_add(&x->answer.fields, STR("Allow"), allow);
}

/* --- redirects -------------------------------------------------------------------------------- */

/* X-Forwarded-Prefix as gin takes it: cleaned, without odd characters, without repeated slashes. */
static struct str forwarded_prefix(struct exchange *x)
{
    struct str told = field_value(&x->fields, STR("X-Forwarded-Prefix"));
    char *out;
    size_t n = 0;

    if (told.len == 0)
        return STR_NONE;
    told = path_clean(x->arena, arena_join(x->arena, STR("/"), told));
    out = arena_bytes(x->arena, told.len + 1);
    for (size_t i = 0; i < told.len; i++) {
        char c = told.ptr[i];
        bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                    c == '-';

        if (safe && !(c == '/' && n > 0 && out[n - 1] == '/'))
            out[n++] = c;
    }
    while (n > 0 && out[n - 1] == '/')
        n--;
    return (struct str){out, n};
}

static struct str escape_html(struct arena *a, struct str s)
{
    char *out = arena_bytes(a, s.len * 5 + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        struct str word = c == '&'    ? STR("&amp;")
                          : c == '<'  ? STR("&lt;")
                          : c == '>'  ? STR("&gt;")
                          : c == '"'  ? STR("&#34;")
                          : c == '\'' ? STR("&#39;")
                                      : (struct str){s.ptr + i, 1};

        memcpy(out + n, word.ptr, word.len);
        n += word.len;
    }
    return (struct str){out, n};
}

/* A field holds no raw bytes above 127. */
static struct str escape_non_ascii(struct arena *a, struct str s)
{
    static const char hex[] = "0123456789abcdef";
    char *out = arena_bytes(a, s.len * 3 + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c < 0x80) {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return (struct str){out, n};
}

void builtin_redirect(struct exchange *x, const struct route_match *m)
{
    const struct target *target = &x->stream->request.parts;
    struct str location = m->location;
    bool get = str_equal(x->method, STR("GET"));
    bool has_type = get || str_equal(x->method, STR("HEAD"));
    struct str body = STR_NONE;

    if (m->slash_redirect)
        location = arena_join(x->arena, forwarded_prefix(x), location);
    if (target->has_query)
        location = arena_join(x->arena, arena_join(x->arena, location, STR("?")), target->query);
    if (get) {
        body = arena_printf(x->arena, "<a href=\"%.*s\">Moved Permanently</a>.\n\n",
                            STR_ARG(escape_html(x->arena, location)));
    }
    answer_set(x, get ? 301 : 307, has_type ? STR("text/html; charset=utf-8") : STR_NONE, body);
    field_add_id(&x->answer.fields, FIELD_LOCATION, escape_non_ascii(x->arena, location));
}

/* --- 404 and 405 ------------------------------------------------------------------------------ */

static void not_served(struct exchange *x, int status, struct str text, bool has_own, struct str own)
{
    if (has_own)
        answer_set(x, status, JSON_TYPE, own);
    else
        answer_set(x, status, STR("text/plain"), text);
    field_add_id(&x->answer.fields, FIELD_X_KRAKEND, x->worker->plans->version);
    field_add_id(&x->answer.fields, FIELD_X_KRAKEND_COMPLETED, STR("false"));
}

void builtin_not_found(struct exchange *x)
{
    const struct router_options *o = &x->worker->config->router;

    not_served(x, 404, STR("404 page not found"), o->has_error_404, o->error_404);
}

void builtin_not_allowed(struct exchange *x, struct str allow)
{
    const struct router_options *o = &x->worker->config->router;

    not_served(x, 405, STR("405 method not allowed"), o->has_error_405, o->error_405);
    field_add(&x->answer.fields, STR("Allow"), allow);
}

/* --- health, debug, echo ---------------------------------------------------------------------- */

/* As Go prints a time: "2026-11-23 13:03:23.968985002 +0000 UTC m=+0.510946783". */
static struct str go_time(struct exchange *x)
{
    const struct env *env = x->worker->env;
    int64_t since = env->now - x->worker->started_monotonic;
    int64_t fraction = env->wall % SECOND;
    char date[64];
    char zone[64];
    char digits[16] = "";

    wall_format(date, sizeof(date), "%Y-%m-%d %H:%M:%S", env->wall);
    wall_format(zone, sizeof(zone), "%z %Z", env->wall);
    if (fraction != 0) {
        struct str text = arena_printf(x->arena, ".%09lld", (long long)fraction);

        while (text.ptr[text.len - 1] == '0')
            text.len--;
        memcpy(digits, text.ptr, text.len);
    }
    return arena_printf(x->arena, "%s%s %s m=+%lld.%09lld", date, digits, zone, (long long)(since / SECOND),
                        (long long)(since % SECOND));
}

static void health(struct exchange *x)
{
    answer_set(
        x, 200, JSON_TYPE,
        arena_printf(x->arena, "{\"agents\":{},\"now\":\"%.*s\",\"status\":\"ok\"}", STR_ARG(go_time(x))));
}

static struct str describe_params(struct exchange *x)
{
    struct str text = STR("[");

    for (size_t i = 0; i < x->param_count; i++) {
        text = arena_printf(x->arena, "%.*s%s{%.*s %.*s}", STR_ARG(text), i > 0 ? " " : "",
                            STR_ARG(x->params[i].name), STR_ARG(x->params[i].value));
    }
    return arena_join(x->arena, text, STR("]"));
}

static bool is_secret(enum field_id id)
{
    return id == FIELD_AUTHORIZATION || id == FIELD_COOKIE || id == FIELD_PROXY_AUTHORIZATION;
}

/* As Go prints lists by name: "map[a:[1 2] b:[]]". */
static struct str go_map(struct arena *a, const struct query *q)
{
    const struct query_pair **sorted = query_sort(a, q);
    size_t most = sizeof("map[]]");
    char *text, *end;

    for (size_t i = 0; i < q->count; i++)
        most += q->pairs[i].name.len + q->pairs[i].value.len + sizeof("] :[");
    text = arena_bytes(a, most);
    end = str_put(text, STR("map["));
    for (size_t i = 0; i < q->count; i++) {
        bool more = i > 0 && str_equal(sorted[i]->name, sorted[i - 1]->name);

        end = str_put(end, more ? STR(" ") : i > 0 ? STR("] ") : STR_NONE);
        end = more ? end : str_put(str_put(end, sorted[i]->name), STR(":["));
        end = str_put(end, sorted[i]->value);
    }
    end = str_put(end, q->count > 0 ? STR("]]") : STR("]"));
    return (struct str){text, (size_t)(end - text)};
}

static struct str describe_query(struct exchange *x)
{
    struct query q;

    query_parse(x->arena, x->target_query, &q);
    return go_map(x->arena, &q);
}

/* What Go keeps apart from a request's header map. */
static bool is_apart(const struct field *f)
{
    return f->id == FIELD_HOST || f->id == FIELD_TRANSFER_ENCODING;
}

/* Authorization and cookies are named, never written. */
static struct str describe_fields(struct exchange *x)
{
    struct query q = {arena_alloc(x->arena, (x->fields.count + 1) * sizeof(*q.pairs)), 0};

    for (unsigned i = 0; i < x->fields.count; i++) {
        const struct field *f = &x->fields.items[i];

        if (!is_apart(f))
            q.pairs[q.count++] = (struct query_pair){field_canonical(x->arena, f->name),
                                                     is_secret(f->id) ? STR("(hidden)") : f->value};
    }
    return go_map(x->arena, &q);
}

static void debug(struct exchange *x)
{
    static const char name[] = "[ENDPOINT: /__debug/*]";
    struct log *log = x->worker->log;

    answer_set(x, 200, JSON_TYPE, STR("{\"message\":\"pong\"}"));
    if (!log_wants(log, LOG_DEBUG))
        return;
    log_write(log, LOG_DEBUG, "%s Method: %.*s", name, STR_ARG(x->method));
    log_write(log, LOG_DEBUG, "%s URL: %.*s", name, STR_ARG(x->stream->request.target));
    log_write(log, LOG_DEBUG, "%s Query: %.*s", name, STR_ARG(describe_query(x)));
    log_write(log, LOG_DEBUG, "%s Params: %.*s", name, STR_ARG(describe_params(x)));
    log_write(log, LOG_DEBUG, "%s Headers: %.*s", name, STR_ARG(describe_fields(x)));
    log_write(log, LOG_DEBUG, "%s Body: %.*s", name, STR_ARG(x->body));
}

static void set_text(struct arena *a, struct node *object, const char *name, struct str value)
{
    node_set(object, str_of(name), node_new_string(a, value));
}

/* Lists by name, in the order the names came. */
static void append_to(struct arena *a, struct node *object, struct str name, struct str value)
{
    struct node *list = node_get(object, name);

    if (list == NULL) {
        list = node_new_array(a);
        node_set(object, name, list);
    }
    node_append(list, node_new_string(a, value));
}

static struct node *echo_fields(struct exchange *x)
{
    struct node *object = node_new_object(x->arena);

    for (unsigned i = 0; i < x->fields.count; i++) {
        const struct field *f = &x->fields.items[i];

        if (!is_apart(f))
            append_to(x->arena, object, field_canonical(x->arena, f->name), f->value);
    }
    return object;
}

static void echo(struct exchange *x)
{
    struct arena *a = x->arena;
    struct node *root = node_new_object(a);
    struct node *details = node_new_object(a);
    struct node *pairs = node_new_object(a);
    struct query query = {0};

    query_parse(a, x->target_query, &query);
    for (size_t i = 0; i < query.count; i++)
        append_to(a, pairs, query.pairs[i].name, query.pairs[i].value);
    set_text(a, details, "fragment", STR_NONE);
    set_text(a, details, "host", x->stream->request.host);
    set_text(a, details, "path", x->path);
    set_text(a, details, "query", query_format(a, &query));
    set_text(a, details, "user", STR_NONE);
    set_text(a, root, "req_uri", x->stream->request.target);
    node_set(root, STR("req_uri_details"), details);
    set_text(a, root, "req_method", x->method);
    node_set(root, STR("req_querystring"), pairs);
    set_text(a, root, "req_body", x->body);
    node_set(root, STR("req_headers"), echo_fields(x));
    answer_set(x, 200, JSON_TYPE, doc_text(a, root));
}

static void options(struct exchange *x)
{
    answer_set(x, 200, STR_NONE, STR_NONE);
    field_add(&x->answer.fields, STR("Allow"), x->route->allow);
    field_add_id(&x->answer.fields, FIELD_X_KRAKEND, x->worker->plans->version);
}

/* --- which ------------------------------------------------------------------------------------ */

bool builtin_wants_body(const struct exchange *x)
{
    return x->route != NULL && x->refusal.len == 0 &&
           (x->route->kind == ROUTE_DEBUG || x->route->kind == ROUTE_ECHO);
}

void builtin_answer(struct exchange *x)
{
    if (x->refusal.len > 0) {
        builtin_refuse(x, STR_NONE);
        return;
    }
    switch (x->route->kind) {
    case ROUTE_HEALTH: health(x); return;
    case ROUTE_DEBUG: debug(x); return;
    case ROUTE_ECHO: echo(x); return;
    case ROUTE_OPTIONS: options(x); return;
    case ROUTE_ENDPOINT: return;
    }
}
