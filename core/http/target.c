#include "http/uri.h"

#include <stdlib.h>
#include <string.h>

/* Path and query of text, which begins with "/". */
static bool parse_origin(struct target *t, struct str text)
{
    size_t query = str_find_char(text, '?');

    t->path = str_slice(text, 0, query);
    t->has_query = query < text.len;
    t->query = str_slice(text, query + 1, text.len);
    return uri_find_bad_escape(t->path) == t->path.len;
}

static bool parse_authority(struct target *t, struct str text)
{
    struct str host;
    uint16_t port;

    t->form = TARGET_AUTHORITY;
    t->authority = text;
    /* RFC 9110 section 9.3.6: a target without a port is refused. */
    return authority_split(text, 0, &host, &port) && port != 0;
}

static bool parse_absolute(struct target *t, struct str method, struct str text)
{
    size_t colon = str_find_char(text, ':');
    struct str rest = str_slice(text, colon + 1, text.len);
    size_t end = 2;

    t->form = TARGET_ABSOLUTE;
    t->scheme = str_slice(text, 0, colon);
    if (!str_equal_nocase(t->scheme, STR("http")) && !str_equal_nocase(t->scheme, STR("https")))
        return false;
    if (!str_starts_with(rest, STR("//")))
        return false;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    t->authority = str_slice(rest, 2, end);
    if (t->authority.len == 0 || !authority_is_valid(t->authority))
        return false;
    if (end < rest.len && rest.ptr[end] == '/')
        return parse_origin(t, str_slice(rest, end, rest.len));
    t->has_query = end < rest.len;
    t->query = str_slice(rest, end + 1, rest.len);
    /* RFC 9112 section 3.2.4: without path and query, OPTIONS means the server. */
    t->path = str_equal(method, STR("OPTIONS")) && !t->has_query ? STR("*") : STR("/");
    return true;
}

/* No space or control, and no "#" before the query. In that it is a byte like others, as for Go: what is sent
 * on is encoded. */
static bool is_clean(struct str text)
{
    bool in_query = false;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= 0x20 || c == 0x7f || (c == '#' && !in_query))
            return false;
        in_query |= c == '?';
    }
    return true;
}

bool target_parse(struct target *t, struct str method, struct str text)
{
    *t = (struct target){.form = TARGET_ORIGIN};
    if (text.len == 0)
        return false;
    if (!is_clean(text))
        return false;
    if (str_equal(method, STR("CONNECT")))
        return parse_authority(t, text);
    if (text.ptr[0] == '/')
        return parse_origin(t, text);
    if (str_equal(text, STR("*"))) {
        t->form = TARGET_ASTERISK;
        t->path = text;
        return str_equal(method, STR("OPTIONS"));
    }
    return parse_absolute(t, method, text);
}

/* --- queries ------------------------------------------------------------------------------------- */

void query_parse(struct arena *a, struct str raw, struct query *q)
{
    size_t most = 1;

    for (size_t i = 0; i < raw.len; i++)
        most += raw.ptr[i] == '&';
    *q = (struct query){.pairs = raw.len > 0 ? arena_alloc(a, most * sizeof(*q->pairs)) : NULL};
    while (raw.len > 0) {
        struct str pair = str_split(&raw, '&');
        if (pair.len == 0 || str_find_char(pair, ';') < pair.len)
            continue;
        struct query_pair *p = &q->pairs[q->count];
        struct str name = str_split(&pair, '=');
        if (query_decode(a, name, &p->name) && query_decode(a, pair, &p->value))
            q->count++;
    }
}

static int compare_pairs(const void *left, const void *right)
{
    const struct query_pair *const *l = left, *const *r = right;
    int order = str_compare((*l)->name, (*r)->name);

    if (order != 0)
        return order;
    return *l < *r ? -1 : *l > *r; /* they lie in one array: its order */
}

const struct query_pair **query_sort(struct arena *a, const struct query *q)
{
    const struct query_pair **sorted = arena_alloc(a, (q->count + 1) * sizeof(*sorted));

    for (size_t i = 0; i < q->count; i++)
        sorted[i] = &q->pairs[i];
    qsort(sorted, q->count, sizeof(*sorted), compare_pairs);
    return sorted;
}

struct str query_format(struct arena *a, const struct query *q)
{
    if (q->count == 0)
        return STR_NONE;
    const struct query_pair **sorted = query_sort(a, q);
    size_t most = 0;
    for (size_t i = 0; i < q->count; i++)
        most += 3 * (q->pairs[i].name.len + q->pairs[i].value.len) + 2;
    char *text = arena_bytes(a, most), *end = text;
    for (size_t i = 0; i < q->count; i++) {
        struct str name = query_encode(a, sorted[i]->name), value = query_encode(a, sorted[i]->value);
        if (i > 0)
            *end++ = '&';
        end = str_put(end, name);
        *end++ = '=';
        end = str_put(end, value);
    }
    return (struct str){text, (size_t)(end - text)};
}
