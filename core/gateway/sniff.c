#include "gateway/sniff.h"

#include "base/util.h"
#include <string.h>

#define TEXT_HTML STR("text/html; charset=utf-8")

struct signature {
    struct str bytes;
    struct str mask; /* "" for all ones */
    struct str type;
};

static bool is_space(char c)
{
    return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
}

static struct str skip_space(struct str s)
{
    size_t i = 0;

    while (i < s.len && is_space(s.ptr[i]))
        i++;
    return str_slice(s, i, s.len);
}

/* A tag in any letter case, with a space or ">" behind it. */
static bool starts_with_tag(struct str s, struct str tag)
{
    if (s.len < tag.len + 1 || !str_equal_nocase(str_slice(s, 0, tag.len), tag))
        return false;
    return s.ptr[tag.len] == ' ' || s.ptr[tag.len] == '>';
}

static bool is_html(struct str s)
{
    static const struct str tags[] = {
        {"<!DOCTYPE HTML", 14},
        {"<HTML", 5},
        {"<HEAD", 5},
        {"<SCRIPT", 7},
        {"<IFRAME", 7},
        {"<H1", 3},
        {"<DIV", 4},
        {"<FONT", 5},
        {"<TABLE", 6},
        {"<A", 2},
        {"<STYLE", 6},
        {"<TITLE", 6},
        {"<B", 2},
        {"<BODY", 5},
        {"<BR", 3},
        {"<P", 2},
        {"<!--", 4},
    };

    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (starts_with_tag(s, tags[i]))
            return true;
    }
    return false;
}

#define SIGNATURE(bytes, type)                                                                               \
    {                                                                                                        \
        {bytes, sizeof(bytes) - 1}, {NULL, 0},                                                               \
        {                                                                                                    \
            type, sizeof(type) - 1                                                                           \
        }                                                                                                    \
    }
#define MASKED(bytes, mask, type)                                                                            \
    {                                                                                                        \
        {bytes, sizeof(bytes) - 1}, {mask, sizeof(mask) - 1},                                                \
        {                                                                                                    \
            type, sizeof(type) - 1                                                                           \
        }                                                                                                    \
    }

#define TEN_ZEROES  "\0\0\0\0\0\0\0\0\0\0"
#define FOUR_ZEROES "\0\0\0\0"

/* In the order they are tried; after HTML and XML, before MP4 and text. */
static const struct signature signatures[] = {
    SIGNATURE("%PDF-", "application/pdf"),
    SIGNATURE("%!PS-Adobe-", "application/postscript"),
    MASKED("\xFE\xFF\0\0", "\xFF\xFF\0\0", "text/plain; charset=utf-16be"),
    MASKED("\xFF\xFE\0\0", "\xFF\xFF\0\0", "text/plain; charset=utf-16le"),
    MASKED("\xEF\xBB\xBF\0", "\xFF\xFF\xFF\0", "text/plain; charset=utf-8"),
    SIGNATURE("\0\0\x01\0", "image/x-icon"),
    SIGNATURE("\0\0\x02\0", "image/x-icon"),
    SIGNATURE("BM", "image/bmp"),
    SIGNATURE("GIF87a", "image/gif"),
    SIGNATURE("GIF89a", "image/gif"),
    MASKED("RIFF\0\0\0\0WEBPVP", "\xFF\xFF\xFF\xFF\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF", "image/webp"),
    SIGNATURE("\x89PNG\x0D\x0A\x1A\x0A", "image/png"),
    SIGNATURE("\xFF\xD8\xFF", "image/jpeg"),
    MASKED("FORM\0\0\0\0AIFF", "\xFF\xFF\xFF\xFF\0\0\0\0\xFF\xFF\xFF\xFF", "audio/aiff"),
    SIGNATURE("ID3", "audio/mpeg"),
    SIGNATURE("OggS\0", "application/ogg"),
    SIGNATURE("MThd\0\0\0\x06", "audio/midi"),
    MASKED("RIFF\0\0\0\0AVI ", "\xFF\xFF\xFF\xFF\0\0\0\0\xFF\xFF\xFF\xFF", "video/avi"),
    MASKED("RIFF\0\0\0\0WAVE", "\xFF\xFF\xFF\xFF\0\0\0\0\xFF\xFF\xFF\xFF", "audio/wave"),
};

/* After the signatures that are shorter than an MP4's box. */
static const struct signature late_signatures[] = {
    SIGNATURE("\x1A\x45\xDF\xA3", "video/webm"),
    MASKED(TEN_ZEROES TEN_ZEROES TEN_ZEROES FOUR_ZEROES "LP",
           TEN_ZEROES TEN_ZEROES TEN_ZEROES FOUR_ZEROES "\xFF\xFF", "application/vnd.ms-fontobject"),
    SIGNATURE("\0\x01\0\0", "font/ttf"),
    SIGNATURE("OTTO", "font/otf"),
    SIGNATURE("ttcf", "font/collection"),
    SIGNATURE("wOFF", "font/woff"),
    SIGNATURE("wOF2", "font/woff2"),
    SIGNATURE("\x1F\x8B\x08", "application/x-gzip"),
    SIGNATURE("PK\x03\x04", "application/zip"),
    SIGNATURE("Rar!\x1A\x07\0", "application/x-rar-compressed"),
    SIGNATURE("Rar!\x1A\x07\x01\0", "application/x-rar-compressed"),
    SIGNATURE("\0\x61\x73\x6D", "application/wasm"),
};

static bool matches(const struct signature *sig, struct str s)
{
    if (s.len < sig->bytes.len)
        return false;
    if (sig->mask.len == 0)
        return memcmp(s.ptr, sig->bytes.ptr, sig->bytes.len) == 0;
    for (size_t i = 0; i < sig->bytes.len; i++) {
        if ((s.ptr[i] & sig->mask.ptr[i]) != sig->bytes.ptr[i])
            return false;
    }
    return true;
}

static const struct str *find_signature(const struct signature *list, size_t count, struct str s)
{
    for (size_t i = 0; i < count; i++) {
        if (matches(&list[i], s))
            return &list[i].type;
    }
    return NULL;
}

static bool is_mp4(struct str s)
{
    size_t box;

    if (s.len < 12)
        return false;
    box = (size_t)(unsigned char)s.ptr[0] << 24 | (size_t)(unsigned char)s.ptr[1] << 16 |
          (size_t)(unsigned char)s.ptr[2] << 8 | (unsigned char)s.ptr[3];
    if (s.len < box || box % 4 != 0 || memcmp(s.ptr + 4, "ftyp", 4) != 0)
        return false;
    for (size_t i = 8; i + 3 <= box; i += 4) {
        if (i != 12 && memcmp(s.ptr + i, "mp4", 3) == 0) /* 12: the version of the brand */
            return true;
    }
    return false;
}

static bool is_text(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1A) || (c >= 0x1C && c <= 0x1F))
            return false;
    }
    return true;
}

struct str sniff_type(struct str content)
{
    struct str s = str_slice(content, 0, SNIFF_MAX);
    struct str text = skip_space(s);
    const struct str *type;

    if (is_html(text))
        return TEXT_HTML;
    if (str_starts_with(text, STR("<?xml")))
        return STR("text/xml; charset=utf-8");
    type = find_signature(signatures, ARRAY_LEN(signatures), s);
    if (type != NULL)
        return *type;
    if (is_mp4(s))
        return STR("video/mp4");
    type = find_signature(late_signatures, ARRAY_LEN(late_signatures), s);
    if (type != NULL)
        return *type;
    return is_text(text) ? STR("text/plain; charset=utf-8") : STR("application/octet-stream");
}
