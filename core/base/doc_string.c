/* The strings of a text that is known to be valid. */
#include "base/doc_private.h"

#include "base/utf8.h"
#include <string.h>

enum { SHORT = 16 }; /* names mostly are, so they are looked at byte by byte */

const char *doc_skip_space(const char *ptr)
{
    while (doc_is_space(*ptr))
        ptr++;
    return ptr;
}

/* ptr is within the string, and not behind a backslash. */
static const char *skip_long_string(const char *quote, const char *ptr, bool *escaped)
{
    for (;; ptr++) {
        ptr = rawmemchr(ptr, '"');
        const char *slash = ptr;
        while (slash[-1] == '\\')
            slash--;
        if ((ptr - slash) % 2 == 0)
            break;
    }
    *escaped = memchr(quote, '\\', (size_t)(ptr - quote)) != NULL;
    return ptr + 1;
}

const char *doc_skip_string(const char *quote, bool *escaped)
{
    const char *ptr = quote + 1;
    const char *near = ptr + SHORT;

    *escaped = false;
    for (; ptr < near && *ptr != '\\'; ptr++)
        if (*ptr == '"')
            return ptr + 1;
    return skip_long_string(quote, ptr, escaped);
}

static uint32_t hex4(const char *digits)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

/* The code point of an escape whose digits begin at *ptr, which moves behind it. */
static uint32_t read_rune(const char **ptr, const char *end)
{
    uint32_t rune = hex4(*ptr);

    *ptr += 4;
    if (rune < 0xd800 || rune > 0xdfff)
        return rune;
    if (rune > 0xdbff || end - *ptr < 6 || (*ptr)[0] != '\\' || (*ptr)[1] != 'u')
        return 0xfffd;
    uint32_t low = hex4(*ptr + 2);
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *ptr += 6;
    return 0x10000 + ((rune - 0xd800) << 10) + (low - 0xdc00);
}

static char unescape_char(char c)
{
    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
    }
}

struct str doc_unescape(struct arena *a, struct str inner)
{
    const char *ptr = inner.ptr;
    const char *end = inner.ptr + inner.len;
    char *copy = arena_bytes(a, inner.len); /* no escape is shorter than what it stands for */
    char *out = copy;

    while (ptr < end) {
        const char *escape = memchr(ptr, '\\', (size_t)(end - ptr));
        size_t plain = (size_t)((escape != NULL ? escape : end) - ptr);
        memcpy(out, ptr, plain);
        out += plain;
        if (escape == NULL)
            break;
        ptr = escape + 2;
        if (escape[1] == 'u')
            out += utf8_encode(out, read_rune(&ptr, end));
        else
            *out++ = unescape_char(escape[1]);
    }
    return (struct str){copy, (size_t)(out - copy)};
}

/* The letter of a short escape, 'u' for another control character, or 0 for what stands for itself. */
static char escape_letter(unsigned char c)
{
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return c < 0x20 ? 'u' : 0;
    }
}

static size_t quoted_len(struct str s)
{
    size_t len = s.len + 2;

    for (size_t i = 0; i < s.len; i++) {
        char letter = escape_letter((unsigned char)s.ptr[i]);
        len += letter == 'u' ? 5 : letter != 0;
    }
    return len;
}

struct str doc_quote(struct arena *a, struct str bytes)
{
    static const char hex[] = "0123456789abcdef";
    struct str s = utf8_repair(a, bytes);
    size_t len = quoted_len(s);
    char *quoted = arena_bytes(a, len);
    char *out = quoted;

    *out++ = '"';
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        char letter = escape_letter(c);
        if (letter == 0) {
            *out++ = (char)c;
            continue;
        }
        *out++ = '\\';
        *out++ = letter;
        if (letter == 'u') {
            memcpy(out, "00", 2);
            out[2] = hex[c >> 4];
            out[3] = hex[c & 15];
            out += 4;
        }
    }
    *out = '"';
    return (struct str){quoted, len};
}
