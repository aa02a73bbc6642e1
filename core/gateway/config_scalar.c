#include "gateway/config_scalar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/integer.h"

const char *config_kind(const struct node *n)
{
    switch (node_type(n)) {
    case DOC_NULL: return "nil";
    case DOC_FALSE:
    case DOC_TRUE: return "bool";
    case DOC_NUMBER: return "float64";
    case DOC_STRING: return "string";
    case DOC_ARRAY: return "slice";
    case DOC_OBJECT: return "map";
    }
    return "";
}

static bool unconvertible(const struct node *n, const char *type, struct error *err)
{
    return error_set(err, "expected type '%s', got unconvertible type '%s'", type,
                     node_type(n) == DOC_ARRAY ? "[]interface {}" : "map[string]interface {}");
}

static bool int_from_text(struct str text, long *value, struct error *err)
{
    enum integer_read read = integer_parse(text, value);

    return read == INTEGER_FINE ||
           error_set(err, "cannot parse value as 'int': strconv.ParseInt: %s", integer_fault(read));
}

static bool int_from_number(struct node *n, long *value, struct error *err)
{
    int64_t exact;

    if (node_to_int64(n, &exact)) {
        *value = exact;
        return true;
    }
    double number = node_to_double(n);
    if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0))
        return error_set(err, "cannot parse value as 'int': %.*s: value out of range",
                         STR_ARG(node_number(n)));
    *value = (long)number;
    return true;
}

static bool int_of_type(struct node *n, const char *type, long *value, struct error *err)
{
    switch (node_type(n)) {
    case DOC_NULL:
    case DOC_FALSE: *value = 0; return true;
    case DOC_TRUE: *value = 1; return true;
    case DOC_NUMBER: return int_from_number(n, value, err);
    case DOC_STRING: {
        struct str text = node_string(n);
        *value = 0;
        return text.len == 0 || int_from_text(text, value, err);
    }
    case DOC_ARRAY:
    case DOC_OBJECT: break;
    }
    return unconvertible(n, type, err);
}

bool config_int(struct node *n, long *value, struct error *err)
{
    return int_of_type(n, "int", value, err);
}

bool config_duration(struct node *n, int64_t *value, struct error *err)
{
    long number;

    if (node_type(n) == DOC_STRING)
        return duration_parse(node_string(n), value, err);
    if (!int_of_type(n, "time.Duration", &number, err))
        return false;
    *value = number;
    return true;
}

static bool bool_from_text(struct str text, bool *value, struct error *err)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"", "0", "f", "F", "FALSE", "false", "False"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (str_equal(text, str_of(yes[i])))
            return *value = true;
    *value = false;
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (str_equal(text, str_of(no[i])))
            return true;
    return error_set(err, "cannot parse value as 'bool': strconv.ParseBool: invalid syntax");
}

bool config_bool(struct node *n, bool *value, struct error *err)
{
    switch (node_type(n)) {
    case DOC_NULL:
    case DOC_FALSE: *value = false; return true;
    case DOC_TRUE: *value = true; return true;
    case DOC_NUMBER: *value = node_to_double(n) != 0; return true;
    case DOC_STRING: return bool_from_text(node_string(n), value, err);
    case DOC_ARRAY:
    case DOC_OBJECT: break;
    }
    return unconvertible(n, "bool", err);
}

/* The digits of a number: without its sign, point and exponent and the zeros around them. point: how many of
 * them stand before the point; negative: zeros stand between. */
struct decimal {
    struct str digits;
    long point;
};

static struct decimal read_decimal(struct arena *a, struct str text)
{
    char *digits = arena_bytes(a, text.len);
    struct decimal d = {{digits, 0}, 0};
    bool dot = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == 'e' || c == 'E') {
            d.point += strtol(arena_copy(a, str_slice(text, i + 1, text.len)).ptr, NULL, 10);
            break;
        }
        dot = dot || c == '.';
        if (c < '0' || c > '9')
            continue;
        if (d.digits.len > 0 || c != '0')
            digits[d.digits.len++] = c;
        d.point += !dot && d.digits.len > 0;
        d.point -= dot && d.digits.len == 0;
    }
    while (d.digits.len > 0 && digits[d.digits.len - 1] == '0')
        d.digits.len--;
    return d;
}

static struct str zeros(struct arena *a, long count)
{
    char *text = arena_bytes(a, (size_t)count);

    memset(text, '0', (size_t)count);
    return (struct str){text, (size_t)count};
}

/* As KrakenD writes it, without exponent and without the fraction's last zeros: 1.50 is "1.5", 1e3 is "1000".
 * Digits are never rounded, but what no double tells from 0 is "0"; what none holds has been refused, so
 * there are no more zeros than digits and 400 others. */
static struct str number_text(struct arena *a, struct node *n)
{
    struct str text = node_number(n);
    struct str sign = str_slice(text, 0, text.ptr[0] == '-');
    struct decimal d = read_decimal(a, text);
    long len = (long)d.digits.len;

    if (node_to_double(n) == 0)
        return arena_join(a, sign, STR("0"));
    if (d.point <= 0)
        return arena_printf(a, "%.*s0.%.*s%.*s", STR_ARG(sign), STR_ARG(zeros(a, -d.point)),
                            STR_ARG(d.digits));
    if (d.point >= len)
        return arena_printf(a, "%.*s%.*s%.*s", STR_ARG(sign), STR_ARG(d.digits),
                            STR_ARG(zeros(a, d.point - len)));
    struct str whole = str_slice(d.digits, 0, (size_t)d.point);
    return arena_printf(a, "%.*s%.*s.%.*s", STR_ARG(sign), STR_ARG(whole),
                        STR_ARG(str_slice(d.digits, whole.len, d.digits.len)));
}

bool config_text(struct arena *a, struct node *n, struct str *value, struct error *err)
{
    switch (node_type(n)) {
    case DOC_NULL: *value = STR(""); return true;
    case DOC_FALSE: *value = STR("0"); return true;
    case DOC_TRUE: *value = STR("1"); return true;
    case DOC_NUMBER: *value = number_text(a, n); return true;
    case DOC_STRING: *value = node_string(n); return true;
    case DOC_ARRAY:
    case DOC_OBJECT: break;
    }
    return unconvertible(n, "string", err);
}
