#include "base/siphash.h"

#include <string.h>

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void mix(struct state *s, int rounds)
{
#pragma GCC unroll 4
    for (int i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s, 2);
    s->v0 ^= word;
}

static uint64_t squeeze(struct state *s)
{
    mix(s, 4);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Little-endian, as the machines are that this is built for. */
static uint64_t word_at(const char *ptr)
{
    uint64_t word;

    memcpy(&word, ptr, sizeof(word));
    return word;
}

/* The last len % 8 bytes, zeros above them. Where there are eight bytes, they are read with those before
 * them. */
static uint64_t last_word(struct str text)
{
    size_t rest = text.len % 8;
    uint64_t word = 0;

    if (rest == 0)
        return 0;
    if (text.len > 8)
        return word_at(text.ptr + text.len - 8) >> (64 - rest * 8);
    for (size_t i = 0; i < rest; i++)
        word |= (uint64_t)(unsigned char)text.ptr[i] << i * 8;
    return word;
}

struct siphash siphash_of(const uint64_t key[2], struct str text)
{
    struct state s = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d ^ 0xee,
                      key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    size_t at = 0;
    struct siphash hash;

    for (; text.len - at >= 8; at += 8)
        absorb(&s, word_at(text.ptr + at));
    absorb(&s, (uint64_t)text.len << 56 | last_word(text));
    s.v2 ^= 0xee;
    hash.half[0] = squeeze(&s);
    s.v1 ^= 0xdd;
    hash.half[1] = squeeze(&s);
    return hash;
}
