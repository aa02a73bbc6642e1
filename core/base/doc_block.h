/* doc_block - 64 bytes as masks: a bit per byte, for AVX2. Inlined into the one file that checks with them.
 */
#ifndef BASE_DOC_BLOCK_H
#define BASE_DOC_BLOCK_H

#include <immintrin.h>
#include <stdint.h>

#define VECTOR __attribute__((target("avx2,bmi,bmi2,pclmul")))
#define INLINE VECTOR static inline __attribute__((always_inline))

enum { BLOCK = 64 };

/* The kinds of characters that two tables, one for each nibble of a byte, tell apart. */
enum kind {
    KIND_DOT = 1 << 7,
    KIND_DIGIT = 1 << 6,
    KIND_ZERO = 1 << 5,
    KIND_OPEN = 1 << 4,
    KIND_CLOSE = 1 << 3,
    KIND_COLON = 1 << 2,
    KIND_COMMA = 1 << 1,
};

struct bytes {
    __m256i low;
    __m256i high;
};

INLINE uint64_t bits_of(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

INLINE uint64_t equal(struct bytes b, char c)
{
    __m256i all = _mm256_set1_epi8(c);

    return bits_of(_mm256_cmpeq_epi8(b.low, all), _mm256_cmpeq_epi8(b.high, all));
}

/* Is there a byte that needs a closer look: a backslash, a control character, or none of ASCII? */
INLINE bool has_special(struct bytes b)
{
    __m256i slash = _mm256_set1_epi8('\\');
    __m256i least = _mm256_min_epu8(b.low, b.high);
    __m256i slashes = _mm256_or_si256(_mm256_cmpeq_epi8(b.low, slash), _mm256_cmpeq_epi8(b.high, slash));
    __m256i controls = _mm256_cmpeq_epi8(_mm256_min_epu8(least, _mm256_set1_epi8(0x1f)), least);
    __m256i beyond = _mm256_or_si256(b.low, b.high);

    return _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(slashes, controls), beyond)) != 0;
}

/* Bytes below 0x20. */
INLINE uint64_t control(struct bytes b)
{
    __m256i last = _mm256_set1_epi8(0x1f);

    return bits_of(_mm256_cmpeq_epi8(_mm256_min_epu8(b.low, last), b.low),
                   _mm256_cmpeq_epi8(_mm256_min_epu8(b.high, last), b.high));
}

INLINE __m256i both(__m128i table)
{
    return _mm256_broadcastsi128_si256(table);
}

INLINE __m256i high_nibbles(__m256i v)
{
    return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(0x0f));
}

INLINE __m256i classify(__m256i v)
{
    const __m256i by_low =
        both(_mm_setr_epi8(KIND_DIGIT | KIND_ZERO, KIND_DIGIT, KIND_DIGIT, KIND_DIGIT, KIND_DIGIT, KIND_DIGIT,
                           KIND_DIGIT, KIND_DIGIT, KIND_DIGIT, KIND_DIGIT, KIND_COLON, KIND_OPEN, KIND_COMMA,
                           KIND_CLOSE, (char)KIND_DOT, 0));
    const __m256i by_high =
        both(_mm_setr_epi8(0, 0, (char)(KIND_DOT | KIND_COMMA), KIND_DIGIT | KIND_ZERO | KIND_COLON, 0,
                           KIND_OPEN | KIND_CLOSE, 0, KIND_OPEN | KIND_CLOSE, 0, 0, 0, 0, 0, 0, 0, 0));

    return _mm256_and_si256(_mm256_shuffle_epi8(by_low, v), _mm256_shuffle_epi8(by_high, high_nibbles(v)));
}

/* White space: the table holds, for each low nibble, the one such character that has it. */
INLINE uint64_t space(struct bytes b)
{
    const __m256i spaces = both(_mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0));

    return bits_of(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(spaces, b.low), b.low),
                   _mm256_cmpeq_epi8(_mm256_shuffle_epi8(spaces, b.high), b.high));
}

/* The mask of a kind: 0 for KIND_DOT, and so on. */
#define kind_bits(kinds, number)                                                                             \
    bits_of(_mm256_slli_epi16((kinds).low, number), _mm256_slli_epi16((kinds).high, number))

/* The bits behind those of a. */
INLINE uint64_t behind(uint64_t a, uint64_t *carry)
{
    uint64_t bits = a << 1 | *carry;

    *carry = a >> 63;
    return bits;
}

