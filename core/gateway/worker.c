#include "gateway/worker.h"

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/balancer.h"
#include "gateway/exchange.h"
#include "gateway/shadow.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define DRAIN_CHECK_INTERVAL (20 * MILLISECOND)
#define PAUSE_TOLD_EVERY     (10 * SECOND)

static void on_drain_check(struct timer *t)
{
    struct worker *w = container_of(t, struct worker, drain_check);

    if (w->exchange_count > 0 || server_conn_count(w->server) > 0) {
        timer_start(w->env, &w->drain_check, DRAIN_CHECK_INTERVAL);
        return;
    }
    w->on_drained(w->owner);
}

struct worker *worker_new(const struct worker_parts *parts)
{
    struct worker *w = mem_zalloc(sizeof(*w));

    w->id = parts->id;
    w->env = parts->env;
    w->config = parts->config;
    w->router = parts->router;
    w->log = parts->log;
    w->store = parts->store;
    w->beat = parts->beat;
    w->started = w->env->wall;
    w->started_monotonic = w->env->now;
    list_init(&w->exchanges);
    list_init(&w->shadows);
    timer_init(&w->drain_check, on_drain_check);
    arena_cache_init(&w->blocks);
    w->plans = plans_new(w->config);
    w->balancers = balancers_new(w->env, w->config, w->log);
    w->client = client_new(w->env, &w->config->client);
    w->server = server_new(w->env, &w->blocks, &w->config->server, exchange_start, w);
    return w;
}

void worker_set_hooks(struct worker *w, struct hooks *hooks)
{
    w->hooks = hooks;
}

static void on_accept(struct listener *l, struct sock *s)
{
    struct worker *w = l->owner;

    server_accept(w->server, s);
}

/* It may last, so it is not told each time. */
static void on_pause(struct listener *l, int error)
{
    struct worker *w = l->owner;

    if (w->pause_told != 0 && w->env->now - w->pause_told < PAUSE_TOLD_EVERY)
        return;
    w->pause_told = w->env->now;
    log_write(w->log, LOG_ERROR, "[SERVICE: Gin] cannot accept connections: %s (%zu are open); they wait%s",
              strerror(error), server_conn_count(w->server),
              error == EMFILE ? ": raise the limit of open files (ulimit -n)" : "");
}

void worker_listen(struct worker *w, struct listener *l)
{
    l->owner = w;
    l->on_accept = on_accept;
    l->on_pause = on_pause;
}

void worker_drain(struct worker *w, void (*on_drained)(void *owner), void *owner)
{
    w->draining = true;
    w->on_drained = on_drained;
    w->owner = owner;
    server_drain(w->server);
    timer_start(w->env, &w->drain_check, 0);
}

void worker_count_exchange(struct worker *w, int change)
{
    if (change > 0) {
        w->exchange_count++;
        return;
    }
    w->exchange_count--;
    if (w->beat != NULL)
        atomic_fetch_add_explicit(&w->beat->requests, 1, memory_order_relaxed);
    if (w->draining && w->exchange_count == 0)
        timer_start(w->env, &w->drain_check, 0);
}

void worker_free(struct worker *w)
{
    if (w == NULL)
        return;
    timer_fini(w->env, &w->drain_check);
    w->draining = false;
    server_free(w->server);
    list_each (&w->shadows, link, after)
        shadow_end(container_of(link, struct exchange, link));
    client_free(w->client);
    env_collect(w->env);
    if (w->hooks != NULL)
        w->hooks->ops->free(w->hooks);
    balancers_free(w->balancers);
    plans_free(w->plans);
    env_collect(w->env);
    arena_cache_fini(&w->blocks);
    mem_free(w);
}
