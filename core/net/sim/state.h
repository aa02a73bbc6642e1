/* state - what the parts of the simulator share; not for others. */
#ifndef NET_SIM_STATE_H
#define NET_SIM_STATE_H

#include "net/sim/sim.h"

struct sim;
struct batch;

/* Something that may be ready: a sock, a listener, an answer. Embedded by it. */
struct source {
    struct batch *batch; /* NULL: not marked */
    size_t index;
    uint64_t id; /* by creation, for the trace */
    void (*run)(struct source *source);
};

/* Sources marked ready, in no order. */
struct batch {
    struct source **sources;
    size_t count, cap;
};

struct random {
    uint64_t s[4];
};

struct sim {
    struct env env;
    struct random chance; /* what env_random gives */
    struct random order;  /* apart from it: who draws a number does not change the order */
    struct batch batches[2];
    struct batch *ready; /* for the next turn */
    unsigned turns;      /* at this instant */
    unsigned spins;      /* those since a byte was read */
    uint64_t trace;
    uint64_t last_id;
    uint16_t last_port;
    struct list socks;
    struct list listeners;
    struct list faults;
    struct list names;
    struct list services;
    struct list answers;
};

struct sim *sim_of(struct env *env);
void sim_note(struct sim *sim, uint64_t value); /* in the trace */

void source_init(struct sim *sim, struct source *source, void (*run)(struct source *source));
void source_mark(struct sim *sim, struct source *source); /* runs in a later turn at this instant */
void source_unmark(struct source *source);

/* dial.c */
uint16_t sim_draw_port(struct sim *sim);
struct sock *dial_connect(struct env *env, const struct addr *to, const struct dial_options *options,
                          int *error);
void dial_free(struct sim *sim); /* all socks, listeners and faults */

/* names.c */
void names_resolve(struct env *env, struct resolve *r, struct str host);
void names_resolve_srv(struct env *env, struct resolve_srv *r, struct str name);
void names_free(struct sim *sim);

#endif
