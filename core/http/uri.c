#include "http/uri.h"

#include <arpa/inet.h>
#include <string.h>

#define CLASS_PATH   (URI_PATH_SAFE | URI_PATH_LEGAL)
#define CLASS_MARK   (URI_UNRESERVED | CLASS_PATH)
#define CLASS_LETTER (CLASS_MARK | URI_ALPHA)
#define CLASS_DIGIT  (CLASS_MARK | URI_HEX | URI_DIGIT)

static const unsigned char classes[256] = {
    ['0' ... '9'] = CLASS_DIGIT,
    ['A' ... 'F'] = CLASS_LETTER | URI_HEX,
    ['G' ... 'Z'] = CLASS_LETTER,
    ['a' ... 'f'] = CLASS_LETTER | URI_HEX,
    ['g' ... 'z'] = CLASS_LETTER,
    ['-'] = CLASS_MARK,
    ['.'] = CLASS_MARK,
    ['_'] = CLASS_MARK,
    ['~'] = CLASS_MARK,
    ['$'] = URI_SUB_DELIM | CLASS_PATH,
    ['&'] = URI_SUB_DELIM | CLASS_PATH,
    ['+' ... ','] = URI_SUB_DELIM | CLASS_PATH,
    [';'] = URI_SUB_DELIM | CLASS_PATH,
    ['='] = URI_SUB_DELIM | CLASS_PATH,
    ['!'] = URI_SUB_DELIM | URI_PATH_LEGAL,
    ['\'' ... '*'] = URI_SUB_DELIM | URI_PATH_LEGAL,
    ['/'] = CLASS_PATH,
    [':'] = CLASS_PATH,
    ['@'] = CLASS_PATH,
    ['['] = URI_PATH_LEGAL,
    [']'] = URI_PATH_LEGAL,
    ['%'] = URI_PATH_LEGAL,
};

bool uri_is(char c, unsigned char class)
{
    return (classes[(unsigned char)c] & class) != 0;
}

/* --- percent-encoding --------------------------------------------------------------------------- */

static bool is_escape(struct str s, size_t at)
{
    return at + 2 < s.len && uri_is(s.ptr[at + 1], URI_HEX) && uri_is(s.ptr[at + 2], URI_HEX);
}

static int hex_value(char c)
{
    return uri_is(c, URI_DIGIT) ? c - '0' : (c | 0x20) - 'a' + 10;
}

size_t uri_find_bad_escape(struct str s)
{
    for (size_t i = str_find_char(s, '%'); i < s.len; i++) {
        if (s.ptr[i] != '%')
            continue;
        if (!is_escape(s, i))
            return i;
        i += 2;
    }
    return s.len;
}

