#include "http/pool.h"

#include "base/mem.h"
#include "base/util.h"
#include <string.h>

enum { SLOTS_AT_FIRST = 64 };

void pool_init(struct pool *p, size_t max, size_t max_per_host, void (*close)(struct pool_entry *e))
{
    *p =
        (struct pool){.max = max, .max_per_host = max_per_host, .close = close, .slot_count = SLOTS_AT_FIRST};
    p->slots = mem_zalloc(p->slot_count * sizeof(struct pool_host *));
    list_init(&p->idle);
}

void pool_fini(struct pool *p)
{
    mem_free(p->slots);
    *p = (struct pool){.slots = NULL};
    list_init(&p->idle);
}

/* FNV-1a. Names come from the configuration, and from where backends redirect to: one of them alone is slow
 * then. */
static uint64_t hash_of(bool tls, struct str name, uint16_t port)
{
    uint64_t h = 14695981039346656037u ^ port ^ ((uint64_t)tls << 16);

    for (size_t i = 0; i < name.len; i++)
        h = (h ^ (unsigned char)name.ptr[i]) * 1099511628211u;
    return h ^ (h >> 32);
}

static struct pool_host *find(const struct pool *p, uint64_t hash, bool tls, struct str name, uint16_t port)
{
    struct pool_host *h = p->slots[hash & (p->slot_count - 1)];

    while (h != NULL && (h->hash != hash || h->port != port || h->tls != tls || !str_equal(h->name, name)))
        h = h->next;
    return h;
}

static void insert(struct pool *p, struct pool_host *h)
{
    struct pool_host **slot = &p->slots[h->hash & (p->slot_count - 1)];

    h->next = *slot;
    *slot = h;
}

static void grow(struct pool *p)
{
    struct pool_host **old = p->slots;
    size_t count = p->slot_count;

    p->slot_count *= 2;
    p->slots = mem_zalloc(p->slot_count * sizeof(struct pool_host *));
    for (size_t i = 0; i < count; i++) {
        struct pool_host *next;

        for (struct pool_host *h = old[i]; h != NULL; h = next) {
            next = h->next;
            insert(p, h);
        }
    }
    mem_free(old);
}

static struct pool_host *host_new(struct pool *p, uint64_t hash, bool tls, struct str name, uint16_t port)
{
    struct pool_host *h = mem_zalloc(sizeof(*h));

    if (p->host_count == p->slot_count)
        grow(p);
    h->hash = hash;
    h->tls = tls;
    h->port = port;
    h->name = (struct str){mem_copy(name.ptr, name.len), name.len};
    list_init(&h->idle);
    insert(p, h);
    p->host_count++;
    return h;
}

static void host_free(struct pool *p, struct pool_host *h)
{
    struct pool_host **at = &p->slots[h->hash & (p->slot_count - 1)];

    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    p->host_count--;
    mem_free((char *)h->name.ptr);
    mem_free(h);
}

void pool_entry_init(struct pool *p, struct pool_entry *e, bool tls, struct str name, uint16_t port)
{
    uint64_t hash = hash_of(tls, name, port);
    struct pool_host *h = find(p, hash, tls, name, port);

    list_init(&e->by_host);
    list_init(&e->by_age);
    e->host = h != NULL ? h : host_new(p, hash, tls, name, port);
    e->host->refs++;
}

void pool_entry_fini(struct pool *p, struct pool_entry *e)
{
    pool_remove(p, e);
    if (--e->host->refs == 0)
        host_free(p, e->host);
    e->host = NULL;
}

struct pool_entry *pool_take(struct pool *p, bool tls, struct str name, uint16_t port)
{
    struct pool_host *h = find(p, hash_of(tls, name, port), tls, name, port);
    struct pool_entry *e;

    if (h == NULL || h->idle_count == 0)
        return NULL;
    e = container_of(h->idle.next, struct pool_entry, by_host);
    pool_remove(p, e);
    return e;
}

bool pool_give(struct pool *p, struct pool_entry *e)
{
    struct pool_host *h = e->host;

    if (h->idle_count >= p->max_per_host)
        return false;
    list_push_front(&h->idle, &e->by_host);
    list_push_back(&p->idle, &e->by_age);
    h->idle_count++;
    p->idle_count++;
    if (p->max > 0 && p->idle_count > p->max)
        p->close(container_of(p->idle.next, struct pool_entry, by_age));
    return true;
}

void pool_remove(struct pool *p, struct pool_entry *e)
{
    if (list_is_empty(&e->by_host))
        return;
    list_remove(&e->by_host);
    list_remove(&e->by_age);
    e->host->idle_count--;
    p->idle_count--;
}
