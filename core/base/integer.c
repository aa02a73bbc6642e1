#include "base/integer.h"

#include <limits.h>
#include <stdlib.h>

/* The base that a prefix names (0x, 0o, 0b, a leading 0), which is cut off. */
static unsigned take_base(struct str *digits)
{
    if (digits->len < 2 || digits->ptr[0] != '0')
        return 10;
    char mark = digits->ptr[1] | 0x20;
    unsigned base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    *digits = str_slice(*digits, base != 0 ? 2 : 1, digits->len);
    return base != 0 ? base : 8;
}

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : UINT_MAX;
}

/* Digits, with single underscores between them and behind the base's prefix; limit: the largest sum. */
static bool take_digits(struct str text, unsigned base, unsigned long limit, unsigned long *sum, bool *fits)
{
    bool may_part = base != 10; /* a prefix stands before them */

    *sum = 0;
    *fits = true;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = digit_value(text.ptr[i]);
        if (digit >= base && !(text.ptr[i] == '_' && may_part && i + 1 < text.len))
            return false;
        may_part = digit < base;
        if (!may_part)
            continue;
        *fits = *fits && *sum <= (limit - digit) / base;
        *sum = *sum * base + digit;
    }
    return text.len > 0;
}

enum integer_read integer_parse(struct str text, long *value)
{
    bool negative = text.len > 0 && text.ptr[0] == '-', fits;
    unsigned long limit = negative ? (unsigned long)LONG_MAX + 1 : LONG_MAX, sum;

    if (negative || (text.len > 0 && text.ptr[0] == '+'))
        text = str_slice(text, 1, text.len);
    unsigned base = take_base(&text);
    if (!take_digits(text, base, limit, &sum, &fits))
        return INTEGER_SYNTAX;
    if (!fits)
        return INTEGER_RANGE;
    *value = negative ? (long)(0 - sum) : (long)sum;
    return INTEGER_FINE;
}

const char *integer_fault(enum integer_read read)
{
    switch (read) {
    case INTEGER_FINE: return "";
    case INTEGER_SYNTAX: return "invalid syntax";
    case INTEGER_RANGE: return "value out of range";
    }
    abort();
}