static struct str decode(struct arena *a, struct str s, bool plus)
{
    char *text = arena_bytes(a, s.len);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '%') {
            c = (char)(hex_value(s.ptr[i + 1]) * 16 + hex_value(s.ptr[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        text[len++] = c;
    }
    return (struct str){text, len};
}

bool percent_decode(struct arena *a, struct str s, struct str *out, struct str *bad)
{
    size_t at = uri_find_bad_escape(s);

    if (at < s.len) {
        *bad = str_slice(s, at, at + 3);
        return false;
    }
    *out = str_find_char(s, '%') == s.len ? s : decode(a, s, false);
    return true;
}

bool query_decode(struct arena *a, struct str s, struct str *out)
{
    if (uri_find_bad_escape(s) < s.len)
        return false;
    bool plain = str_find_char(s, '%') == s.len && str_find_char(s, '+') == s.len;
    *out = plain ? s : decode(a, s, true);
    return true;
}

char *uri_write_escape(char *dst, char c)
{
    static const char digits[] = "0123456789ABCDEF";

    *dst++ = '%';
    *dst++ = digits[(unsigned char)c >> 4];
    *dst++ = digits[(unsigned char)c & 15];
    return dst;
}

/* All but the bytes of that class encoded; a space becomes `space` unless that is 0. */
static struct str encode(struct arena *a, struct str s, unsigned char class, char space)
{
    size_t keep = 0;

    while (keep < s.len && uri_is(s.ptr[keep], class))
        keep++;
    if (keep == s.len)
        return s;
    char *text = arena_bytes(a, 3 * s.len), *end = text;
    for (size_t i = 0; i < s.len; i++) {
        if (uri_is(s.ptr[i], class))
            *end++ = s.ptr[i];
        else if (s.ptr[i] == ' ' && space != 0)
            *end++ = space;
        else
            end = uri_write_escape(end, s.ptr[i]);
    }
    return (struct str){text, (size_t)(end - text)};
}

struct str query_encode(struct arena *a, struct str s)
{
    return encode(a, s, URI_UNRESERVED, '+');
}

/* --- paths -------------------------------------------------------------------------------------- */

static bool is_legal_path(struct str raw)
{
    for (size_t i = 0; i < raw.len; i++) {
        if (!uri_is(raw.ptr[i], URI_PATH_LEGAL))
            return false;
    }
    return true;
}

struct str path_encode(struct arena *a, struct str path, struct str raw)
{
    struct str decoded, bad;

    if (raw.len > 0 && is_legal_path(raw) && percent_decode(a, raw, &decoded, &bad) &&
        str_equal(decoded, path))
        return raw;
    return encode(a, path, URI_PATH_SAFE, 0);
}

struct str path_clean(struct arena *a, struct str path)
{
    char *text = arena_bytes(a, path.len + 2);
    size_t len = 0;
    struct str rest = path;

    while (rest.len > 0) {
        struct str segment = str_split(&rest, '/');
        if (segment.len == 0 || str_equal(segment, STR(".")))
            continue;
        if (str_equal(segment, STR(".."))) {
            while (len > 0 && text[--len] != '/')
                ;
            continue;
        }
        text[len++] = '/';
        memcpy(text + len, segment.ptr, segment.len);
        len += segment.len;
    }
    if (len == 0 || str_ends_with(path, STR("/")))
        text[len++] = '/';
    return (struct str){text, len};
}

struct str uri_remove_dots(struct arena *a, struct str path)
{
    char *text = arena_bytes(a, path.len + 1);
    size_t len = 0;
    struct str rest = str_slice(path, 1, path.len);
    bool more = true;

    while (more) {
        size_t end = str_find_char(rest, '/');
        struct str segment = str_slice(rest, 0, end);
        more = end < rest.len;
        rest = str_slice(rest, end + 1, rest.len);
        bool up = str_equal(segment, STR("..")), dot = str_equal(segment, STR("."));
        if (up) {
            while (len > 0 && text[--len] != '/')
                ;
        }
        if (up || dot) {
            if (!more)
                text[len++] = '/';
            continue;
        }
        text[len++] = '/';
        if (segment.len > 0)
            memcpy(text + len, segment.ptr, segment.len);
        len += segment.len;
    }
    return (struct str){text, len};
}

/* --- authorities --------------------------------------------------------------------------------- */

/* The literal inside the brackets: an IPv6 address, or what a later version may look like. */
static bool is_ip_literal(struct str s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];

    if (s.len > 2 && (s.ptr[0] | 0x20) == 'v') {
        size_t dot = str_find_char(s, '.');
        for (size_t i = 1; i < s.len; i++) {
            bool ok = i < dot
                          ? uri_is(s.ptr[i], URI_HEX)
                          : i == dot || s.ptr[i] == ':' || uri_is(s.ptr[i], URI_UNRESERVED | URI_SUB_DELIM);
            if (!ok)
                return false;
        }
        return dot > 1 && dot + 1 < s.len;
    }
    if (s.len >= sizeof(text))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return strlen(text) == s.len && inet_pton(AF_INET6, text, address) == 1;
}

static bool is_reg_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (uri_is(s.ptr[i], URI_UNRESERVED | URI_SUB_DELIM))
            continue;
        if (s.ptr[i] != '%' || !is_escape(s, i))
            return false;
        i += 2;
    }
    return s.len > 0;
}

/* ":" and digits, or nothing. No more than a port can be. */
static bool port_parse(struct str s, uint16_t default_port, uint16_t *port)
{
    uint64_t value;

    *port = default_port;
    if (s.len <= 1)
        return s.len == 0 || s.ptr[0] == ':';
    if (s.ptr[0] != ':' || !str_to_u64(str_slice(s, 1, s.len), &value) || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

bool authority_split(struct str authority, uint16_t default_port, struct str *host, uint16_t *port)
{
    if (authority.len > 0 && authority.ptr[0] == '[') {
        size_t end = str_find_char(authority, ']');
        *host = str_slice(authority, 1, end);
        return end < authority.len && is_ip_literal(*host) &&
               port_parse(str_slice(authority, end + 1, authority.len), default_port, port);
    }
    size_t colon = str_find_char(authority, ':');
    *host = str_slice(authority, 0, colon);
    return is_reg_name(*host) && port_parse(str_slice(authority, colon, authority.len), default_port, port);
}

bool authority_is_valid(struct str authority)
{
    struct str host;
    uint16_t port;

    return authority.len == 0 || authority_split(authority, 0, &host, &port);
}
