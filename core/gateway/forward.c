#include "gateway/forward.h"

#include "gateway/balancer.h"
#include <string.h>

/* --- fields ----------------------------------------------------------------------------------- */

/* Does Connection name fields? "close" and "keep-alive" are no fields. */
static bool connection_names_fields(const struct fields *fields)
{
    struct field_list_cursor cursor = {0};
    struct str member;

    while (field_list_next(fields, FIELD_CONNECTION, &cursor, &member)) {
        if (!str_equal_nocase(member, STR("close")) && !str_equal_nocase(member, STR("keep-alive")))
            return true;
    }
    return false;
}

#define BIT(id) (UINT64_C(1) << (id))

/* Fields of one connection never go on, and the gateway says itself whom it speaks for. Fields that end at a
 * proxy go on only with "*", from clients whose Connection speaks of its persistence alone, to backends whose
 * replies are decoded: a no-op endpoint forwards messages as a proxy does (RFC 9110 section 7.6.1). */
static bool ends_here(const struct exchange *x, const struct field *field, bool connection_names)
{
    static const uint64_t never = BIT(FIELD_HOST) | BIT(FIELD_CONNECTION) | BIT(FIELD_KEEP_ALIVE) |
                                  BIT(FIELD_TRAILER) | BIT(FIELD_TRANSFER_ENCODING) |
                                  BIT(FIELD_X_FORWARDED_FOR) | BIT(FIELD_X_FORWARDED_HOST);
    static const uint64_t at_proxies = BIT(FIELD_TE) | BIT(FIELD_UPGRADE) | BIT(FIELD_PROXY_CONNECTION);

    if (never >> field->id & 1)
        return true;
    if ((at_proxies >> field->id & 1) &&
        (connection_names || !x->endpoint->all_headers || x->endpoint->output == OUTPUT_NOOP ||
         field_find_id(&x->fields, FIELD_CONNECTION) == NULL))
        return true;
    return connection_names && field_list_has(&x->fields, FIELD_CONNECTION, field->name);
}

enum { GENERATED_FIELDS = 4 }; /* X-Forwarded-For, -Host and -Via, User-Agent */

static bool is_listed(const struct exchange *x, const struct field *field)
{
    if (x->endpoint->all_headers)
        return true;
    if (x->endpoint->input_headers.count == 0)
        return field->id == FIELD_CONTENT_TYPE; /* R-HD-2 */
    return name_set_has(&x->plan->fields, field);
}

static void add_canonical(struct fields *to, const struct field *field)
{
    struct field canonical = *field;

    if (field->id == FIELD_OTHER)
        canonical.name = field_canonical(to->arena, field->name);
    field_add_copy(to, &canonical);
}

void forward_fields(struct exchange *x)
{
    bool connection_names = connection_names_fields(&x->fields);
    struct fields *to = &x->call_fields;

    fields_init(to, x->arena);
    fields_reserve(to, GENERATED_FIELDS + (x->endpoint->input_headers.count > 0 ? x->fields.count : 1));
    for (unsigned i = 0; i < x->fields.count; i++) {
        const struct field *field = &x->fields.items[i];

        if (is_listed(x, field) && !ends_here(x, field, connection_names))
            add_canonical(to, field);
    }
    field_add_id(to, FIELD_X_FORWARDED_FOR, x->client_ip);
    field_add_id(to, FIELD_X_FORWARDED_HOST, x->stream->request.host);
    if (field_find_id(to, FIELD_USER_AGENT) != NULL)
        field_set_id(to, FIELD_X_FORWARDED_VIA, x->worker->plans->user_agent);
    else
        field_add_id(to, FIELD_USER_AGENT, x->worker->plans->user_agent);
}

static void copy_fields(struct call *c, const struct fields *from, const struct name_set *only)
{
    fields_init(&c->fields, c->arena);
    fields_reserve(&c->fields, from->count + 1); /* a User-Agent may join */
    for (unsigned i = 0; i < from->count; i++) {
        const struct field *field = &from->items[i];

        if (only == NULL || name_set_has(only, field))
            field_add_copy(&c->fields, field);
    }
}

void forward_call_fields(struct call *c)
{
    struct exchange *x = c->exchange;

    if (c->backend->filters_headers)
        copy_fields(c, &x->call_fields, &c->plan->fields);
    else if (c->owns_fields)
        copy_fields(c, &x->call_fields, NULL);
    else
        c->fields = x->call_fields;
}

/* One line of it goes out, the first, as it is no list (RFC 9110 section 10.1.5), and none if that is empty.
 */
static void finish_agent(struct fields *f, struct str own)
{
    const struct field *agent = field_find_id(f, FIELD_USER_AGENT);

    if (agent == NULL) {
        field_add_id(f, FIELD_USER_AGENT, own);
        return;
    }
    if (agent->value.len == 0) {
        field_remove_id(f, FIELD_USER_AGENT);
        return;
    }
    for (const struct field *other = agent + 1; other < f->items + f->count; other++) {
        if (other->id == FIELD_USER_AGENT) {
            field_set_id(f, FIELD_USER_AGENT, agent->value);
            return;
        }
    }
}

bool forward_finish_fields(struct call *c)
{
    bool length = field_remove_id(&c->fields, FIELD_CONTENT_LENGTH) > 0;

    field_remove_id(&c->fields, FIELD_TRANSFER_ENCODING);
    finish_agent(&c->fields, c->exchange->worker->plans->user_agent);
    return length;
}

