#include "gateway/access_log.h"

#include "base/clock.h"
#include "base/quote.h"
#include <stdio.h>
#include <string.h>

/* --- the line --------------------------------------------------------------------------------- */

enum { LINE_CONSTANTS_MAX = 160 }; /* what is no text of the request: columns, padding, "Error #01: " */

static size_t count_characters(struct str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    return n;
}

/* Padding counts characters, not bytes: the micro sign has two. */
static char *put_spaces(char *dst, struct str text, size_t width)
{
    for (size_t n = count_characters(text); n < width; n++)
        *dst++ = ' ';
    return dst;
}

static char *put_right(char *dst, struct str text, size_t width)
{
    return str_put(put_spaces(dst, text, width), text);
}

static char *put_date(char *dst, struct access_clock *clock, int64_t wall)
{
    int64_t second = wall / SECOND;

    if (clock->len == 0 || clock->second != second) {
        clock->len = wall_format(clock->text, sizeof(clock->text), "%Y/%m/%d - %H:%M:%S", wall);
        clock->second = second;
    }
    return mempcpy(dst, clock->text, clock->len);
}

struct str access_log_line(struct arena *a, struct access_clock *clock, const struct access_entry *e)
{
    size_t texts = e->client_ip.len + e->method.len + (e->path.len + e->query.len) * 4 + e->error.len;
    char *line = arena_bytes(a, LINE_CONSTANTS_MAX + texts);
    char status[3] = {(char)('0' + e->status / 100 % 10), (char)('0' + e->status / 10 % 10),
                      (char)('0' + e->status % 10)};
    char latency[32];
    char *end = str_put(line, STR("[GIN] "));

    end = str_put(put_date(end, clock, e->wall), STR(" | "));
    end = str_put(str_put(end, (struct str){status, sizeof(status)}), STR(" | "));
    end = put_right(end, (struct str){latency, duration_format_short(latency, e->latency)}, 8);
    end = str_put(put_right(str_put(end, STR(" | ")), e->client_ip, 15), STR(" | "));
    end = str_put(put_spaces(str_put(end, e->method), e->method, 7), STR("  \""));
    end = quote_go_put(end, e->path);
    if (e->query.len > 0)
        end = quote_go_put(str_put(end, STR("?")), e->query);
    *end++ = '"';
    if (e->error.len > 0)
        end = str_put(str_put(end, STR("\nError #01: ")), e->error);
    return (struct str){line, (size_t)(end - line)};
}
