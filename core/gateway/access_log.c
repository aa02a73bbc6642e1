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

struct str quote_go(struct arena *a, struct str text)
{
    const unsigned char *src = (const unsigned char *)text.ptr;
    char *out = arena_bytes(a, text.len * 4 + 2);
    size_t n = 0;

    out[n++] = '"';
    for (size_t i = 0; i < text.len;) {
        size_t len = printable_len(src + i, text.len - i);

        if (len == 0) {
            n += escape_byte(out + n, src[i++]);
            continue;
        }
        if (src[i] == '"' || src[i] == '\\')
            out[n++] = '\\';
        memcpy(out + n, src + i, len);
        n += len;
        i += len;
    }
    out[n++] = '"';
    return (struct str){out, n};
}

/* --- the line --------------------------------------------------------------------------------- */

/* Padding counts characters, not bytes: the micro sign has two. */
static int pad_to(struct str text, int width)
{
    for (size_t i = 0; i < text.len; i++) {
        if (((unsigned char)text.ptr[i] & 0xC0) == 0x80)
            width++;
    }
    return width;
}

struct str access_log_line(struct arena *a, const struct access_entry *e)
{
    char when[64];
    char latency[32];
    struct str took = {latency, duration_format_short(latency, e->latency)};
    struct str target = e->path;
    struct str line;

    wall_format(when, sizeof(when), "%Y/%m/%d - %H:%M:%S", e->wall);
    if (e->query.len > 0)
        target = arena_join(a, arena_join(a, target, STR("?")), e->query);
    target = quote_go(a, target);
    line = arena_printf(a, "[GIN] %s | %3d | %*.*s | %15.*s | %-7.*s  %.*s", when, e->status, pad_to(took, 8),
                        STR_ARG(took), STR_ARG(e->client_ip), STR_ARG(e->method), STR_ARG(target));
    if (e->error.len > 0)
        line = arena_printf(a, "%.*s\nError #01: %.*s", STR_ARG(line), STR_ARG(e->error));
    return line;
}
