#include "gateway/router_fold.h"

#include "base/util.h"
#include <string.h>

/* Capital letters from `first` to `last`; the small one is `shift` further. Pairs: capital and small letters
 * in turn. */
static const struct range {
    uint32_t first, last;
    int32_t shift; /* 1: pairs, the first one is a capital */
} ranges[] = {
    {'A', 'Z', 32},       {0xc0, 0xd6, 32},   {0xd8, 0xde, 32},     {0x100, 0x12e, 1},   {0x132, 0x136, 1},
    {0x139, 0x147, 1},    {0x14a, 0x176, 1},  {0x178, 0x178, -121}, {0x179, 0x17d, 1},   {0x1cd, 0x1db, 1},
    {0x1de, 0x1ee, 1},    {0x1f8, 0x21e, 1},  {0x222, 0x232, 1},    {0x370, 0x372, 1},   {0x386, 0x386, 38},
    {0x388, 0x38a, 37},   {0x38c, 0x38c, 64}, {0x38e, 0x38f, 63},   {0x391, 0x3a1, 32},  {0x3a3, 0x3ab, 32},
    {0x3d8, 0x3ee, 1},    {0x400, 0x40f, 80}, {0x410, 0x42f, 32},   {0x460, 0x480, 1},   {0x48a, 0x4be, 1},
    {0x4c1, 0x4cd, 1},    {0x4d0, 0x52e, 1},  {0x531, 0x556, 48},   {0x1e00, 0x1e94, 1}, {0x1ea0, 0x1efe, 1},
    {0xff21, 0xff3a, 32},
};

static uint32_t to_lower(uint32_t c)
{
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        const struct range *r = &ranges[i];
        if (c >= r->first && c <= r->last && (r->shift != 1 || (c - r->first) % 2 == 0))
            return c + (uint32_t)r->shift;
    }
    return c;
}

static uint32_t to_upper(uint32_t c)
{
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        const struct range *r = &ranges[i];
        uint32_t capital = c - (uint32_t)r->shift;
        if (capital >= r->first && capital <= r->last && (r->shift != 1 || (capital - r->first) % 2 == 0))
            return capital;
    }
    return c;
}

/* The length of the UTF-8 sequence at the beginning of s; 0 if it is none. */
static size_t decode(struct str s, uint32_t *c)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)s.ptr[0];
    size_t len = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;

    if (len == 0 || len > s.len || lead >= 0xf8)
        return 0;
    *c = len == 1 ? lead : lead & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        unsigned char next = (unsigned char)s.ptr[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (next & 0x3f);
    }
    return *c >= smallest[len] && *c < 0x110000 ? len : 0;
}

static void encode(uint32_t c, struct spelling *s)
{
    s->len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = s->len - 1; i > 0; i--, c >>= 6)
        s->bytes[i] = (char)(0x80 | (c & 0x3f));
    s->bytes[0] = (char)(s->len == 1 ? c : (0xf00u >> s->len & 0xff) | c);
}

size_t fold_spellings(struct str s, struct spelling spellings[SPELLINGS_MAX], size_t *bytes)
{
    uint32_t c;
    size_t len = decode(s, &c);

    if (len == 0) {
        spellings[0] = (struct spelling){{s.ptr[0]}, 1};
        *bytes = 1;
        return 1;
    }
    uint32_t lower = to_lower(c), upper = to_upper(c);
    *bytes = len;
    encode(lower, &spellings[0]);
    if (upper == lower)
        return 1;
    encode(upper, &spellings[1]);
    return 2;
}
