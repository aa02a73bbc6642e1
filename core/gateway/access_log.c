#include "gateway/access_log.h"

#include "base/clock.h"
#include <string.h>

/* --- quoting ---------------------------------------------------------------------------------- */

/* The length of a well-formed character at text[0] that may stand as it is, or 0. */
static size_t printable_len(const unsigned char *text, size_t len)
{
    unsigned lead = text[0];
    size_t need = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    uint32_t code = need == 1 ? lead : lead & (0x7Fu >> need);

    if (need == 1)
        return lead >= 0x20 && lead != 0x7F ? 1 : 0;
    if (lead < 0xC2 || lead > 0xF4 || need > len)
        return 0;
    for (size_t i = 1; i < need; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3F);
    }
    if ((need == 3 && code < 0x800) || (need == 4 && code < 0x10000) || code > 0x10FFFF ||
        (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    return need;
}

static size_t escape_byte(char *dst, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "abtnvfr"; /* of 7 to 13 */

    dst[0] = '\\';
    if (byte >= 7 && byte <= 13) {
        dst[1] = letters[byte - 7];
        return 2;
    }
    dst[1] = 'x';
    dst[2] = hex[byte >> 4];
    dst[3] = hex[byte & 15];
    return 4;
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\')
            return false;
    }
    return true;
}

/* What it becomes between the quotes; dst has room for four bytes for each of text. */
static char *put_escaped(char *dst, struct str text)
{
    const unsigned char *src = (const unsigned char *)text.ptr;

    if (is_plain(text))
        return str_put(dst, text);
    for (size_t i = 0; i < text.len;) {
        size_t len = printable_len(src + i, text.len - i);

        if (len == 0) {
            dst += escape_byte(dst, src[i++]);
            continue;
        }
        if (src[i] == '"' || src[i] == '\\')
            *dst++ = '\\';
        dst = mempcpy(dst, src + i, len);
        i += len;
    }
    return dst;
}

struct str quote_go(struct arena *a, struct str text)
{
    char *out = arena_bytes(a, text.len * 4 + 2);
    char *end = out;

    *end++ = '"';
    end = put_escaped(end, text);
    *end++ = '"';
    return (struct str){out, (size_t)(end - out)};
}

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
    end = put_escaped(end, e->path);
    if (e->query.len > 0)
        end = put_escaped(str_put(end, STR("?")), e->query);
    *end++ = '"';
    if (e->error.len > 0)
        end = str_put(str_put(end, STR("\nError #01: ")), e->error);
    return (struct str){line, (size_t)(end - line)};
}
