#include "http/uri.h"

#include "base/quote.h"
#include <string.h>

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool fail_around(struct arena *a, struct error *err, struct str text, const char *before,
                        struct str what, const char *after)
{
    struct str url = quote_go(a, text);
    struct str detail = what.len > 0 ? quote_go(a, what) : STR("");

    return error_set(err, "parse %.*s: %s%.*s%s", STR_ARG(url), before, STR_ARG(detail), after);
}

static bool fail(struct arena *a, struct error *err, struct str text, const char *why, struct str what)
{
    return fail_around(a, err, text, why, what, "");
}

/* The length of the scheme before a colon, 0 if s has none; -1 if it begins with the colon. */
static int scheme_len(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == ':')
            return i > 0 ? (int)i : -1;
        if (!uri_is(c, URI_ALPHA) && (i == 0 || (!uri_is(c, URI_DIGIT) && c != '+' && c != '-' && c != '.')))
            return 0;
        if (i > 64)
            return 0;
    }
    return 0;
}

static struct str lower(struct arena *a, struct str s)
{
    char *text = arena_bytes(a, s.len + 1);

    for (size_t i = 0; i < s.len; i++)
        text[i] = s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (char)(s.ptr[i] + 0x20) : s.ptr[i];
    return (struct str){text, s.len};
}

/* A query as it may stand on a request line: as written, but for bytes that no target may hold. */
static struct str clean_query(struct arena *a, struct str query)
{
    size_t i = 0;

    while (i < query.len && (unsigned char)query.ptr[i] > 0x20 && (unsigned char)query.ptr[i] < 0x7f)
        i++;
    if (i == query.len)
        return query;
    char *text = arena_bytes(a, 3 * query.len), *end = text;
    for (i = 0; i < query.len; i++) {
        if ((unsigned char)query.ptr[i] <= 0x20 || (unsigned char)query.ptr[i] >= 0x7f)
            end = uri_write_escape(end, query.ptr[i]);
        else
            *end++ = query.ptr[i];
    }
    return (struct str){text, (size_t)(end - text)};
}

/* The first byte that no host name may hold, as text (a whole UTF-8 sequence if it is one). */
static struct str illegal_in_host(struct str host)
{
    size_t i = 0;

    while (i < host.len && (uri_is(host.ptr[i], URI_UNRESERVED | URI_SUB_DELIM) || host.ptr[i] == '%'))
        i++;
    size_t end = i + 1;
    while (end < host.len && ((unsigned char)host.ptr[i] & 0x80) != 0 &&
           ((unsigned char)host.ptr[end] & 0xc0) == 0x80)
        end++;
    return str_slice(host, i, end);
}

static struct str hide_password(struct arena *a, struct str text)
{
    size_t start = 0, end, at;

    while (start < text.len && !str_starts_with(str_slice(text, start, text.len), STR("//")))
        start++;
    struct str rest = str_slice(text, start + 2, text.len);
    end = str_find_char(rest, '/');
    for (at = end; at > 0 && rest.ptr[at - 1] != '@'; at--)
        ;
    size_t colon = str_find_char(str_slice(rest, 0, at), ':');
    if (colon >= at)
        return text;
    return arena_printf(a, "%.*s***%.*s", STR_ARG(str_slice(text, 0, start + 2 + colon + 1)),
                        STR_ARG(str_slice(rest, at - 1, rest.len)));
}

/* "user:password@host:port" into the struct. */
static bool parse_authority(struct arena *a, struct str text, struct str authority, struct url *url,
                            struct error *err)
{
    size_t at = authority.len;

    while (at > 0 && authority.ptr[at - 1] != '@')
        at--;
    url->userinfo = str_slice(authority, 0, at > 0 ? at - 1 : 0);
    url->authority = str_slice(authority, at, authority.len);
    for (size_t i = 0; i < url->userinfo.len; i++) {
        char c = url->userinfo.ptr[i];
        if (!uri_is(c, URI_UNRESERVED | URI_SUB_DELIM) && c != ':' && c != '%' && c != '@')
            return fail(a, err, text, "net/url: invalid userinfo", STR_NONE);
    }
    if (authority_split(url->authority, url->tls ? 443 : 80, &url->host, &url->port))
        return true;
    if (str_starts_with(url->authority, STR("["))) {
        bool closed = str_find_char(url->authority, ']') < url->authority.len;
        return fail(a, err, text, closed ? "invalid host " : "missing ']' in host",
                    closed ? url->authority : STR_NONE);
    }
    size_t colon = str_find_char(url->authority, ':');
    struct str host = str_slice(url->authority, 0, colon), bad = illegal_in_host(host);
    if (host.len == 0) {
        url->text = hide_password(a, text);
        return error_set(err, "http: no Host in request URL");
    }
    if (bad.len > 0)
        return fail_around(a, err, text, "invalid character ", bad, " in host name");
    struct str escape = str_slice(host, uri_find_bad_escape(host), host.len);
    if (escape.len > 0)
        return fail(a, err, text, "invalid URL escape ", str_slice(escape, 0, 3));
    return fail_around(a, err, text, "invalid port ", str_slice(url->authority, colon, url->authority.len),
                       " after host");
}

