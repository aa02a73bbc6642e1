#include "base/store.h"

#include "base/clock.h"
#include "base/siphash.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

enum {
    SET = 8, /* neighbouring places; a key has two sets of them to stand in */
    SHARDS_MAX = 64,
    SHARD_MIN = 1024, /* entries */
    LINE = 64,
};

/* A token that lacks no more than this is one; what it lacks is owed. */
#define ROUNDING 1e-9

enum kind { BUCKET, RECORD, SUM };

struct bucket {
    double tokens;
    int64_t last; /* when tokens was true */
};

struct record {
    uint64_t version;
    double value[4];
};

struct entry {
    struct siphash hash;
    int64_t expires; /* 0: never used */
    union {
        struct bucket bucket;
        struct record record;
        double sum;
    };
};

_Static_assert(sizeof(struct entry) == LINE, "an entry is a cache line");

struct shard {
    _Alignas(LINE) pthread_mutex_t lock;
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

static size_t power_of_two(size_t least)
{
    size_t power = 1;

    while (power < least)
        power *= 2;
    return power;
}

static void init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

struct store *store_new(size_t entries, struct error *err)
{
    uint64_t key[2];

    if (entries > SIZE_MAX / 1024) {
        error_set(err, "store: %zu entries are too many", entries);
        return NULL;
    }
    if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
        error_set(err, "store: no random key: %s", strerror(errno));
        return NULL;
    }
    /* a third and more stays empty, so that a key hardly ever finds its places taken */
    size_t total = power_of_two(entries + entries / 2 < SHARD_MIN ? SHARD_MIN : entries + entries / 2);
    size_t shards = total / SHARD_MIN < SHARDS_MAX ? total / SHARD_MIN : SHARDS_MAX;
    size_t head = sizeof(struct store) + shards * sizeof(struct shard);
    size_t size = head + total * sizeof(struct entry);
    struct store *s =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s == MAP_FAILED) {
        error_set(err, "store: cannot map %zu bytes: %s", size, strerror(errno));
        return NULL;
    }
    s->size = size;
    memcpy(s->key, key, sizeof(key));
    s->shard_count = shards;
    s->shard_size = total / shards;
    s->entries = (struct entry *)((char *)s + head);
    for (size_t i = 0; i < shards; i++)
        init_lock(&s->shards[i].lock);
    return s;
}

void store_free(struct store *s)
{
    if (s != NULL)
        munmap(s, s->size);
}

static struct entry *shard_entries(struct store *s, const struct shard *shard)
{
    return s->entries + (size_t)(shard - s->shards) * s->shard_size;
}

static void lock(struct store *s, struct shard *shard)
{
    int result = pthread_mutex_lock(&shard->lock);

    if (result != EOWNERDEAD) {
        assert(result == 0);
        return;
    }
    if (shard->undo_at > 0) {
        shard_entries(s, shard)[shard->undo_at - 1] = shard->undo;
        shard->undo_at = 0;
    }
    s->rescues++;
    pthread_mutex_consistent(&shard->lock);
}

/* Between these two an entry may be half written. The fences bind the compiler only: who takes over from the
 * dead reads through the lock. */
static void begin_change(struct store *s, struct shard *shard, const struct entry *e)
{
    shard->undo = *e;
    atomic_signal_fence(memory_order_seq_cst);
    shard->undo_at = (size_t)(e - shard_entries(s, shard)) + 1;
    atomic_signal_fence(memory_order_seq_cst);
}

static void end_change(struct shard *shard)
{
    atomic_signal_fence(memory_order_seq_cst);
    shard->undo_at = 0;
    atomic_signal_fence(memory_order_seq_cst);
}

static void unlock(struct shard *shard)
{
    pthread_mutex_unlock(&shard->lock);
}

/* A key of one kind, found or not, in its locked shard. */
struct place {
    struct shard *shard;
    struct siphash hash;
    struct entry *entry; /* its own if alive, else where it may be put */
    bool alive;
};

/* A set as a search left it. */
struct set {
    struct entry *found; /* the key's entry */
    struct entry *first; /* the one that expires first; unused ones do before all others */
    unsigned dead;       /* how many are unused or expired */
};

/* Places are filled from the first of a set and never become unused again, so a search may end at the first
 * unused one. */
static struct set search_set(struct entry *entries, struct siphash hash, int64_t now)
{
    struct set set = {.first = entries};

    for (unsigned i = 0; i < SET; i++) {
        struct entry *e = &entries[i];
        if (e->hash.half[0] == hash.half[0] && e->hash.half[1] == hash.half[1] && e->expires > 0) {
            set.found = e;
            break;
        }
        if (e->expires < set.first->expires)
            set.first = e;
        if (e->expires == 0) {
            set.dead += SET - i;
            break;
        }
        set.dead += e->expires <= now;
    }
    return set;
}

