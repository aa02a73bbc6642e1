#include "base/quote.h"

#include "base/utf8.h"
#include "base/util.h"
#include <stdio.h>
#include <string.h>

/* What Go does not print as it is: spaces but U+0020, controls, format and private characters, noncharacters
 * (Unicode categories Z, C). Those that no version of Unicode has assigned yet are not told apart. */
static const struct range {
    uint32_t first, last;
} unprintable[] = {
    {0x0, 0x1F},        {0x7F, 0xA0},        {0xAD, 0xAD},       {0x600, 0x605},     {0x61C, 0x61C},
    {0x6DD, 0x6DD},     {0x70F, 0x70F},      {0x890, 0x891},     {0x8E2, 0x8E2},     {0x1680, 0x1680},
    {0x180E, 0x180E},   {0x2000, 0x200F},    {0x2028, 0x202F},   {0x205F, 0x206F},   {0x3000, 0x3000},
    {0xD800, 0xF8FF},   {0xFDD0, 0xFDEF},    {0xFEFF, 0xFEFF},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},
    {0x110BD, 0x110BD}, {0x110CD, 0x110CD},  {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
    {0xE0000, 0xE00FF}, {0xE01F0, 0x10FFFF},
};

static bool is_printable(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(unprintable); i++)
        if (code <= unprintable[i].last)
            return code < unprintable[i].first;
    return false;
}

/* The code point of a well-formed sequence. */
static uint32_t code_of(struct str sequence)
{
    unsigned lead = (unsigned char)sequence.ptr[0];
    uint32_t code = sequence.len == 1 ? lead : lead & (0x7Fu >> sequence.len);

    for (size_t i = 1; i < sequence.len; i++)
        code = code << 6 | ((unsigned char)sequence.ptr[i] & 0x3F);
    return code;
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

static size_t escape_code(char *dst, uint32_t code)
{
    return (size_t)(code < 0x10000 ? sprintf(dst, "\\u%04x", code) : sprintf(dst, "\\U%08x", code));
}

/* One character between the quotes; *text is what comes behind it. */
static char *put_character(char *dst, struct str *text)
{
    bool valid;
    size_t len = utf8_sequence(text->ptr, text->ptr + text->len, &valid);
    struct str sequence = str_slice(*text, 0, valid ? len : 1); /* an ill-formed one byte by byte */
    uint32_t code = code_of(sequence);

    *text = str_slice(*text, sequence.len, text->len);
    if (!valid || (sequence.len == 1 && !is_printable(code)))
        return dst + escape_byte(dst, (unsigned char)sequence.ptr[0]);
    if (!is_printable(code))
        return dst + escape_code(dst, code);
    if (code == '"' || code == '\\')
        *dst++ = '\\';
    return str_put(dst, sequence);
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

char *quote_go_put(char *dst, struct str text)
{
    if (is_plain(text))
        return str_put(dst, text);
    while (text.len > 0)
        dst = put_character(dst, &text);
    return dst;
}

struct str quote_go(struct arena *a, struct str text)
{
    char *out = arena_bytes(a, text.len * 4 + 2);
    char *end = out;

    *end++ = '"';
    end = quote_go_put(end, text);
    *end++ = '"';
    return (struct str){out, (size_t)(end - out)};
}
