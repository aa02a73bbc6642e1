/* store_table - the table behind store.h; seen by store*.c only.
 *
 * The table is cut into shards, each with its lock. A key belongs to one shard and stands there in one of two
 * sets of neighbouring entries; the places of a set are filled from its first and never become unused again.
 * An entry is a cache line.
 *
 * Entries are changed under the lock:
 *
 *     table_find ──► place, locked ──► table_begin_change ──► table_end_change ──► table_unlock
 *
 * While one is being changed its expires is 0, and the shard keeps what it was. If the process dies
 * meanwhile, the next who takes the lock puts that back; a change whose expires is set has been made, and
 * stays.
 *
 * Only buckets are also looked for, read and taken from without the lock (store_bucket.c). Who has seen the
 * same expires before and behind what it read, and not 0, has read what belongs together.
 */
#ifndef BASE_STORE_TABLE_H
#define BASE_STORE_TABLE_H

#include "base/siphash.h"
#include "base/store.h"
#include <pthread.h>
#include <stdatomic.h>

enum {
    STORE_SET = 8, /* entries of a set */
    STORE_LINE = 64,
};

/* The kinds of entry, set apart under one key by what their hashes differ in. */
#define STORE_BUCKETS UINT64_C(0)
#define STORE_RECORDS UINT64_C(0x9e3779b97f4a7c15)
#define STORE_SUMS    UINT64_C(0xc2b2ae3d27d4eb4f)

struct bucket {
    double tokens;
    int64_t last; /* when tokens was true */
};

struct record {
    uint64_t version;
    double value[4];
};

struct entry {
    _Atomic uint64_t hash[2];
    union {
        struct bucket bucket;
        struct record record;
        double sum;
    };
    _Atomic int64_t expires; /* 0: never used, or being changed */
};

_Static_assert(sizeof(struct entry) == STORE_LINE, "an entry is a cache line");

struct shard {
    _Alignas(STORE_LINE) pthread_mutex_t lock;
    uint64_t version;  /* the latest given to a record */
    size_t undo_at;    /* place + 1 of the entry being changed, 0: none */
    struct entry undo; /* as it was before */
};

struct store {
    size_t size; /* bytes mapped */
    uint64_t key[2];
    size_t shard_count; /* a power of two */
    size_t shard_size;  /* entries in each, a power of two */
    struct entry *entries;
    _Atomic size_t rescues;
    struct shard shards[];
};

/* A key of one kind, found or not, in its locked shard. */
struct place {
    struct shard *shard;
    struct siphash hash;
    struct entry *entry; /* its own if alive, else where it may be put */
    bool alive;
};

/* The key as the hash of one kind of entry. */
static inline struct siphash table_hash(struct store_key key, uint64_t kind)
{
    return (struct siphash){{key.half[0] ^ kind, key.half[1]}};
}

static inline bool table_is_of(const struct entry *e, struct siphash hash)
{
    return atomic_load_explicit(&e->hash[0], memory_order_acquire) == hash.half[0] &&
           atomic_load_explicit(&e->hash[1], memory_order_acquire) == hash.half[1];
}

/* Which shard a hash belongs to, the entries of that, and the two sets among them. */
static inline size_t table_shard(const struct store *s, struct siphash hash)
{
    return hash.half[0] & (s->shard_count - 1);
}

static inline struct entry *table_entries(const struct store *s, size_t shard)
{
    return s->entries + shard * s->shard_size;
}

static inline struct entry *table_left(const struct store *s, struct siphash hash)
{
    return table_entries(s, table_shard(s, hash)) + (hash.half[1] & (s->shard_size - STORE_SET));
}

static inline struct entry *table_right(const struct store *s, struct siphash hash)
{
    return table_entries(s, table_shard(s, hash)) + ((hash.half[1] >> 32) & (s->shard_size - STORE_SET));
}

/* Locks the shard. */
struct place table_find(struct store *s, struct siphash hash, int64_t now);
void table_unlock(struct shard *shard);

/* When what is used now, and kept for ttl, expires. */
int64_t table_expiry(int64_t now, int64_t ttl);

/* The entry of p, zeroed if it is new, to be written before table_end_change. */
struct entry *table_begin_change(struct store *s, const struct place *p);
void table_end_change(const struct place *p, int64_t expires);

#endif
