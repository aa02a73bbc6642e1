/* chain - what runs at a place in a phase: functions of plugins, in running order.
 *
 * A place is the service, an endpoint or a backend. Its plugins are layers, the outermost first; a layer that
 * has no function for a phase is not in that phase's chain, but keeps its number: that is how a call
 * remembers which layers let it through.
 */
#ifndef SCRIPT_CHAIN_H
#define SCRIPT_CHAIN_H

#include "base/arena.h"
#include "gateway/config.h"
#include "gateway/hooks.h"

enum { WHERE_MAX = 96 }; /* of the room in beat->where */

enum scope { SCOPE_SERVICE, SCOPE_ENDPOINT, SCOPE_BACKEND };

struct entry {
    int function; /* refs; LUA_NOREF: a step of the gateway's own, proxy.static in the merged phase */
    int instance;
    int plugin;        /* number of the plugin, for the watchdog; -1: of none */
    unsigned layer;    /* 0: the outermost */
    bool ours;         /* not a team's */
    bool outer;        /* around the router: runs for redirects and /__health too (x->outer) */
    const char *name;  /* of the plugin */
    const char *where; /* "<name>, <phase> phase", WHERE_MAX bytes, filled up with NUL */
};

struct chain {
    struct entry *entries;
    unsigned count, cap;
};

struct place {
    struct chain phases[PHASE_COUNT];
    unsigned layers;
};

struct chains {
    struct arena arena;
    struct place service;
    struct place *endpoints; /* by endpoint->id */
    struct place *backends;  /* by backend->id */
    uint8_t *endpoint_phases, *backend_phases, *wants_body, *wants_content;
    bool service_wants_body;
    size_t endpoint_count, backend_count;
};

void chains_init(struct chains *c, const struct config *config);
void chains_fini(struct chains *c);

/* The place of a scope; NULL if there is no such id. */
struct place *chains_place(struct chains *c, enum scope scope, size_t id);
/* Appends to a phase of a place. */
void chain_add(struct chains *c, struct place *place, enum phase phase, const struct entry *e);
/* "<plugin>, <phase> phase" in the arena, WHERE_MAX bytes. */
const char *chain_where(struct chains *c, struct str plugin, enum phase phase);
/* Gives hooks the masks of what is attached. */
void chains_publish(struct chains *c, struct hooks *h);

const char *phase_name(enum phase phase);
bool phase_by_name(struct str name, enum phase *phase);

#endif
