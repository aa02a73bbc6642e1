/* Hosts of backends: core.md 1.11. */
#include "gateway/config_build.h"

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static size_t run_of_host_chars(struct str s)
{
    size_t n = 0;

    while (n < s.len && is_host_char(s.ptr[n]))
        n++;
    return n;
}

/* Bytes of ":8080" (2 to 6 digits) at the beginning of s, 0 if it does not begin so. */
static size_t port_len(struct str s)
{
    size_t n = 0;

    if (s.len == 0 || s.ptr[0] != ':')
        return 0;
    while (n < 6 && n + 1 < s.len && s.ptr[n + 1] >= '0' && s.ptr[n + 1] <= '9')
        n++;
    return n >= 2 ? n + 1 : 0;
}

struct host_match {
    struct str scheme, host; /* host with its port */
    size_t len;              /* of all, with a final slash */
};

/* Does (https?://)?host(:port)?/? begin here? */
static bool match_host(struct str s, struct host_match *m)
{
    size_t scheme = str_starts_with(s, STR("http://")) ? 7 : str_starts_with(s, STR("https://")) ? 8 : 0;

    if (scheme > 0 && run_of_host_chars(str_slice(s, scheme, s.len)) == 0)
        scheme = 0; /* "http" itself is a name then */
    size_t host = run_of_host_chars(str_slice(s, scheme, s.len));
    if (host == 0)
        return false;
    host += port_len(str_slice(s, scheme + host, s.len));
    m->scheme = str_slice(s, 0, scheme);
    m->host = str_slice(s, scheme, scheme + host);
    m->len = scheme + host;
    if (m->len < s.len && s.ptr[m->len] == '/')
        m->len++;
    return true;
}

static bool clean_host(struct arena *a, struct str text, struct str *clean)
{
    struct host_match m, only;
    size_t matches = 0;

    for (size_t i = 0; i < text.len;) {
        if (!match_host(str_slice(text, i, text.len), &m)) {
            i++;
            continue;
        }
        only = m;
        matches++;
        i += m.len;
    }
    if (matches != 1)
        return false;
    *clean = arena_join(a, only.scheme.len > 0 ? only.scheme : STR("http://"), only.host);
    return true;
}

bool build_hosts(struct config_build *b, struct str_list *hosts)
{
    struct str *clean = arena_zalloc(b->arena, (hosts->count + 1) * sizeof(*clean));

    for (size_t i = 0; i < hosts->count; i++)
        if (!clean_host(b->arena, hosts->items[i], &clean[i]))
            return error_set(b->err, "host %.*s not valid: invalid host", STR_ARG(hosts->items[i]));
    hosts->items = clean;
    return true;
}
