/* The numbers of documents and their text. */
#include "base/doc_private.h"

#include <assert.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct str node_number(const struct node *n)
{
    return n->type == DOC_NUMBER ? n->text : STR("");
}

bool node_to_int64(const struct node *n, int64_t *value)
{
    struct str digits = node_number(n);
    uint64_t magnitude;
    bool negative = digits.len > 0 && digits.ptr[0] == '-';
    uint64_t limit = (uint64_t)INT64_MAX + negative;

    if (!str_to_u64(str_slice(digits, negative, digits.len), &magnitude) || magnitude > limit)
        return false;
    *value = (int64_t)(negative ? -magnitude : magnitude);
    return true;
}

/* strtod reads the decimal point of the locale, which a library may have set. */
static double read_double(struct arena *a, struct str text)
{
    const char *point = localeconv()->decimal_point;
    size_t dot = str_find_char(text, '.');
    char *copy = arena_bytes(a, text.len + strlen(point) + 1);
    size_t len = dot;

    memcpy(copy, text.ptr, dot);
    if (dot < text.len) {
        memcpy(copy + len, point, strlen(point));
        len += strlen(point);
        memcpy(copy + len, text.ptr + dot + 1, text.len - dot - 1);
        len += text.len - dot - 1;
    }
    copy[len] = '\0';
    return strtod(copy, NULL);
}

/* Up to 15 digits and powers of ten up to 22 are exact doubles, so one multiplication or division rounds
 * right. */
static bool read_short(struct str text, double *value)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t digits = 0;
    size_t fraction = 0;
    bool negative = text.ptr[0] == '-';
    bool dot = false;

    if (text.len > 16)
        return false;
    for (size_t i = negative; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.') {
            dot = true;
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        digits = digits * 10 + (uint64_t)(c - '0');
        fraction += dot;
    }
    if (text.len - negative - dot > 15)
        return false;
    *value = (double)digits / powers[fraction];
    if (negative)
        *value = -*value;
    return true;
}

double node_to_double(const struct node *n)
{
    struct arena scratch;
    double value;

    if (n->type != DOC_NUMBER)
        return 0;
    if (read_short(n->text, &value))
        return value;
    arena_init(&scratch, NULL);
    value = read_double(&scratch, n->text);
    arena_fini(&scratch);
    return value;
}

struct node *node_new_int64(struct arena *a, int64_t value)
{
    return node_new_number(a, arena_printf(a, "%lld", (long long)value));
}

/* The fewest digits that are read back as value, which is positive, without their point. Of what 15 digits
 * tell apart the shortest form is that of 15 without the zeros at its end; subnormal numbers have fewer
 * digits. */
static int shortest_digits(char digits[24], double value, int *exponent)
{
    char text[32];
    int count = 0;
    int precision = value < DBL_MIN ? 0 : 14;

    do
        snprintf(text, sizeof(text), "%.*e", precision, value);
    while (strtod(text, NULL) != value && ++precision < 17);
    const char *e = strchr(text, 'e');
    for (const char *c = text; c < e; c++)
        if (*c >= '0' && *c <= '9')
            digits[count++] = *c;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    *exponent = atoi(e + 1);
    return count;
}

/* KrakenD's way: plain from 1e-6 up to 1e21, else with an exponent that has no zeros in front. */
struct node *node_new_double(struct arena *a, double value)
{
    static const char zeros[] = "000000000000000000000";
    char digits[24];
    int exponent;
    int count;

    assert(isfinite(value));
    const char *sign = signbit(value) ? "-" : "";
    if (value == 0)
        return node_new_number(a, arena_printf(a, "%s0", sign));
    count = shortest_digits(digits, fabs(value), &exponent);
    if (exponent < -6 || exponent >= 21)
        return node_new_number(a, arena_printf(a, "%s%c%s%.*se%+d", sign, digits[0], count > 1 ? "." : "",
                                               count - 1, digits + 1, exponent));
    if (exponent < 0)
        return node_new_number(a, arena_printf(a, "%s0.%.*s%.*s", sign, -exponent - 1, zeros, count, digits));
    if (exponent >= count - 1)
        return node_new_number(
            a, arena_printf(a, "%s%.*s%.*s", sign, count, digits, exponent - count + 1, zeros));
    return node_new_number(a, arena_printf(a, "%s%.*s.%.*s", sign, exponent + 1, digits, count - exponent - 1,
                                           digits + exponent + 1));
}
