/* worker - everything one worker process needs. Only the store and the beat live in shared memory. */
#ifndef GATEWAY_WORKER_H
#define GATEWAY_WORKER_H

#include "base/log.h"
#include "base/store.h"
#include "gateway/access_log.h"
#include "gateway/config.h"
#include "gateway/hooks.h"
#include "gateway/plan.h"
#include "gateway/router.h"
#include "http/client.h"
#include "http/server.h"
#include "net/env.h"

enum { BEAT_PLUGINS = 256 };

/* One per worker slot, in memory shared with the master. */
struct beat {
    /* Monotonic ns of the worker's last turn. Before the first one: 0, or while a plugin is being loaded a
     * number that is another one for each step of that. */
    _Atomic int64_t turn;
    _Atomic bool serving;      /* plugins are loaded */
    _Atomic int plugin;        /* number of the plugin being loaded or run, -1: none */
    _Atomic uint64_t requests; /* finished exchanges */
    _Atomic int64_t connections;
    /* "plugin phase", or "plugin, loading file" and "plugin, new of place" before the first turn;
     * NUL-terminated, written before plugin is set */
    char where[256];
    /* By plugin number; set by the master when workers had to be killed in that plugin again and again: where
     * it is attached, 503 is answered instead of running it. Plugins beyond the last are never stopped. */
    _Atomic bool stopped[BEAT_PLUGINS];
};

struct worker {
    int id;
    struct env *env;
    const struct config *config; /* read before the fork, never written */
    const struct router *router;
    struct log *log;
    struct store *store; /* common to all workers */
    struct beat *beat;
    struct arena_cache blocks;
    struct server *server;
    struct client *client;
    struct hooks *hooks;   /* NULL runs without scripts */
    struct list exchanges; /* in flight */
    size_t exchange_count;
    int64_t started; /* env->wall at start: /__health tells the time since */
    int64_t started_monotonic;
    bool draining;
    struct timer drain_check;        /* while draining: are the last connections gone? */
    void (*on_drained)(void *owner); /* nothing is in flight any more */
    void *owner;
    struct balancers *balancers; /* by backend->id: balancer.h */
    struct plans *plans;         /* by endpoint->id: plan.h */
    struct access_clock access_clock;
    int64_t pause_told;  /* env->now when the log was told last that no connections are accepted; 0: never */
    struct list shadows; /* exchanges that call shadow backends: shadow.h */
};

/* What a worker is made of; store, config, router and log are borrowed, the env too. */
struct worker_parts {
    int id;
    struct env *env;
    const struct config *config;
    const struct router *router;
    struct log *log;
    struct store *store;
    struct beat *beat;
};

struct worker *worker_new(const struct worker_parts *parts);
/* After worker_new, before the first request; the worker takes it. */
void worker_set_hooks(struct worker *w, struct hooks *hooks);
/* Takes connections from l (the worker's server becomes its on_accept). */
void worker_listen(struct worker *w, struct listener *l);
/* No new connections (the caller closes the listener), idle ones close, the rest finishes; then on_drained.
 */
void worker_drain(struct worker *w, void (*on_drained)(void *owner), void *owner);
void worker_free(struct worker *w); /* cuts what is in flight */

/* For exchanges: one more (1) or one less (-1) in flight. */
void worker_count_exchange(struct worker *w, int change);

#endif
