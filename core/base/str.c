#include "base/str.h"

#include <string.h>

struct str str_of(const char *text)
{
    return (struct str){text, text != NULL ? strlen(text) : 0};
}

bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool str_equal_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (a.ptr[i] != b.ptr[i] && lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

int str_compare(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_equal((struct str){s.ptr, prefix.len}, prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_equal(str_slice(s, s.len - suffix.len, s.len), suffix);
}

struct str str_slice(struct str s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from > to)
        from = to;
    /* from is 0 when ptr is NULL, and adding 0 to NULL is not defined */
    return (struct str){from > 0 ? s.ptr + from : s.ptr, to - from};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    size_t from = 0, to = s.len;

    while (from < to && is_blank(s.ptr[from]))
        from++;
    while (to > from && is_blank(s.ptr[to - 1]))
        to--;
    return str_slice(s, from, to);
}

char *str_put(char *dst, struct str s)
{
    return s.len > 0 ? mempcpy(dst, s.ptr, s.len) : dst;
}

size_t str_find_char(struct str s, char c)
{
    const char *found = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;

    return found != NULL ? (size_t)(found - s.ptr) : s.len;
}

struct str str_split(struct str *rest, char c)
{
    struct str whole = *rest;
    size_t at = str_find_char(whole, c);

    *rest = at < whole.len ? str_slice(whole, at + 1, whole.len) : STR_NONE;
    return str_slice(whole, 0, at);
}

bool str_list_has(const struct str_list *list, struct str item)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(list->items[i], item))
            return true;
    }
    return false;
}

bool str_to_u64(struct str s, uint64_t *value)
{
    uint64_t sum = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    *value = sum;
    return true;
}
