/* split - input that comes in pieces: where it is cut is drawn from the input itself. */
#ifndef FUZZ_SPLIT_H
#define FUZZ_SPLIT_H

#include <stddef.h>
#include <stdint.h>

struct split {
    uint32_t state;
};

static inline struct split split_of(uint8_t seed)
{
    return (struct split){seed * 2654435761u + 1};
}

/* The end of the piece that begins at `at`: mostly short ones. */
static inline size_t split_next(struct split *s, size_t at, size_t len)
{
    s->state = s->state * 1664525u + 1013904223u;
    size_t piece = 1 + (s->state >> 24) % ((s->state >> 16 & 3) == 0 ? 200 : 7);
    return len - at < piece ? len : at + piece;
}

#endif
