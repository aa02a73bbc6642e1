/* siphash - a keyed hash of 128 bits: who does not know the key cannot make two texts collide. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/str.h"

struct siphash {
    uint64_t half[2];
};

/* SipHash-2-4 with 128 bits of output (Aumasson and Bernstein). */
struct siphash siphash_of(const uint64_t key[2], struct str text);

#endif
