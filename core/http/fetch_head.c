#include "http/fetch_head.h"

#include "http/h1_writer.h"

/* Ask for gzip on our own account? (service.md HTTPC-3) An empty Accept-Encoding counts as none. */
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

static struct str base64(struct arena *a, struct str s)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = arena_bytes(a, (s.len + 2) / 3 * 4), *end = text;

    for (size_t i = 0; i < s.len; i += 3) {
        unsigned bits = (unsigned)(unsigned char)s.ptr[i] << 16;

        if (i + 1 < s.len)
            bits |= (unsigned)(unsigned char)s.ptr[i + 1] << 8;
        if (i + 2 < s.len)
            bits |= (unsigned char)s.ptr[i + 2];
        *end++ = letters[bits >> 18];
        *end++ = letters[bits >> 12 & 63];
        *end++ = i + 1 < s.len ? letters[bits >> 6 & 63] : '=';
        *end++ = i + 2 < s.len ? letters[bits & 63] : '=';
    }
    return (struct str){text, (size_t)(end - text)};
}

/* "Basic ..." of the user and password in a URL; empty if an escape in it is broken. */
static struct str basic_authorization(struct arena *a, struct str userinfo)
{
    struct str password = userinfo, user = str_split(&password, ':'), bad;

    if (!percent_decode(a, user, &user, &bad) || !percent_decode(a, password, &password, &bad))
        return STR_NONE;
    return arena_join(a, STR("Basic "), base64(a, arena_join(a, arena_join(a, user, STR(":")), password)));
}

/* The fields with what they lack and without what they may not have. A copy only if there is such a thing. */
static const struct fields *complete(const struct fields *fields, struct arena *a, const struct hop *hop,
                                     bool asks_gzip)
{
    bool drops = asks_gzip && field_find_id(fields, FIELD_ACCEPT_ENCODING) != NULL;
    bool adds = hop->url.userinfo.len > 0 && field_find_id(fields, FIELD_AUTHORIZATION) == NULL;
    struct fields *f;

    if (!drops && !adds)
        return fields;
    f = arena_alloc(a, sizeof(*f));
    fields_init(f, a);
    for (unsigned i = 0; i < fields->count; i++)
        if (!drops || fields->items[i].id != FIELD_ACCEPT_ENCODING)
            field_add(f, fields->items[i].name, fields->items[i].value);
    if (adds)
        field_add_id(f, FIELD_AUTHORIZATION, basic_authorization(a, hop->url.userinfo));
    return f;
}

void fetch_head_write(struct fetch_head *h, struct arena *a, const struct client_options *options,
                      const struct fetch_request *r, const struct hop *hop)
{
    const struct url *url = &hop->url;
    const struct fields *fields;
    bool chunked;
    int64_t length = announced(r, hop, &chunked);
    size_t size;
    char *dst;

    h->asks_gzip = may_ask_gzip(options, hop);
    h->closes = options->disable_keep_alives || field_list_has(hop->fields, FIELD_CONNECTION, STR("close"));
    fields = complete(hop->fields, a, hop, h->asks_gzip);
    size = h1_request_size(hop->method, url->target, url->authority, fields);
    dst = arena_bytes(a, size);
    h->text.ptr = dst;
    h->text.len = h1_write_request(dst, hop->method, url->target, url->authority, fields, length, chunked,
                                   h->asks_gzip, h->closes);
    arena_trim(a, dst, size, h->text.len);
}
