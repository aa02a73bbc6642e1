/* store - counters common to all workers, in memory that the master maps before it forks.
 *
 * The store is a table of fixed-size entries found by key. Only whole operations are offered. Taking
 * from a bucket that is there is one compare-and-swap; all else is under a short lock of one shard,
 * which survives the death of its holder (a robust mutex). What the dead one left half done is undone,
 * so a worker may be killed at any point (spec/soak/store_kill.c).
 *
 * A key is any bytes; two different keys never share an entry (they are told apart by a keyed
 * 128-bit hash), nor do the three kinds of entry under one key. An entry lives until ttl has passed
 * since it was last used, a bucket up to an eighth longer; when all places where a key may stand are
 * taken, the entry there that expires first makes room.
 *
 * Owner:   the master; workers inherit the mapping.
 * Threads: and processes: all operations may run at once.
 * Errors:  store_new only.
 */
#ifndef BASE_STORE_H
#define BASE_STORE_H

#include "base/error.h"
#include "base/str.h"

struct store;

/* Room for about entries entries (64 bytes each); pages are touched only when used. */
struct store *store_new(size_t entries, struct error *err);
void store_free(struct store *s); /* unmaps; NULL is fine */

/* A key as the store knows it: made of any bytes, and kept by who uses the same one again and again. */
struct store_key {
    uint64_t half[2];
};
struct store_key store_key(const struct store *s, struct str key);
/* The same key as one user has it: apart from those of others, who have another scope. */
struct store_key store_key_within(struct store_key scope, struct store_key key);

/* A token bucket: continuous refill of rate tokens a second up to capacity, full at first. Takes one
 * token and returns 0, or returns the nanoseconds (> 0) until one will be there. rate > 0, capacity
 * >= 1. Never lets more than capacity + rate * time through, unless it is forgotten before it is full again:
 * ttl is to be capacity / rate or more. now is monotonic, in ns. */
int64_t store_take(struct store *s, struct store_key key, double rate, double capacity, int64_t ttl,
                   int64_t now);

/* A record of four numbers for state machines: read it, decide, write it if nobody was faster. */
struct store_record {
    uint64_t version; /* 0: there is none yet */
    double value[4];
};
void store_read(struct store *s, struct store_key key, int64_t now, struct store_record *record);
/* False, and unchanged, if the version is no longer that of record. Raises record->version. */
bool store_write(struct store *s, struct store_key key, struct store_record *record, int64_t ttl,
                 int64_t now);

/* Adds to a counter (0 at first) and returns the sum. */
double store_add(struct store *s, struct store_key key, double amount, int64_t ttl, int64_t now);

/* How many entries are alive: for inspection and specs. */
size_t store_count(struct store *s, int64_t now);
/* How often a lock was taken over from a holder that died. */
size_t store_rescues(const struct store *s);

#endif
