/* Token buckets: a take reads the bucket, works out what it is by now, and swaps that in if it is still what
 * was read. So any number of workers take at once, and one that is killed has taken or has not.
 *
 * The entry may be given to another key at any moment. Then the swap fails, for what was read is no longer
 * there; or it succeeds just before, and that one token is forgotten together with the bucket.
 */
#include "base/store_table.h"

#include "base/clock.h"
#include <stddef.h>
#include <string.h>

/* A token that lacks no more than this is one; what it lacks is owed. */
#define ROUNDING 1e-9

/* A bucket as it is compared and swapped. */
typedef unsigned __int128 bucket_word __attribute__((may_alias));

_Static_assert(offsetof(struct entry, bucket) % sizeof(bucket_word) == 0, "a bucket can be swapped");

/* A bucket that is alive, and what was in it at one moment. */
struct glimpse {
    struct entry *entry; /* NULL: there is none, as far as can be seen without the lock */
    int64_t expires;
    struct bucket bucket;
};

static struct bucket read_bucket(struct entry *e)
{
    struct bucket b;

    __atomic_load(&e->bucket.tokens, &b.tokens, __ATOMIC_ACQUIRE);
    __atomic_load(&e->bucket.last, &b.last, __ATOMIC_ACQUIRE);
    return b;
}

/* False, and nothing changed, if it is no longer what it was. */
static bool swap_bucket(struct entry *e, const struct bucket *was, const struct bucket *is)
{
    bucket_word before, after;

    memcpy(&before, was, sizeof(before));
    memcpy(&after, is, sizeof(after));
    return __sync_bool_compare_and_swap((bucket_word *)&e->bucket, before, after);
}

static int64_t expires_of(const struct entry *e)
{
    return atomic_load_explicit(&e->expires, memory_order_acquire);
}

static struct glimpse glimpse_in(struct entry *set, struct siphash hash, int64_t now)
{
    struct glimpse g = {0};

    for (unsigned i = 0; i < STORE_SET; i++) {
        struct entry *e = &set[i];

        g.expires = expires_of(e);
        if (g.expires == 0)
            break;
        if (!table_is_of(e, hash))
            continue;
        g.bucket = read_bucket(e);
        if (g.expires > now && expires_of(e) == g.expires) /* it was the key's while it was read */
            g.entry = e;
        break;
    }
    return g;
}

static struct glimpse glimpse(struct store *s, struct siphash hash, int64_t now)
{
    struct glimpse g = glimpse_in(table_left(s, hash), hash, now);

    return g.entry != NULL ? g : glimpse_in(table_right(s, hash), hash, now);
}

static int64_t bucket_expiry(int64_t now, int64_t ttl)
{
    return table_expiry(table_expiry(now, ttl), ttl / 8);
}

/* Full but for the token that is taken. False: somebody else was faster. */
static bool new_bucket(struct store *s, struct siphash hash, double capacity, int64_t ttl, int64_t now)
{
    struct place p = table_find(s, hash, now);

    if (!p.alive) {
        table_begin_change(s, &p)->bucket = (struct bucket){capacity - 1, now};
        table_end_change(&p, bucket_expiry(now, ttl));
    }
    table_unlock(p.shard);
    return !p.alive;
}

/* Moved on when an eighth of the time has passed, not at each take. If another key stands there by now, its
 * time is left as it is. */
static void keep_alive(struct glimpse *g, int64_t now, int64_t ttl)
{
    if (g->expires - now < ttl)
        atomic_compare_exchange_strong_explicit(&g->entry->expires, &g->expires, bucket_expiry(now, ttl),
                                                memory_order_relaxed, memory_order_relaxed);
}

static void refill(struct bucket *b, double rate, double capacity, int64_t now)
{
    /* workers read the clock once a turn, so one may be behind another */
    if (now > b->last) {
        b->tokens += (double)(now - b->last) * rate / SECOND;
        b->last = now;
    }
    if (b->tokens > capacity)
        b->tokens = capacity;
}

static int64_t wait_for(double lacking, double rate)
{
    double wait = lacking / rate * SECOND;

    return wait < 9e18 ? (int64_t)wait + 1 : INT64_MAX;
}

int64_t store_take(struct store *s, struct store_key key, double rate, double capacity, int64_t ttl,
                   int64_t now)
{
    struct siphash hash = table_hash(key, STORE_BUCKETS);

    for (;;) {
        struct glimpse g = glimpse(s, hash, now);
        struct bucket b = g.bucket;
        double lacking;

        if (g.entry == NULL) {
            if (new_bucket(s, hash, capacity, ttl, now))
                return 0;
            continue;
        }
        refill(&b, rate, capacity, now);
        lacking = 1 - b.tokens;
        if (lacking <= ROUNDING)
            b.tokens -= 1;
        keep_alive(&g, now, ttl);
        if (swap_bucket(g.entry, &g.bucket, &b)) /* also if nothing is taken: it was what it seemed to be */
            return lacking <= ROUNDING ? 0 : wait_for(lacking, rate);
    }
}
