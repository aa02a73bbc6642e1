/* pool - connections kept for the next request, by authority.
 *
 * The connection kept last is taken first: it is the warmest, and the others may grow old. When all hosts
 * together keep too many, the oldest goes.
 *
 * Owner:   the struct that embeds it. Entries are embedded in connections; the pool never frees one, it asks
 * the owner to close it.
 */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include "base/list.h"
#include "base/str.h"

/* An authority. It lives as long as a connection refers to it. */
struct pool_host {
    struct pool_host *next; /* in its slot */
    uint64_t hash;
    struct list idle; /* newest first */
    unsigned idle_count;
    unsigned refs;
    struct str name;
    uint16_t port;
    bool tls;
};

struct pool_entry {
    struct pool_host *host;
    struct list by_host;
    struct list by_age;
};

struct pool {
    struct pool_host **slots;
    size_t slot_count; /* a power of two */
    size_t host_count;
    struct list idle; /* oldest first */
    size_t idle_count;
    size_t max;          /* 0: no limit */
    size_t max_per_host; /* 0: none is kept */
    void (*close)(struct pool_entry *e);
};

void pool_init(struct pool *p, size_t max, size_t max_per_host, void (*close)(struct pool_entry *e));
void pool_fini(struct pool *p); /* without entries left */

/* A connection to that authority begins, and ends. */
void pool_entry_init(struct pool *p, struct pool_entry *e, bool tls, struct str name, uint16_t port);
void pool_entry_fini(struct pool *p, struct pool_entry *e);

/* The newest kept connection; NULL: none. */
struct pool_entry *pool_take(struct pool *p, bool tls, struct str name, uint16_t port);
/* Keeps it; false: its host has enough. May close the oldest of all. */
bool pool_give(struct pool *p, struct pool_entry *e);
void pool_remove(struct pool *p, struct pool_entry *e); /* fine when it is not kept */

#endif