/* --- query ------------------------------------------------------------------------------------ */

static void filter_query(struct query *to, const struct query *from, const struct str_list *names)
{
    size_t kept = 0;

    for (size_t i = 0; i < from->count; i++) {
        if (str_list_has(names, from->pairs[i].name))
            to->pairs[kept++] = from->pairs[i];
    }
    to->count = kept;
}

void forward_query(struct exchange *x)
{
    const struct endpoint *e = x->endpoint;

    x->call_query = (struct query){0};
    if (x->target_query.len == 0 || (!e->all_query_strings && e->input_query_strings.count == 0))
        return;
    query_parse(x->arena, x->target_query, &x->call_query);
    if (!e->all_query_strings)
        filter_query(&x->call_query, &x->call_query, &e->input_query_strings);
}

static struct str call_query(struct call *c)
{
    const struct query *all = &c->exchange->call_query;
    struct query own;

    if (all->count == 0)
        return STR_NONE;
    if (!c->backend->filters_query_strings)
        return query_format(c->arena, all);
    own.pairs = arena_alloc(c->arena, all->count * sizeof(*own.pairs));
    filter_query(&own, all, &c->backend->input_query_strings);
    return own.count > 0 ? query_format(c->arena, &own) : STR_NONE;
}

/* --- URL -------------------------------------------------------------------------------------- */

static struct str param_value(const struct call *c, size_t part, bool *known)
{
    const struct exchange *x = c->exchange;
    int index = c->plan->param_index[part];
    const struct param *p = NULL;

    if (index >= 0 && (size_t)index < x->param_count)
        p = &x->params[index];
    else
        p = exchange_param_by_key(x, c->backend->url_pattern.parts[part].key);
    *known = p != NULL;
    return p != NULL ? p->value : STR_NONE;
}

/* Values go in as they are: in a path the URL is encoded afterwards, "?" and "#" of a step's value are syntax
 * (core.md R-PB-4). What nothing resolves stays as text. */
static struct str fill_pattern(const struct call *c, struct str host)
{
    const struct pattern *p = &c->backend->url_pattern;
    struct str *pieces = arena_alloc(c->arena, (p->count * 3 + 1) * sizeof(*pieces));
    size_t n = 0;
    size_t len = 0;
    char *out;

    pieces[n++] = host;
    for (size_t i = 0; i < p->count; i++) {
        const struct pattern_part *part = &p->parts[i];
        bool known = true;

        if (part->param.len == 0) {
            pieces[n++] = part->literal;
            continue;
        }
        pieces[n++] = param_value(c, i, &known);
        if (!known) {
            pieces[n - 1] = STR("{{.");
            pieces[n++] = part->key;
            pieces[n++] = STR("}}");
        }
    }
    for (size_t i = 0; i < n; i++)
        len += pieces[i].len;
    out = arena_bytes(c->arena, len + 1);
    len = 0;
    for (size_t i = 0; i < n; i++) {
        if (pieces[i].len > 0)
            memcpy(out + len, pieces[i].ptr, pieces[i].len);
        len += pieces[i].len;
    }
    return (struct str){out, len};
}

/* What stands between a target, or a URL, and a query behind it. */
static struct str query_joint(struct str target)
{
    size_t question = str_find_char(target, '?');

    return question == target.len ? STR("?") : question + 1 == target.len ? STR("") : STR("&");
}

/* The client's query behind the pattern's own (core.md R-QS-2). */
static void append_query(struct call *c, struct str query)
{
    struct url *url = &c->built;

    query = arena_join(c->arena, query_joint(url->target), query);
    url->text = arena_join(c->arena, url->text, query);
    url->target = arena_join(c->arena, url->target, query);
}

static bool fail_url(struct call *c, struct str why)
{
    c->failure = why;
    return false;
}

/* What is no URL says so itself; one that cannot be asked is named as by the client that would have asked. */
static bool fail_parsed(struct call *c, const struct url *url, struct str why, struct str query)
{
    struct str text = url->text;

    if (text.len == 0)
        return fail_url(c, why);
    if (query.len > 0)
        text = arena_join(c->arena, arena_join(c->arena, text, query_joint(text)), query);
    return fail_url(c, fetch_failure_text(c->arena, c->method, text, why));
}

bool forward_call_url(struct call *c)
{
    struct exchange *x = c->exchange;
    struct str query = call_query(c);
    int index;

    if (!balancer_pick(x->worker->balancers, c->backend, &c->from_host, &index))
        return fail_url(c, STR("no hosts available"));
    if (c->plan->fixed != NULL && index >= 0) {
        const struct fixed_url *fixed = &c->plan->fixed[index];

        if (fixed->failure.len > 0)
            return fail_parsed(c, &fixed->url, fixed->failure, query);
        c->built = fixed->url;
    } else {
        struct error err;

        error_clear(&err);
        if (!url_parse(c->arena, fill_pattern(c, c->from_host), &c->built, &err))
            return fail_parsed(c, &c->built, arena_copy(c->arena, str_of(err.text)), query);
        if (index >= 0)
            c->built.way = c->backend->ways[index];
    }
    if (query.len > 0)
        append_query(c, query);
    c->url = c->built.text;
    return true;
}