/* A new entry goes into the emptier set, so that both are full only when nearly all are. */
static void search(struct store *s, struct place *p, int64_t now)
{
    struct entry *entries = shard_entries(s, p->shard);
    size_t mask = s->shard_size - SET;
    struct set left = search_set(&entries[p->hash.half[1] & mask], p->hash, now), right = {0};

    if (left.found == NULL)
        right = search_set(&entries[(p->hash.half[1] >> 32) & mask], p->hash, now);
    p->entry = left.found != NULL ? left.found : right.found;
    p->alive = p->entry != NULL && p->entry->expires > now;
    if (p->entry == NULL && left.dead + right.dead > 0)
        p->entry = left.dead >= right.dead ? left.first : right.first;
    else if (p->entry == NULL)
        p->entry = left.first->expires <= right.first->expires ? left.first : right.first;
}

struct store_key store_key(const struct store *s, const struct store_key *scope, struct str key)
{
    uint64_t secret[2] = {s->key[0], s->key[1]};
    struct siphash hash;

    if (scope != NULL) {
        secret[0] ^= scope->half[0];
        secret[1] ^= scope->half[1];
    }
    hash = siphash_of(secret, key);
    return (struct store_key){{hash.half[0], hash.half[1]}};
}

/* Sets the kinds of entry under one key apart. */
static const uint64_t salts[] = {[BUCKET] = 0, [RECORD] = 0x9e3779b97f4a7c15, [SUM] = 0xc2b2ae3d27d4eb4f};

static struct place take_place(struct store *s, enum kind kind, struct store_key key, int64_t now)
{
    struct place p = {.hash = {{key.half[0] ^ salts[kind], key.half[1]}}};

    p.shard = &s->shards[p.hash.half[0] & (s->shard_count - 1)];
    lock(s, p.shard);
    search(s, &p, now);
    return p;
}

static int64_t expiry(int64_t now, int64_t ttl)
{
    int64_t at;

    if (__builtin_add_overflow(now, ttl, &at))
        return INT64_MAX;
    return at > 0 ? at : 1;
}

/* Starts a change of the entry of p, zeroed if it is new. */
static struct entry *change(struct store *s, struct place *p, int64_t now, int64_t ttl)
{
    struct entry *e = p->entry;

    begin_change(s, p->shard, e);
    if (!p->alive)
        *e = (struct entry){.hash = p->hash};
    e->expires = expiry(now, ttl);
    return e;
}

/* Of an entry that is alive, without a copy to undo it by: it is the most frequent change, and may end
 * between any two of these. Then what was refilled is lost; no token is there that was not before. */
static void write_bucket(struct entry *e, const struct bucket *b, int64_t expires)
{
    e->expires = expires;
    atomic_signal_fence(memory_order_seq_cst);
    e->bucket.last = b->last;
    atomic_signal_fence(memory_order_seq_cst);
    e->bucket.tokens = b->tokens;
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

int64_t store_take(struct store *s, struct store_key key, double rate, double capacity, int64_t ttl,
                   int64_t now)
{
    struct place p = take_place(s, BUCKET, key, now);
    struct bucket b = p.alive ? p.entry->bucket : (struct bucket){capacity, now};
    double lacking, wait;

    refill(&b, rate, capacity, now);
    lacking = 1 - b.tokens;
    if (lacking <= ROUNDING)
        b.tokens -= 1;
    if (p.alive) {
        write_bucket(p.entry, &b, expiry(now, ttl));
    } else {
        change(s, &p, now, ttl)->bucket = b;
        end_change(p.shard);
    }
    unlock(p.shard);
    if (lacking <= ROUNDING)
        return 0;
    wait = lacking / rate * SECOND;
    return wait < 9e18 ? (int64_t)wait + 1 : INT64_MAX;
}

void store_read(struct store *s, struct store_key key, int64_t now, struct store_record *record)
{
    struct place p = take_place(s, RECORD, key, now);

    *record = (struct store_record){0};
    if (p.alive) {
        record->version = p.entry->record.version;
        memcpy(record->value, p.entry->record.value, sizeof(record->value));
    }
    unlock(p.shard);
}

bool store_write(struct store *s, struct store_key key, struct store_record *record, int64_t ttl, int64_t now)
{
    struct place p = take_place(s, RECORD, key, now);
    bool current = record->version == (p.alive ? p.entry->record.version : 0);

    if (current) {
        struct entry *e = change(s, &p, now, ttl);
        /* from one counter, so that an entry that was lost and made anew is not taken for the old one */
        e->record.version = ++p.shard->version;
        memcpy(e->record.value, record->value, sizeof(record->value));
        record->version = e->record.version;
        end_change(p.shard);
    }
    unlock(p.shard);
    return current;
}

double store_add(struct store *s, struct store_key key, double amount, int64_t ttl, int64_t now)
{
    struct place p = take_place(s, SUM, key, now);
    struct entry *e = change(s, &p, now, ttl);
    double sum = e->sum += amount;

    end_change(p.shard);
    unlock(p.shard);
    return sum;
}

size_t store_count(struct store *s, int64_t now)
{
    size_t count = 0;

    for (size_t i = 0; i < s->shard_count; i++) {
        struct shard *shard = &s->shards[i];
        const struct entry *entries = shard_entries(s, shard);
        lock(s, shard);
        for (size_t at = 0; at < s->shard_size; at++)
            count += entries[at].expires > now;
        unlock(shard);
    }
    return count;
}

size_t store_rescues(const struct store *s)
{
    return s->rescues;
}
