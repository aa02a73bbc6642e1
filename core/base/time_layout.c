#include "base/time_layout.h"

#include "base/clock.h"
#include "base/util.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct moment {
    struct tm tm;
    int nanosecond;
};

struct element {
    struct str text;      /* as it stands in the layout */
    const char *strftime; /* what writes the same; NULL: offset or fraction */
};

/* A longer one stands before those it starts with. */
static const struct element elements[] = {
    {STR("January"), "%B"}, {STR("Jan"), "%b"},    {STR("Monday"), "%A"},    {STR("Mon"), "%a"},
    {STR("MST"), "%Z"},     {STR("2006"), "%Y"},   {STR("-07:00:00"), NULL}, {STR("-070000"), NULL},
    {STR("-07:00"), NULL},  {STR("-0700"), NULL},  {STR("-07"), NULL},       {STR("Z07:00:00"), NULL},
    {STR("Z070000"), NULL}, {STR("Z07:00"), NULL}, {STR("Z0700"), NULL},     {STR("Z07"), NULL},
    {STR("002"), "%j"},     {STR("01"), "%m"},     {STR("02"), "%d"},        {STR("03"), "%I"},
    {STR("04"), "%M"},      {STR("05"), "%S"},     {STR("06"), "%y"},        {STR("15"), "%H"},
    {STR("__2"), "%j"},     {STR("_2006"), "_%Y"}, {STR("_2"), "%e"},        {STR("1"), "%-m"},
    {STR("2"), "%-d"},      {STR("3"), "%-I"},     {STR("4"), "%-M"},        {STR("5"), "%-S"},
    {STR("PM"), "%p"},      {STR("pm"), "%P"},
};

static const struct element *find_element(struct str rest)
{
    for (size_t i = 0; i < ARRAY_LEN(elements); i++) {
        struct str text = elements[i].text;
        /* "Janet" is a name, not a month */
        bool is_word = str_equal(text, STR("Jan")) && rest.len > 3 && islower((unsigned char)rest.ptr[3]);
        if (str_starts_with(rest, text) && !is_word)
            return &elements[i];
    }
    return NULL;
}

/* ".000" and ".999" (or with commas): so many digits, without zeroes at the end for nines. 0 if it is none.
 */
static size_t fraction_len(struct str rest)
{
    size_t len = 2;

    if (rest.len < 2 || (rest.ptr[0] != '.' && rest.ptr[0] != ',') ||
        (rest.ptr[1] != '0' && rest.ptr[1] != '9'))
        return 0;
    while (len < rest.len && rest.ptr[len] == rest.ptr[1])
        len++;
    return (len < rest.len && isdigit((unsigned char)rest.ptr[len])) || len > 10 ? 0 : len;
}

static size_t put_fraction(char *out, size_t cap, struct str text, int nanosecond)
{
    char digits[16];

    snprintf(digits, sizeof(digits), "%09d", nanosecond);
    size_t count = text.len - 1;
    while (text.ptr[1] == '9' && count > 0 && digits[count - 1] == '0')
        count--;
    if (count == 0)
        return 0;
    return (size_t)snprintf(out, cap, "%c%.*s", text.ptr[0], (int)count, digits);
}

static size_t put_offset(char *out, size_t cap, struct str text, long offset)
{
    long minutes = (offset < 0 ? -offset : offset) / 60, seconds = (offset < 0 ? -offset : offset) % 60;
    bool colons = str_find_char(text, ':') < text.len;
    size_t digits = text.len - 1 - (colons ? text.len > 6 ? 2 : 1 : 0);
    const char *colon = colons ? ":" : "";

    if (text.ptr[0] == 'Z' && offset == 0)
        return (size_t)snprintf(out, cap, "Z");
    int len = snprintf(out, cap, "%c%02ld", offset < 0 ? '-' : '+', minutes / 60);
    if (digits >= 4)
        len += snprintf(out + len, cap - (size_t)len, "%s%02ld", colon, minutes % 60);
    if (digits >= 6)
        len += snprintf(out + len, cap - (size_t)len, "%s%02ld", colon, seconds);
    return (size_t)len;
}

/* Writes what stands at the start of rest; returns how much of the layout that was. */
static size_t put_element(char *out, size_t cap, size_t *len, struct str rest, const struct moment *moment)
{
    size_t fraction = fraction_len(rest);
    const struct element *element = fraction > 0 ? NULL : find_element(rest);

    if (fraction > 0) {
        *len = put_fraction(out, cap, str_slice(rest, 0, fraction), moment->nanosecond);
        return fraction;
    }
    if (element == NULL) {
        out[0] = rest.ptr[0];
        *len = 1;
        return 1;
    }
    if (element->strftime != NULL)
        *len = strftime(out, cap, element->strftime, &moment->tm);
    else
        *len = put_offset(out, cap, element->text, moment->tm.tm_gmtoff);
    return element->text.len;
}

size_t time_layout_format(char *buf, size_t cap, struct str layout, int64_t wall_ns)
{
    int64_t below = wall_ns % SECOND;
    time_t seconds = (time_t)(wall_ns / SECOND);
    struct moment moment;
    size_t total = 0;

    if (below < 0) {
        below += SECOND;
        seconds--;
    }
    moment.nanosecond = (int)below;
    localtime_r(&seconds, &moment.tm);
    while (layout.len > 0) {
        char piece[64];
        size_t len = 0;
        size_t used = put_element(piece, sizeof(piece), &len, layout, &moment);
        if (len >= cap - total)
            break;
        memcpy(buf + total, piece, len);
        total += len;
        layout = str_slice(layout, used, layout.len);
    }
    buf[total] = '\0';
    return total;
}
