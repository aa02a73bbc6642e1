#include "base/doc.h"

#include "base/utf8.h"
#include <string.h>

/* A row of table 3-7: which second bytes may follow a lead byte, and how many bytes there are in all. */
struct lead {
    unsigned char length;
    unsigned char low;
    unsigned char high;
};

static struct lead lead_of(unsigned char byte)
{
    if (byte < 0x80)
        return (struct lead){1, 0, 0};
    if (byte < 0xc2)
        return (struct lead){0, 0, 0};
    if (byte < 0xe0)
        return (struct lead){2, 0x80, 0xbf};
    if (byte < 0xf0)
        return (struct lead){3, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf};
    if (byte < 0xf5)
        return (struct lead){4, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf};
    return (struct lead){0, 0, 0};
}

size_t utf8_sequence(const char *ptr, const char *end, bool *valid)
{
    const unsigned char *byte = (const unsigned char *)ptr;
    struct lead lead = lead_of(byte[0]);
    size_t room = (size_t)(end - ptr);
    size_t length = 1;

    *valid = lead.length == 1;
    if (lead.length < 2)
        return 1;
    if (room < 2 || byte[1] < lead.low || byte[1] > lead.high)
        return 1;
    for (length = 2; length < lead.length; length++)
        if (length == room || (byte[length] & 0xc0) != 0x80)
            return length;
    *valid = true;
    return length;
}

size_t utf8_encode(char out[4], uint32_t rune)
{
    if (rune < 0x80) {
        out[0] = (char)rune;
        return 1;
    }
    if (rune < 0x800) {
        out[0] = (char)(0xc0 | rune >> 6);
        out[1] = (char)(0x80 | (rune & 0x3f));
        return 2;
    }
    if (rune < 0x10000) {
        out[0] = (char)(0xe0 | rune >> 12);
        out[1] = (char)(0x80 | (rune >> 6 & 0x3f));
        out[2] = (char)(0x80 | (rune & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | rune >> 18);
    out[1] = (char)(0x80 | (rune >> 12 & 0x3f));
    out[2] = (char)(0x80 | (rune >> 6 & 0x3f));
    out[3] = (char)(0x80 | (rune & 0x3f));
    return 4;
}

/* The first byte that is not ASCII, or end. */
static const char *skip_ascii(const char *ptr, const char *end)
{
    uint64_t word;

    while (end - ptr >= 8) {
        memcpy(&word, ptr, sizeof(word));
        if ((word & 0x8080808080808080u) != 0)
            break;
        ptr += 8;
    }
    while (ptr < end && (*ptr & 0x80) == 0)
        ptr++;
    return ptr;
}

/* The first ill-formed byte, or end. */
static const char *skip_valid(const char *ptr, const char *end)
{
    bool valid = true;

    for (;;) {
        ptr = skip_ascii(ptr, end);
        if (ptr == end)
            return end;
        size_t length = utf8_sequence(ptr, end, &valid);
        if (!valid)
            return ptr;
        ptr += length;
    }
}

bool utf8_is_valid(struct str s)
{
    const char *end = s.ptr + s.len;

    return s.len == 0 || skip_valid(s.ptr, end) == end;
}

/* Copies s to out, if there is an out, with U+FFFD for what is ill-formed. Returns the length. */
static size_t copy_repaired(char *out, struct str s)
{
    const char *ptr = s.ptr;
    const char *end = s.ptr + s.len;
    size_t len = 0;
    bool valid;

    for (;;) {
        const char *bad = skip_valid(ptr, end);
        size_t good = (size_t)(bad - ptr);
        if (out != NULL)
            memcpy(out + len, ptr, good);
        len += good;
        if (bad == end)
            return len;
        if (out != NULL)
            memcpy(out + len, UTF8_REPLACEMENT, 3);
        len += 3;
        ptr = bad + utf8_sequence(bad, end, &valid);
    }
}

struct str utf8_repair(struct arena *a, struct str s)
{
    if (utf8_is_valid(s))
        return s;
    size_t len = copy_repaired(NULL, s);
    char *copy = arena_bytes(a, len);
    copy_repaired(copy, s);
    return (struct str){copy, len};
}
