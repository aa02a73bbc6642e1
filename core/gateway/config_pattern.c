#include "gateway/config_pattern.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum name_class { NAME_STRICT, NAME_WIDE };

static bool is_name_char(char c, enum name_class class)
{
    if (isalnum((unsigned char)c) || c == '_' || c == '-')
        return true;
    return class == NAME_WIDE && (c == '.' || c == ':' || c == '/');
}

/* "{name}" at the beginning of s. */
static bool match_braces(struct str s, enum name_class class, struct str *name)
{
    size_t end = 1;

    if (s.len < 3 || s.ptr[0] != '{')
        return false;
    while (end < s.len && is_name_char(s.ptr[end], class))
        end++;
    if (end == 1 || end == s.len || s.ptr[end] != '}')
        return false;
    *name = str_slice(s, 1, end);
    return true;
}

struct str pattern_slashed(struct arena *a, struct str path)
{
    return str_starts_with(path, STR("/")) ? path : arena_join(a, STR("/"), path);
}

static bool is_builtin(struct str rest)
{
    static const char *const names[] = {"/__debug", "/__echo", "/__health"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str name = str_of(names[i]);
        if (str_starts_with(rest, name) && (rest.len == name.len || rest.ptr[name.len] == '/'))
            return true;
    }
    return false;
}

bool pattern_is_forbidden(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (is_builtin(str_slice(path, i, path.len)) || (path.ptr[i] == '*' && i + 1 < path.len))
            return true;
    return false;
}

static void list_add(struct arena *a, struct str_list *list, struct str item)
{
    /* capacity is the next power of two: lists are short and made once */
    if ((list->count & (list->count - 1)) == 0) {
        struct str *items = arena_alloc(a, (list->count == 0 ? 1 : 2 * list->count) * sizeof(*items));
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
    }
    ((struct str *)list->items)[list->count++] = item;
}

struct str_list pattern_endpoint_names(struct arena *a, struct str path, bool wide)
{
    struct str_list names = {NULL, 0};
    struct str name;

    for (size_t i = 0; i < path.len;) {
        struct str rest = str_slice(path, i, path.len);
        if (wide ? match_braces(rest, NAME_WIDE, &name)
                 : rest.ptr[0] == '/' && match_braces(str_slice(rest, 1, rest.len), NAME_STRICT, &name)) {
            list_add(a, &names, name);
            i += name.len + (wide ? 2 : 3);
        } else {
            i++;
        }
    }
    return names;
}

struct str pattern_route(struct arena *a, struct str path, const struct str_list *names)
{
    size_t query = str_find_char(path, '?'); /* from there on braces stay */
    char *route = arena_bytes(a, path.len + 1);
    size_t len = 0;
    struct str name;

    for (size_t i = 0; i < path.len;) {
        struct str rest = str_slice(path, i, query);
        if (i < query && match_braces(rest, NAME_WIDE, &name) && str_list_has(names, name)) {
            route[len++] = ':';
            memcpy(route + len, name.ptr, name.len);
            len += name.len;
            i += name.len + 2;
        } else {
            route[len++] = path.ptr[i++];
        }
    }
    route[len] = '\0';
    return (struct str){route, len};
}

struct str_list pattern_route_names(struct arena *a, struct str route)
{
    struct str_list names = {NULL, 0};

    while (route.len > 0) {
        struct str segment = str_split(&route, '/');
        size_t colon = str_find_char(segment, ':');
        if (colon < segment.len)
            list_add(a, &names, str_slice(segment, colon + 1, segment.len));
    }
    return names;
}

bool pattern_is_reference(struct str name)
{
    size_t digits = 4;

    if (str_starts_with(name, STR("JWT.")))
        return name.len > 4;
    if (!str_starts_with(name, STR("resp")))
        return false;
    while (digits < name.len && isdigit((unsigned char)name.ptr[digits]))
        digits++;
    return digits > 4 && digits + 1 < name.len && name.ptr[digits] == '_';
}

static int compare(const void *left, const void *right)
{
    return str_compare(*(const struct str *)left, *(const struct str *)right);
}

void pattern_sort(struct str_list *names)
{
    struct str *items = (struct str *)names->items;
    size_t count = 0;

    if (names->count == 0)
        return;
    qsort(items, names->count, sizeof(*items), compare);
    for (size_t i = 0; i < names->count; i++)
        if (count == 0 || !str_equal(items[count - 1], items[i]))
            items[count++] = items[i];
    names->count = count;
}

struct str pattern_param_key(struct arena *a, struct str name)
{
    struct str key = arena_copy(a, name);

    if (key.len > 0)
        *(char *)key.ptr = (char)toupper((unsigned char)*key.ptr);
    return key;
}

static void add_literal(struct arena *a, struct pattern *p, struct pattern_part *parts, struct str literal)
{
    if (literal.len == 0)
        return;
    parts[p->count++] = (struct pattern_part){literal, STR(""), STR("")};
    p->text = arena_join(a, p->text, literal);
}

void pattern_parse(struct arena *a, struct str text, struct pattern *pattern, struct str_list *names)
{
    struct pattern_part *parts = arena_zalloc(a, (text.len + 1) * sizeof(*parts));
    size_t start = 0;
    struct str name;

    *names = (struct str_list){NULL, 0};
    *pattern = (struct pattern){STR(""), parts, 0};
    for (size_t i = 0; i < text.len;) {
        if (!match_braces(str_slice(text, i, text.len), NAME_WIDE, &name)) {
            i++;
            continue;
        }
        struct str key = pattern_param_key(a, name);
        add_literal(a, pattern, parts, str_slice(text, start, i));
        parts[pattern->count++] = (struct pattern_part){STR(""), name, key};
        pattern->text = arena_printf(a, "%.*s{{.%.*s}}", STR_ARG(pattern->text), STR_ARG(key));
        list_add(a, names, name);
        start = i += name.len + 2;
    }
    add_literal(a, pattern, parts, str_slice(text, start, text.len));
    pattern_sort(names);
}