/* The bits that end the runs of over which begin at starts; a start that is not in over is its own end.
 * Adding the starts ripples through their runs. */
INLINE uint64_t run_end(uint64_t starts, uint64_t over, uint64_t *carry)
{
    unsigned long long sum;

    starts |= *carry;
    *carry = __builtin_uaddll_overflow(over, starts & over, &sum);
    return (sum | starts) & ~over;
}

/* The first bits behind those of a that are not in over. */
INLINE uint64_t follow(uint64_t a, uint64_t over, uint64_t *carry)
{
    uint64_t starts = a << 1 | *carry;
    unsigned long long sum;
    uint64_t spill = __builtin_uaddll_overflow(over, starts & over, &sum);

    *carry = a >> 63 | spill;
    return (sum | starts) & ~over;
}

/* Bit i becomes the parity of the bits up to i: between quotes all bits are set. */
INLINE uint64_t parity(uint64_t bits)
{
    __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xff), 0);

    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* --- UTF-8 ------------------------------------------------------------------------------------ */

/* What can be wrong with two bytes in a row. A pair is wrong if the three nibbles that matter agree on it. */
enum fault {
    SHORT = 1 << 0,      /* a lead byte and no continuation */
    LONG = 1 << 1,       /* ASCII and a continuation */
    OVERLONG_3 = 1 << 2, /* E0 80..9F */
    LARGE = 1 << 3,      /* F4 90..BF, F5.. 90..BF */
    SURROGATE = 1 << 4,  /* ED A0..BF */
    OVERLONG_2 = 1 << 5, /* C0, C1 */
    OVERLONG_4 = 1 << 6, /* F0 80..8F, and F5.. 80..8F */
    CONTINUED = 1 << 7,  /* two continuations: right if a lead byte stands two or three before */
    ANY_LEAD = SHORT | LONG | CONTINUED,
};

INLINE __m256i pair_faults(__m256i bytes, __m256i first)
{
    const __m256i first_high =
        both(_mm_setr_epi8(LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, (char)CONTINUED, (char)CONTINUED,
                           (char)CONTINUED, (char)CONTINUED, SHORT | OVERLONG_2, SHORT,
                           SHORT | OVERLONG_3 | SURROGATE, SHORT | LARGE | OVERLONG_4));
    const char above = (char)(ANY_LEAD | LARGE | OVERLONG_4);
    const __m256i first_low = both(
        _mm_setr_epi8((char)(ANY_LEAD | OVERLONG_2 | OVERLONG_3 | OVERLONG_4), (char)(ANY_LEAD | OVERLONG_2),
                      (char)ANY_LEAD, (char)ANY_LEAD, (char)(ANY_LEAD | LARGE), above, above, above, above,
                      above, above, above, above, (char)(above | SURROGATE), above, above));
    const char second = (char)(LONG | CONTINUED | OVERLONG_2);
    const __m256i second_high = both(_mm_setr_epi8(
        SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, (char)(second | OVERLONG_3 | OVERLONG_4),
        (char)(second | OVERLONG_3 | LARGE), (char)(second | SURROGATE | LARGE),
        (char)(second | SURROGATE | LARGE), SHORT, SHORT, SHORT, SHORT));
    __m256i low = _mm256_and_si256(first, _mm256_set1_epi8(0x0f));

    return _mm256_and_si256(_mm256_and_si256(_mm256_shuffle_epi8(first_high, high_nibbles(first)),
                                             _mm256_shuffle_epi8(first_low, low)),
                            _mm256_shuffle_epi8(second_high, high_nibbles(bytes)));
}

/* A third or fourth byte must be a continuation of a continuation, and no other byte may be. */
INLINE __m256i utf8_faults(__m256i before, __m256i bytes)
{
    __m256i joint = _mm256_permute2x128_si256(before, bytes, 0x21);
    __m256i first = _mm256_alignr_epi8(bytes, joint, 15);
    __m256i third = _mm256_subs_epu8(_mm256_alignr_epi8(bytes, joint, 14), _mm256_set1_epi8(0xe0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(_mm256_alignr_epi8(bytes, joint, 13), _mm256_set1_epi8(0xf0 - 0x80));
    __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));

    return _mm256_xor_si256(pair_faults(bytes, first), due);
}

#endif
