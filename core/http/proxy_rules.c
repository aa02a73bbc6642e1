#include "http/proxy_rules.h"

#include "base/util.h"
#include "http/authorization.h"
#include "http/uri.h"
#include <string.h>

/* --- NO_PROXY ---------------------------------------------------------------------------------- */

static struct str trim(struct str s)
{
    static const char white[] = " \t\n\v\f\r";

    while (s.len > 0 && memchr(white, s.ptr[0], sizeof(white) - 1) != NULL)
        s = str_slice(s, 1, s.len);
    while (s.len > 0 && memchr(white, s.ptr[s.len - 1], sizeof(white) - 1) != NULL)
        s.len--;
    return s;
}

/* Entries that are not empty. */
static bool next_entry(struct str *rest, struct str *entry)
{
    while (rest->len > 0) {
        *entry = trim(str_split(rest, ','));
        if (entry->len > 0)
            return true;
    }
    return false;
}

static bool excepts_all(struct str no_proxy)
{
    struct str entry;

    while (next_entry(&no_proxy, &entry)) {
        if (str_equal(entry, STR("*")))
            return true;
    }
    return false;
}

/* "host:port" or "[ip]:port" (Go's net.SplitHostPort). Without a port, or with more colons, the whole is the
 * host, brackets and all. */
static void split_port(struct str entry, struct str *host, struct str *port)
{
    bool bracketed = entry.ptr[0] == '[';
    size_t end = bracketed ? str_find_char(entry, ']') + 1 : str_find_char(entry, ':');

    *host = entry;
    *port = STR_NONE;
    if (end >= entry.len || entry.ptr[end] != ':')
        return;
    struct str rest = str_slice(entry, end + 1, entry.len);
    if (str_find_char(rest, ':') < rest.len)
        return;
    *host = bracketed ? str_slice(entry, 1, end - 1) : str_slice(entry, 0, end);
    *port = rest;
}

/* An empty port means any. One that is not written as ports are is never met. */
static bool read_port(struct str text, uint16_t *port)
{
    uint64_t value = 0;

    if (text.len > 0 && (!str_to_u64(text, &value) || value == 0 || value > UINT16_MAX || text.ptr[0] == '0'))
        return false;
    *port = (uint16_t)value;
    return true;
}

/* False: nothing is met by it. */
static bool read_exception(struct arena *a, struct str entry, struct proxy_exception *e)
{
    struct str host, port;

    *e = (struct proxy_exception){.port = 0};
    if (str_find_char(entry, '/') < entry.len && addr_block_parse(&e->block, entry))
        return true;
    split_port(entry, &host, &port);
    if (host.len == 0 || !read_port(port, &e->port))
        return false;
    if (addr_is_ip(host))
        return addr_block_parse(&e->block, host);
    if (str_starts_with(host, STR("*.")))
        host = str_slice(host, 1, host.len);
    e->whole = host.ptr[0] != '.';
    e->suffix = e->whole ? arena_join(a, STR("."), host) : arena_copy(a, host);
    return true;
}

static void read_exceptions(struct arena *a, struct str no_proxy, struct proxy_rules *rules)
{
    static const struct str loopback[] = {{"127.0.0.0/8", 11}, {"::1", 3}};
    struct str rest = no_proxy, entry;
    size_t count = ARRAY_LEN(loopback);

    while (next_entry(&rest, &entry))
        count++;
    rules->exceptions = arena_zalloc(a, count * sizeof(*rules->exceptions));
    for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
        addr_block_parse(&rules->exceptions[rules->exception_count++].block, loopback[i]);
    while (next_entry(&no_proxy, &entry)) {
        if (read_exception(a, entry, &rules->exceptions[rules->exception_count]))
            rules->exception_count++;
    }
}

/* --- HTTP_PROXY -------------------------------------------------------------------------------- */

/* Cuts "scheme://" off; what is left has none. */
static struct str split_scheme(struct str *rest)
{
    struct str text = *rest;
    size_t end = 0;

    while (end < text.len && (uri_is(text.ptr[end], URI_ALPHA | URI_DIGIT) || text.ptr[end] == '+' ||
                              text.ptr[end] == '-' || text.ptr[end] == '.'))
        end++;
    if (end == 0 || !str_starts_with(str_slice(text, end, text.len), STR("://")))
        return STR_NONE;
    *rest = str_slice(text, end + 3, text.len);
    return str_slice(text, 0, end);
}

/* Where the host begins: behind user and password. */
static size_t host_at(struct str text)
{
    size_t end = 0, at = 0;

    while (end < text.len && text.ptr[end] != '/' && text.ptr[end] != '?' && text.ptr[end] != '#')
        end++;
    for (size_t i = 0; i < end; i++) {
        if (text.ptr[i] == '@')
            at = i + 1;
    }
    return at;
}

/* Returns the problem. */
static struct str read_proxy(struct arena *a, struct str text, struct proxy_rules *rules)
{
    struct str scheme = split_scheme(&text);
    size_t at = host_at(text);
    bool is_local = at + 1 < text.len && text.ptr[at] == ':' && uri_is(text.ptr[at + 1], URI_DIGIT);
    struct url *url = &rules->url;

    if (scheme.len > 0 && !str_equal_nocase(scheme, STR("http")))
        return arena_printf(a, "%.*s:// proxies are not supported: only http:// ones are", STR_ARG(scheme));
    text = arena_printf(a, "http://%.*s%s%.*s", (int)at, text.ptr, is_local ? "localhost" : "",
                        STR_ARG(str_slice(text, at, text.len)));
    if (!url_parse(a, text, url, NULL) || url->port == 0)
        return STR("this is not the URL of a proxy, such as http://proxy.test:3128");
    if (url->userinfo.len == 0)
        return STR_NONE;
    rules->authorization = basic_authorization(a, url->userinfo);
    if (rules->authorization.len == 0)
        return STR("the user and password of the proxy are not percent-encoded as URLs are");
    return STR_NONE;
}

/* --- what the header promises ------------------------------------------------------------------ */

struct proxy_rules *proxy_rules_read(struct arena *a, struct str http_proxy, struct str no_proxy)
{
    struct proxy_rules *rules;

    if (http_proxy.len == 0 || excepts_all(no_proxy))
        return NULL;
    rules = arena_zalloc(a, sizeof(*rules));
    rules->problem = read_proxy(a, http_proxy, rules);
    read_exceptions(a, no_proxy, rules);
    return rules;
}

static bool is_below(struct str host, const struct proxy_exception *e)
{
    struct str name = str_slice(e->suffix, 1, e->suffix.len);

    if (host.len >= e->suffix.len &&
        str_equal_nocase(str_slice(host, host.len - e->suffix.len, host.len), e->suffix))
        return true;
    return e->whole && str_equal_nocase(host, name);
}

enum url_way proxy_rules_way(const struct proxy_rules *rules, const struct url *url)
{
    struct addr_ip ip;
    bool is_ip;

    if (rules == NULL || url->tls || str_equal(url->host, STR("localhost")))
        return WAY_DIRECT;
    is_ip = addr_ip_parse(&ip, url->host);
    for (size_t i = 0; i < rules->exception_count; i++) {
        const struct proxy_exception *e = &rules->exceptions[i];

        if (e->port != 0 && e->port != url->port)
            continue;
        if (e->suffix.len > 0 ? is_below(url->host, e) : is_ip && addr_block_has(&e->block, &ip))
            return WAY_DIRECT;
    }
    return WAY_PROXY;
}
