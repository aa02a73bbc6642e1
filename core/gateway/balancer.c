#include "gateway/balancer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include <stdlib.h>

enum {
    SRV_MAX = 1000,     /* records of one answer that are looked at */
    WEIGHT_SUM = 100,   /* weights are scaled to at most this, or to the number of records */
    SHUFFLE_FROM = 100, /* longer lists are shuffled at each refresh: SD-7 */
};

/* A list of hosts that was looked up; its texts lie behind it. */
struct host_list {
    struct arena arena;
    struct str *hosts;
    size_t count;
};

struct balancer {
    const struct backend *backend;
    size_t next;
    /* of sd: dns */
    struct balancers *all;
    struct timer refresh;
    struct resolve_srv resolve;
    bool resolving;
    struct host_list *list;
};

struct balancers {
    struct env *env;
    const struct config *config;
    struct log *log;
    struct balancer *items; /* by backend->id */
    size_t count;
};

/* --- SRV -------------------------------------------------------------------------------------- */

static uint32_t gcd(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

void balancer_scale_weights(const uint16_t *weights, size_t n, uint32_t *counts)
{
    uint64_t sum = 0;
    uint64_t scale = n > WEIGHT_SUM ? n : WEIGHT_SUM;
    uint32_t divisor = 0;

    for (size_t i = 0; i < n; i++)
        sum += weights[i];
    for (size_t i = 0; i < n; i++) {
        uint64_t w = sum == 0 ? 1 : weights[i];

        counts[i] = (uint32_t)(sum > scale ? w * scale / sum : w);
        divisor = gcd(counts[i], divisor);
    }
    for (size_t i = 0; divisor >= 2 && i < n; i++)
        counts[i] /= divisor;
}

/* Weight descending, then target, then port. */
static int compare_records(const void *left, const void *right)
{
    const struct srv_record *a = left;
    const struct srv_record *b = right;
    int order = str_compare(a->target, b->target);

    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return order != 0 ? order : (int)a->port - (int)b->port;
}

/* Only records of the lowest priority count. */
static size_t select_records(const struct srv_record *records, size_t count, struct srv_record *out)
{
    uint16_t priority = UINT16_MAX;
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        if (records[i].priority < priority)
            priority = records[i].priority;
    }
    for (size_t i = 0; i < count; i++) {
        if (records[i].priority == priority)
            out[n++] = records[i];
    }
    qsort(out, n, sizeof(*out), compare_records);
    return n;
}

static void free_list(void *ptr)
{
    struct host_list *list = ptr;

    if (list == NULL)
        return;
    arena_fini(&list->arena);
    mem_free(list);
}

static void shuffle(struct env *env, struct str *hosts, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = env_random(env) % i;
        struct str kept = hosts[i - 1];

        hosts[i - 1] = hosts[k];
        hosts[k] = kept;
    }
}

static struct host_list *build_list(struct env *env, struct str scheme, const struct srv_record *records,
                                    size_t n)
{
    struct host_list *list = mem_zalloc(sizeof(*list));
    uint16_t *weights;
    uint32_t *counts;
    size_t total = 0;

    arena_init(&list->arena, NULL);
    weights = arena_alloc(&list->arena, (n + 1) * sizeof(*weights));
    counts = arena_alloc(&list->arena, (n + 1) * sizeof(*counts));
    for (size_t i = 0; i < n; i++)
        weights[i] = records[i].weight;
    balancer_scale_weights(weights, n, counts);
    for (size_t i = 0; i < n; i++)
        total += counts[i];
    list->hosts = arena_alloc(&list->arena, (total + 1) * sizeof(*list->hosts));
    for (size_t i = 0; i < n; i++) {
        struct str host = arena_printf(&list->arena, "%.*s://%.*s:%u", STR_ARG(scheme),
                                       STR_ARG(records[i].target), records[i].port);

        for (uint32_t k = 0; k < counts[i]; k++)
            list->hosts[list->count++] = host;
    }
    if (list->count > SHUFFLE_FROM)
        shuffle(env, list->hosts, list->count);
    return list;
}

/* A failed refresh keeps the list there is: SD-3. */
static void on_records(struct resolve_srv *r, const struct srv_record *records, size_t count,
                       const char *error)
{
    struct balancer *b = container_of(r, struct balancer, resolve);
    struct srv_record *selected;
    size_t n;

    b->resolving = false;
    timer_start(b->all->env, &b->refresh, b->all->config->dns_cache_ttl);
    if (count == 0) {
        log_write(b->all->log, LOG_WARNING, "[BACKEND: %.*s] cannot look up the SRV records of %.*s: %s%s",
                  STR_ARG(b->backend->url_pattern.text), STR_ARG(r->name),
                  error != NULL ? error : "no records",
                  b->list != NULL ? "; the hosts known so far stay" : "; calls fail until it answers");
        return;
    }
    if (count > SRV_MAX)
        count = SRV_MAX;
    selected = mem_alloc(count * sizeof(*selected));
    n = select_records(records, count, selected);
    if (b->list != NULL)
        env_release_with(b->all->env, free_list, b->list);
    b->list = build_list(b->all->env, b->backend->sd_scheme, selected, n);
    mem_free(selected);
}

static void start_lookup(struct balancer *b)
{
    b->resolving = true;
    b->resolve =
        (struct resolve_srv){.env = b->all->env, .fn = on_records, .name = b->backend->hosts.items[0]};
    env_resolve_srv(b->all->env, &b->resolve, b->backend->hosts.items[0]);
}

static void on_refresh(struct timer *t)
{
    start_lookup(container_of(t, struct balancer, refresh));
}

/* --- the list --------------------------------------------------------------------------------- */

static void init_balancer(struct balancers *all, const struct backend *backend)
{
    struct balancer *b = &all->items[backend->id];

    b->backend = backend;
    b->all = all;
    b->next = (size_t)(env_random(all->env) >> 16);
    timer_init(&b->refresh, on_refresh);
    if (str_equal(backend->sd, STR("dns")) && backend->hosts.count > 0)
        start_lookup(b);
}

struct balancers *balancers_new(struct env *env, const struct config *config, struct log *log)
{
    struct balancers *all = mem_zalloc(sizeof(*all));

    all->env = env;
    all->config = config;
    all->log = log;
    all->count = config->backend_count;
    all->items = mem_zalloc((all->count + 1) * sizeof(*all->items));
    for (size_t i = 0; i < config->endpoint_count; i++) {
        for (size_t k = 0; k < config->endpoints[i].backend_count; k++)
            init_balancer(all, &config->endpoints[i].backends[k]);
    }
    return all;
}

void balancers_free(struct balancers *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < all->count; i++) {
        struct balancer *b = &all->items[i];

        if (b->all == NULL)
            continue;
        if (b->resolving)
            env_resolve_srv_cancel(&b->resolve);
        timer_fini(all->env, &b->refresh);
        free_list(b->list);
    }
    mem_free(all->items);
    mem_free(all);
}

bool balancer_pick(struct balancers *all, const struct backend *backend, struct str *host, int *index)
{
    struct balancer *b = &all->items[backend->id];
    size_t place;

    if (str_equal(backend->sd, STR("dns"))) {
        if (b->list == NULL || b->list->count == 0)
            return false;
        *host = b->list->hosts[b->next++ % b->list->count];
        *index = -1;
        return true;
    }
    if (backend->hosts.count == 0)
        return false;
    place = backend->hosts.count == 1 ? 0 : b->next++ % backend->hosts.count;
    *host = backend->hosts.items[place];
    *index = (int)place;
    return true;
}
