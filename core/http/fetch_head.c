#include "http/fetch_head.h"

#include "http/authorization.h"
#include "http/h1_writer.h"
#include "http/proxy_rules.h"

/* Ask for gzip on our own account? (service.md HTTPC-3) An empty Accept-Encoding counts as none, and stays.
 */
static bool may_ask_gzip(const struct client_options *options, const struct hop *hop)
{
    const struct field *coding = field_find_id(hop->fields, FIELD_ACCEPT_ENCODING);

    return !options->disable_compression && !str_equal(hop->method, STR("HEAD")) &&
           (coding == NULL || coding->value.len == 0) && field_find_id(hop->fields, FIELD_RANGE) == NULL;
}

/* The length to announce; -1: none. */
static int64_t announced(const struct fetch_request *r, const struct hop *hop, bool *chunked)
{
    int64_t length = 0;

    *chunked = false;
    if (!hop->has_content)
        return r->empty_length && str_equal(hop->method, r->method) ? 0 : -1;
    *chunked = r->body == FETCH_STREAM ? r->length < 0 : r->chunked;
    if (*chunked)
        return -1;
    if (r->body == FETCH_STREAM)
        return r->length;
    for (int i = 0; i < r->iov_count; i++)
        length += (int64_t)r->iov[i].iov_len;
    return length;
}

/* The fields with what they lack and without what they may not have. A copy only if there is such a thing.
 * proxy: where it goes through; what it is told of who we are is not for others to say. NULL: nowhere. */
static const struct fields *complete(const struct fields *fields, struct arena *a, const struct hop *hop,
                                     const struct proxy_rules *proxy)
{
    bool drops = proxy != NULL && field_find_id(fields, FIELD_PROXY_AUTHORIZATION) != NULL;
    bool adds = hop->url.userinfo.len > 0 && field_find_id(fields, FIELD_AUTHORIZATION) == NULL;
    bool adds_proxy = proxy != NULL && proxy->authorization.len > 0;
    struct fields *f;

    if (!drops && !adds && !adds_proxy)
        return fields;
    f = arena_alloc(a, sizeof(*f));
    fields_init(f, a);
    for (unsigned i = 0; i < fields->count; i++)
        if (!drops || fields->items[i].id != FIELD_PROXY_AUTHORIZATION)
            field_add_copy(f, &fields->items[i]);
    if (adds)
        field_add_id(f, FIELD_AUTHORIZATION, basic_authorization(a, hop->url.userinfo));
    if (adds_proxy)
        field_add_id(f, FIELD_PROXY_AUTHORIZATION, proxy->authorization);
    return f;
}

/* A proxy is told the whole URL (RFC 9112 section 3.2.2). */
static struct str target_of(struct arena *a, const struct url *url)
{
    if (url->way != WAY_PROXY)
        return url->target;
    return arena_printf(a, "http://%.*s%.*s", STR_ARG(url->authority), STR_ARG(url->target));
}

/* A Host among the fields stands in for the URL's, but only for whom the request was made for, and not
 * through a proxy: that must be told the same twice (RFC 9112 section 3.2.2). */
static struct str host_of(const struct fetch_request *r, const struct hop *hop)
{
    const struct url *url = &hop->url;
    const struct field *own = field_find_id(hop->fields, FIELD_HOST);

    if (own == NULL || own->value.len == 0 || url->way == WAY_PROXY ||
        !str_equal(url->authority, r->url.authority))
        return url->authority;
    return own->value;
}

void fetch_head_write(struct fetch_head *h, struct arena *a, const struct client_options *options,
                      const struct fetch_request *r, const struct hop *hop)
{
    const struct url *url = &hop->url;
    const struct proxy_rules *proxy = url->way == WAY_PROXY ? options->proxy : NULL;
    struct str target = target_of(a, url), host = host_of(r, hop);
    const struct fields *fields;
    bool chunked;
    int64_t length = announced(r, hop, &chunked);
    size_t size;
    char *dst;

    h->asks_gzip = may_ask_gzip(options, hop);
    h->closes = options->disable_keep_alives || field_list_has(hop->fields, FIELD_CONNECTION, STR("close"));
    fields = complete(hop->fields, a, hop, proxy);
    size = h1_request_size(hop->method, target, host, fields);
    dst = arena_bytes(a, size);
    h->text.ptr = dst;
    h->text.len =
        h1_write_request(dst, hop->method, target, host, fields, length, chunked, h->asks_gzip, h->closes);
    arena_trim(a, dst, size, h->text.len);
}

bool fetch_head_takes_gzip(const struct fetch_head *h, const struct fetch_request *r,
                           const struct response *response)
{
    const struct fields *fields = &response->fields;
    unsigned codings = 0;
    bool is_gzip = false;

    if (response->framing == FRAMING_NONE || !(h->asks_gzip || r->gunzip_always))
        return false;
    for (unsigned i = 0; i < fields->count; i++) {
        if (fields->items[i].id != FIELD_CONTENT_ENCODING)
            continue;
        codings++;
        is_gzip = str_equal_nocase(fields->items[i].value, STR("gzip"));
    }
    return codings == 1 && is_gzip;
}
