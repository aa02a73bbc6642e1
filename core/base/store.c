#include "base/store_table.h"

#include <string.h>

struct store_key store_key(const struct store *s, struct str key)
{
    struct siphash hash = siphash_of(s->key, key);

    return (struct store_key){{hash.half[0], hash.half[1]}};
}

/* Nobody can find keys whose secret hashes differ by what two scopes differ by. */
struct store_key store_key_within(struct store_key scope, struct store_key key)
{
    return (struct store_key){{key.half[0] ^ scope.half[0], key.half[1] ^ scope.half[1]}};
}

/* --- records and sums: under the lock ----------------------------------------------------------- */

void store_read(struct store *s, struct store_key key, int64_t now, struct store_record *record)
{
    struct place p = table_find(s, table_hash(key, STORE_RECORDS), now);

    *record = (struct store_record){0};
    if (p.alive) {
        record->version = p.entry->record.version;
        memcpy(record->value, p.entry->record.value, sizeof(record->value));
    }
    table_unlock(p.shard);
}

bool store_write(struct store *s, struct store_key key, struct store_record *record, int64_t ttl, int64_t now)
{
    struct place p = table_find(s, table_hash(key, STORE_RECORDS), now);
    bool current = record->version == (p.alive ? p.entry->record.version : 0);

    if (current) {
        struct entry *e = table_begin_change(s, &p);
        /* from one counter, so that an entry that was lost and made anew is not taken for the old one */
        e->record.version = ++p.shard->version;
        memcpy(e->record.value, record->value, sizeof(record->value));
        record->version = e->record.version;
        table_end_change(&p, table_expiry(now, ttl));
    }
    table_unlock(p.shard);
    return current;
}

double store_add(struct store *s, struct store_key key, double amount, int64_t ttl, int64_t now)
{
    struct place p = table_find(s, table_hash(key, STORE_SUMS), now);
    double sum = table_begin_change(s, &p)->sum += amount;

    table_end_change(&p, table_expiry(now, ttl));
    table_unlock(p.shard);
    return sum;
}