/* Path and query into url->target, and the whole into url->text. */
static bool finish(struct arena *a, struct str text, struct str path, struct str query, bool has_query,
                   struct url *url, struct error *err)
{
    struct str decoded, bad;

    if (!percent_decode(a, path, &decoded, &bad))
        return fail(a, err, text, "invalid URL escape ", bad);
    struct str encoded = path_encode(a, decoded, path);
    struct str tail = has_query ? arena_join(a, STR("?"), clean_query(a, query)) : STR_NONE;
    struct str user = url->userinfo;
    struct str name = str_split(&user, ':');
    const char *hidden = user.ptr != NULL ? ":***" : "", *at = url->userinfo.len > 0 ? "@" : "";
    url->target = arena_join(a, encoded.len > 0 ? encoded : STR("/"), tail);
    url->text = arena_printf(a, "%.*s://%.*s%s%s%.*s%.*s%.*s", STR_ARG(url->scheme), STR_ARG(name), hidden,
                             at, STR_ARG(url->authority), STR_ARG(encoded), STR_ARG(tail));
    return true;
}

bool url_parse(struct arena *a, struct str text, struct url *url, struct error *err)
{
    *url = (struct url){.tls = false};
    text = str_slice(text, 0, str_find_char(text, '#'));
    for (size_t i = 0; i < text.len; i++) {
        if (is_control(text.ptr[i]))
            return fail(a, err, text, "net/url: invalid control character in URL", STR_NONE);
    }
    int colon = scheme_len(text);
    if (colon < 0)
        return fail(a, err, text, "missing protocol scheme", STR_NONE);
    url->scheme = lower(a, str_slice(text, 0, (size_t)colon));
    struct str rest = str_slice(text, colon > 0 ? (size_t)colon + 1 : 0, text.len);
    size_t mark = str_find_char(rest, '?');
    struct str query = str_slice(rest, mark + 1, rest.len), before = str_slice(rest, 0, mark);
    if (colon == 0 && !str_starts_with(before, STR("/"))) {
        struct str segment = str_slice(before, 0, str_find_char(before, '/'));
        if (str_find_char(segment, ':') < segment.len)
            return fail(a, err, text, "first path segment in URL cannot contain colon", STR_NONE);
    }
    url->tls = str_equal(url->scheme, STR("https"));
    if (!url->tls && !str_equal(url->scheme, STR("http"))) {
        struct str scheme = quote_go(a, url->scheme);
        url->text = hide_password(a, text);
        return error_set(err, "unsupported protocol scheme %.*s", STR_ARG(scheme));
    }
    if (!str_starts_with(before, STR("//"))) {
        url->text = text;
        return error_set(err, "http: no Host in request URL");
    }
    struct str slashed = str_slice(before, 2, before.len);
    size_t path = str_find_char(slashed, '/');
    return parse_authority(a, text, str_slice(slashed, 0, path), url, err) &&
           finish(a, text, str_slice(slashed, path, slashed.len), query, mark < rest.len, url, err);
}

/* Path of a reference that is relative to that of base (RFC 3986 sections 5.2.3 and 5.2.4). */
static struct str merge_path(struct arena *a, const struct url *base, struct str path)
{
    size_t end = str_find_char(base->target, '?');

    if (path.ptr[0] != '/') {
        while (end > 0 && base->target.ptr[end - 1] != '/')
            end--;
        path = arena_join(a, str_slice(base->target, 0, end), path);
    }
    return uri_remove_dots(a, path);
}

bool url_resolve(struct arena *a, const struct url *base, struct str reference, struct url *url,
                 struct error *err)
{
    struct str rest = str_slice(reference, 0, str_find_char(reference, '#'));
    struct str scheme = base->scheme, authority = base->authority, path = rest;
    int colon = scheme_len(rest);

    if (colon < 0)
        return fail(a, err, rest, "missing protocol scheme", STR_NONE);
    if (colon > 0) {
        scheme = str_slice(rest, 0, (size_t)colon);
        path = str_slice(rest, (size_t)colon + 1, rest.len);
        if (!str_starts_with(path, STR("//")))
            return url_parse(a, rest, url, err);
    }
    bool absolute = str_starts_with(path, STR("//"));
    if (absolute) {
        size_t end = 2;
        while (end < path.len && path.ptr[end] != '/' && path.ptr[end] != '?')
            end++;
        authority = str_slice(path, 2, end);
        path = str_slice(path, end, path.len);
    }
    size_t mark = str_find_char(path, '?');
    struct str query = str_slice(path, mark, path.len);
    path = str_slice(path, 0, mark);
    if (path.len > 0) {
        path = merge_path(a, base, path);
    } else if (!absolute) {
        size_t own = str_find_char(base->target, '?');
        path = str_slice(base->target, 0, own);
        if (query.len == 0)
            query = str_slice(base->target, own, base->target.len);
    }
    struct str text = arena_printf(a, "%.*s://%.*s%.*s%.*s", STR_ARG(scheme), STR_ARG(authority),
                                   STR_ARG(path), STR_ARG(query));
    return url_parse(a, text, url, err);
}
