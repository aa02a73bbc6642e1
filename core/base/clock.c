#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The longest span, which only a negative one has in full. */
#define LIMIT ((uint64_t)1 << 63)

struct unit {
    struct str name;
    int64_t ns;
};

static const struct unit units[] = {
    {STR("ns"), NANOSECOND},
    {STR("us"), MICROSECOND},
    {STR("\u00b5s"), MICROSECOND}, /* micro sign */
    {STR("\u03bcs"), MICROSECOND}, /* mu */
    {STR("ms"), MILLISECOND},
    {STR("s"), SECOND},
    {STR("m"), MINUTE},
    {STR("h"), HOUR},
};

static const struct unit *find_unit(struct str name)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (str_equal(units[i].name, name))
            return &units[i];
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits at the start of *rest are added to *whole; false if they do not fit. */
static bool take_whole(struct str *rest, uint64_t *whole)
{
    for (; rest->len > 0 && is_digit(*rest->ptr); *rest = str_slice(*rest, 1, rest->len)) {
        if (*whole > LIMIT / 10)
            return false;
        *whole = *whole * 10 + (uint64_t)(*rest->ptr - '0');
        if (*whole > LIMIT)
            return false;
    }
    return true;
}

/* The digits behind a point, as fraction / scale; those beyond what fits do not count. */
static void take_fraction(struct str *rest, uint64_t *fraction, double *scale)
{
    bool full = false;

    for (; rest->len > 0 && is_digit(*rest->ptr); *rest = str_slice(*rest, 1, rest->len)) {
        if (full || *fraction > LIMIT / 10 - 1) {
            full = true;
            continue;
        }
        *fraction = *fraction * 10 + (uint64_t)(*rest->ptr - '0');
        *scale *= 10;
    }
}

static struct str take_unit_name(struct str *rest)
{
    size_t len = 0;

    while (len < rest->len && rest->ptr[len] != '.' && !is_digit(rest->ptr[len]))
        len++;
    struct str name = str_slice(*rest, 0, len);
    *rest = str_slice(*rest, len, rest->len);
    return name;
}

static bool invalid(struct error *err, struct str text)
{
    return error_set(err, "time: invalid duration \"%.*s\"", STR_ARG(text));
}

/* Adds one "1.5h" at the start of *rest to *total. */
static bool take_part(struct str text, struct str *rest, uint64_t *total, struct error *err)
{
    uint64_t whole = 0, fraction = 0;
    double scale = 1;
    size_t digits = rest->len;

    if (!take_whole(rest, &whole))
        return invalid(err, text);
    digits -= rest->len;
    if (rest->len > 0 && *rest->ptr == '.') {
        *rest = str_slice(*rest, 1, rest->len);
        digits += rest->len;
        take_fraction(rest, &fraction, &scale);
        digits -= rest->len;
    }
    if (digits == 0)
        return invalid(err, text);
    struct str name = take_unit_name(rest);
    if (name.len == 0)
        return error_set(err, "time: missing unit in duration \"%.*s\"", STR_ARG(text));
    const struct unit *unit = find_unit(name);
    if (unit == NULL)
        return error_set(err, "time: unknown unit \"%.*s\" in duration \"%.*s\"", STR_ARG(name),
                         STR_ARG(text));
    if (whole > LIMIT / (uint64_t)unit->ns)
        return invalid(err, text);
    uint64_t part = whole * (uint64_t)unit->ns + (uint64_t)((double)fraction * ((double)unit->ns / scale));
    if (part > LIMIT - *total)
        return invalid(err, text);
    *total += part;
    return true;
}

bool duration_parse(struct str text, int64_t *ns, struct error *err)
{
    struct str rest = text;
    bool negative = rest.len > 0 && *rest.ptr == '-';
    uint64_t total = 0;

    if (negative || (rest.len > 0 && *rest.ptr == '+'))
        rest = str_slice(rest, 1, rest.len);
    if (str_equal(rest, STR("0"))) {
        *ns = 0;
        return true;
    }
    if (rest.len == 0)
        return invalid(err, text);
    while (rest.len > 0)
        if (!take_part(text, &rest, &total, err))
            return false;
    if (total == LIMIT && !negative)
        return invalid(err, text);
    *ns = negative ? (int64_t)(0 - total) : (int64_t)total;
    return true;
}

