#include "base/store_table.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

enum {
    SHARDS_MAX = 64,
    SHARD_MIN = 1024, /* entries */
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

static struct entry *entries_of(struct store *s, const struct shard *shard)
{
    return table_entries(s, (size_t)(shard - s->shards));
}

static void set_hash(struct entry *e, struct siphash hash)
{
    atomic_store_explicit(&e->hash[0], hash.half[0], memory_order_relaxed);
    atomic_store_explicit(&e->hash[1], hash.half[1], memory_order_relaxed);
}

/* Where expires is not 0 the change was not begun, or is made: others may have taken from the bucket since.
 */
static void undo(struct entry *e, const struct entry *was)
{
    if (e->expires != 0)
        return;
    set_hash(e, (struct siphash){{was->hash[0], was->hash[1]}});
    e->record = was->record;
    atomic_store_explicit(&e->expires, was->expires, memory_order_release);
}

static void lock(struct store *s, struct shard *shard)
{
    int result = pthread_mutex_lock(&shard->lock);

    if (result != EOWNERDEAD) {
        assert(result == 0);
        return;
    }
    if (shard->undo_at > 0)
        undo(&entries_of(s, shard)[shard->undo_at - 1], &shard->undo);
    shard->undo_at = 0;
    s->rescues++;
    pthread_mutex_consistent(&shard->lock);
}

void table_unlock(struct shard *shard)
{
    pthread_mutex_unlock(&shard->lock);
}

/* A set as a search left it. */
struct set {
    struct entry *found; /* the key's entry */
    struct entry *first; /* the one that expires first; unused ones do before all others */
    unsigned dead;       /* how many are unused or expired */
};

/* Behind the first unused place all are: none of those taken before is being changed, as we have the lock. */
static struct set search_set(struct entry *entries, struct siphash hash, int64_t now)
{
    struct set set = {.first = entries};

    for (unsigned i = 0; i < STORE_SET; i++) {
        struct entry *e = &entries[i];
        if (table_is_of(e, hash) && e->expires > 0) {
            set.found = e;
            break;
        }
        if (e->expires < set.first->expires)
            set.first = e;
        if (e->expires == 0) {
            set.dead += STORE_SET - i;
            break;
        }
        set.dead += e->expires <= now;
    }
    return set;
}

/* A new entry goes into the emptier set, so that both are full only when nearly all are. */
static void search(struct store *s, struct place *p, int64_t now)
{
    struct set left = search_set(table_left(s, p->hash), p->hash, now), right = {0};

    if (left.found == NULL)
        right = search_set(table_right(s, p->hash), p->hash, now);
    p->entry = left.found != NULL ? left.found : right.found;
    p->alive = p->entry != NULL && p->entry->expires > now;
    if (p->entry == NULL && left.dead + right.dead > 0)
        p->entry = left.dead >= right.dead ? left.first : right.first;
    else if (p->entry == NULL)
        p->entry = left.first->expires <= right.first->expires ? left.first : right.first;
}

struct place table_find(struct store *s, struct siphash hash, int64_t now)
{
    struct place p = {.shard = &s->shards[table_shard(s, hash)], .hash = hash};

    lock(s, p.shard);
    search(s, &p, now);
    return p;
}

int64_t table_expiry(int64_t now, int64_t ttl)
{
    int64_t at;

    if (__builtin_add_overflow(now, ttl, &at))
        return INT64_MAX;
    return at > 0 ? at : 1;
}

/* The fences bind the compiler only: who takes over from the dead reads through the lock. */
struct entry *table_begin_change(struct store *s, const struct place *p)
{
    struct shard *shard = p->shard;
    struct entry *e = p->entry;

    memcpy(&shard->undo, e, sizeof(*e));
    atomic_signal_fence(memory_order_seq_cst);
    shard->undo_at = (size_t)(e - entries_of(s, shard)) + 1;
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&e->expires, 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_release); /* who sees anything of what follows sees this too */
    if (!p->alive) {
        set_hash(e, p->hash);
        memset(&e->record, 0, sizeof(e->record));
    }
    return e;
}

void table_end_change(const struct place *p, int64_t expires)
{
    atomic_store_explicit(&p->entry->expires, expires, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    p->shard->undo_at = 0;
    atomic_signal_fence(memory_order_seq_cst);
}

size_t store_count(struct store *s, int64_t now)
{
    size_t count = 0;

    for (size_t i = 0; i < s->shard_count; i++) {
        struct shard *shard = &s->shards[i];
        const struct entry *entries = entries_of(s, shard);
        lock(s, shard);
        for (size_t at = 0; at < s->shard_size; at++)
            count += entries[at].expires > now;
        table_unlock(shard);
    }
    return count;
}

size_t store_rescues(const struct store *s)
{
    return s->rescues;
}
