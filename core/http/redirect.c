#include "http/redirect.h"

#include "base/util.h"

/* Fields that speak of the content; never repeated once a redirect may have dropped it. */
static bool is_about_content(const struct field *f)
{
    return f->id == FIELD_CONTENT_TYPE || f->id == FIELD_CONTENT_ENCODING ||
           f->id == FIELD_CONTENT_LANGUAGE || f->id == FIELD_CONTENT_LOCATION;
}

/* Fields that only the host they were meant for may see. */
static bool is_secret(const struct field *f)
{
    static const struct str cookie2 = {"Cookie2", 7};

    return f->id == FIELD_AUTHORIZATION || f->id == FIELD_COOKIE || f->id == FIELD_WWW_AUTHENTICATE ||
           f->id == FIELD_PROXY_AUTHORIZATION || f->id == FIELD_PROXY_AUTHENTICATE ||
           field_name_is(f, cookie2);
}

bool redirect_is_same_site(struct str sub, struct str parent)
{
    if (str_equal_nocase(sub, parent))
        return true;
    if (str_find_char(sub, ':') < sub.len || sub.len <= parent.len || parent.len == 0)
        return false; /* an IPv6 address is no sub-domain of anything */
    return sub.ptr[sub.len - parent.len - 1] == '.' &&
           str_equal_nocase(str_slice(sub, sub.len - parent.len, sub.len), parent);
}

/* The URL of a request as a Referer shows it: without user and password. */
static struct str referer_of(struct arena *a, const struct url *url)
{
    if (url->userinfo.len == 0)
        return url->text;
    return arena_printf(a, "%.*s://%.*s%.*s", STR_ARG(url->scheme), STR_ARG(url->authority),
                        STR_ARG(url->target));
}

static const struct fields *next_fields(const struct redirect_chain *chain, struct arena *a,
                                        const struct fields *original, const struct hop *from,
                                        const struct url *to, bool has_content)
{
    struct fields *f = arena_alloc(a, sizeof(*f));

    fields_init(f, a);
    for (unsigned i = 0; i < original->count; i++) {
        const struct field *field = &original->items[i];

        if ((chain->drop_content_fields && is_about_content(field)) ||
            (chain->drop_secrets && is_secret(field)))
            continue;
        if (field->id == FIELD_EXPECT && !has_content)
            continue; /* there is nothing to wait for */
        if (field->id == FIELD_REFERER && from->url.tls && !to->tls)
            continue;
        field_add(f, field->name, field->value);
    }
    if (field_find_id(original, FIELD_REFERER) == NULL && (!from->url.tls || to->tls))
        field_add_id(f, FIELD_REFERER, referer_of(a, &from->url));
    return f;
}

static bool changes_method(int status)
{
    return status == 301 || status == 302 || status == 303;
}

static bool is_redirect(int status)
{
    return changes_method(status) || status == 307 || status == 308;
}

enum redirect_verdict redirect_next(struct redirect_chain *chain, struct arena *a, const struct response *r,
                                    const struct fields *original, struct hop *hop, struct error *err)
{
    const struct field *location;
    bool keeps_method = !changes_method(r->status);
    bool keeps_content = keeps_method && hop->has_content;
    struct url to;

    if (!is_redirect(r->status))
        return REDIRECT_NONE;
    if (keeps_method && chain->had_content && !hop->may_resend)
        return REDIRECT_NONE; /* even when a hop before dropped the content, as Go does */
    location = field_find_id(&r->fields, FIELD_LOCATION);
    if (location == NULL || location->value.len == 0)
        return REDIRECT_NONE;
    if (!url_resolve(a, &hop->url, location->value, &to, err))
        return REDIRECT_BROKEN;
    if (!keeps_method) {
        chain->drop_content_fields = true;
        if (!str_equal(hop->method, STR("HEAD")))
            hop->method = STR("GET");
    }
    if (!redirect_is_same_site(to.host, chain->first_host))
        chain->drop_secrets = true;
    hop->fields = next_fields(chain, a, original, hop, &to, keeps_content);
    hop->has_content = keeps_content;
    hop->url = to;
    return REDIRECT_FOLLOW;
}