/* value / 10^digits without zeroes at its end, from the right; returns the new start. */
static char *put_fraction(char *end, uint64_t *value, int digits)
{
    bool seen = false;

    for (int i = 0; i < digits; i++, *value /= 10) {
        seen = seen || *value % 10 != 0;
        if (seen)
            *--end = (char)('0' + *value % 10);
    }
    if (seen)
        *--end = '.';
    return end;
}

static char *put_whole(char *end, uint64_t value)
{
    do
        *--end = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    return end;
}

static char *put_text(char *end, const char *text)
{
    size_t len = strlen(text);

    return memcpy(end - len, text, len);
}

static char *put_below_second(char *end, uint64_t ns)
{
    if (ns < (uint64_t)MICROSECOND)
        return put_whole(put_text(end, "ns"), ns);
    end = put_text(end, ns < (uint64_t)MILLISECOND ? "\u00b5s" : "ms");
    end = put_fraction(end, &ns, ns < (uint64_t)MILLISECOND ? 3 : 6);
    return put_whole(end, ns);
}

static char *put_seconds(char *end, uint64_t ns)
{
    end = put_fraction(put_text(end, "s"), &ns, 9);
    end = put_whole(end, ns % 60);
    if (ns >= 60)
        end = put_whole(put_text(end, "m"), ns / 60 % 60);
    return ns >= 3600 ? put_whole(put_text(end, "h"), ns / 3600) : end;
}

size_t duration_format(char *buf, int64_t ns)
{
    char text[32], *end = text + sizeof(text), *start;
    uint64_t span = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

    if (span == 0)
        start = put_text(end, "0s");
    else if (span < (uint64_t)SECOND)
        start = put_below_second(end, span);
    else
        start = put_seconds(end, span);
    if (ns < 0)
        *--start = '-';
    size_t len = (size_t)(end - start);
    memcpy(buf, start, len);
    buf[len] = '\0';
    return len;
}

size_t duration_format_short(char *buf, int64_t ns)
{
    int64_t step = ns > MINUTE        ? 10 * SECOND
                   : ns > SECOND      ? 10 * MILLISECOND
                   : ns > MILLISECOND ? 10 * MICROSECOND
                                      : NANOSECOND;

    return duration_format(buf, ns - ns % step);
}

static time_t wall_seconds(int64_t wall_ns)
{
    return (time_t)(wall_ns / SECOND - (wall_ns % SECOND < 0));
}

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return ts.tv_sec * SECOND + ts.tv_nsec;
}

int64_t clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

void wall_format_http(char buf[HTTP_DATE_LEN + 1], int64_t wall_ns)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = wall_seconds(wall_ns);
    struct tm tm;
    char text[64]; /* the years of int64_t nanoseconds have four digits: it is 29 bytes */

    gmtime_r(&seconds, &tm);
    snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
             months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    memcpy(buf, text, HTTP_DATE_LEN);
    buf[HTTP_DATE_LEN] = '\0';
}

size_t wall_format(char *buf, size_t cap, const char *format, int64_t wall_ns)
{
    time_t seconds = wall_seconds(wall_ns);
    int millis = (int)((wall_ns - (int64_t)seconds * SECOND) / MILLISECOND);
    const char *mark = strstr(format, "%3N");
    struct tm tm;

    localtime_r(&seconds, &tm);
    if (mark == NULL)
        return strftime(buf, cap, format, &tm);
    char expanded[128];
    int len =
        snprintf(expanded, sizeof(expanded), "%.*s%03d%s", (int)(mark - format), format, millis, mark + 3);
    return len < (int)sizeof(expanded) ? strftime(buf, cap, expanded, &tm) : 0;
}
