#include "script/chain.h"

#include <stdio.h>
#include <string.h>

static const char *const phase_names[PHASE_COUNT] = {
    "request", "proxy", "call", "reply", "merged", "response", "log",
};

const char *phase_name(enum phase phase)
{
    return phase_names[phase];
}

bool phase_by_name(struct str name, enum phase *phase)
{
    for (int i = 0; i < PHASE_COUNT; i++)
        if (str_equal(name, str_of(phase_names[i]))) {
            *phase = (enum phase)i;
            return true;
        }
    return false;
}

void chains_init(struct chains *c, const struct config *config)
{
    memset(c, 0, sizeof(*c));
    arena_init(&c->arena, NULL);
    c->endpoint_count = config->endpoint_count;
    c->backend_count = config->backend_count;
    c->endpoints = arena_zalloc(&c->arena, c->endpoint_count * sizeof(*c->endpoints));
    c->backends = arena_zalloc(&c->arena, c->backend_count * sizeof(*c->backends));
    c->endpoint_phases = arena_zalloc(&c->arena, c->endpoint_count);
    c->wants_body = arena_zalloc(&c->arena, c->endpoint_count);
    c->backend_phases = arena_zalloc(&c->arena, c->backend_count);
    c->wants_content = arena_zalloc(&c->arena, c->backend_count);
}

void chains_fini(struct chains *c)
{
    arena_fini(&c->arena);
}

struct place *chains_place(struct chains *c, enum scope scope, size_t id)
{
    switch (scope) {
    case SCOPE_SERVICE: return &c->service;
    case SCOPE_ENDPOINT: return id < c->endpoint_count ? &c->endpoints[id] : NULL;
    case SCOPE_BACKEND: return id < c->backend_count ? &c->backends[id] : NULL;
    }
    return NULL;
}

void chain_add(struct chains *c, struct place *place, enum phase phase, const struct entry *e)
{
    struct chain *chain = &place->phases[phase];
    struct entry *larger;

    if (chain->count == chain->cap) {
        chain->cap = chain->cap == 0 ? 2 : chain->cap * 2;
        larger = arena_alloc(&c->arena, chain->cap * sizeof(*larger));
        if (chain->count > 0)
            memcpy(larger, chain->entries, chain->count * sizeof(*larger));
        chain->entries = larger;
    }
    chain->entries[chain->count++] = *e;
}

const char *chain_where(struct chains *c, struct str plugin, enum phase phase)
{
    char *where = arena_zalloc(&c->arena, WHERE_MAX);

    snprintf(where, WHERE_MAX, "%.*s, %s phase", STR_ARG(plugin), phase_names[phase]);
    return where;
}

static uint8_t place_mask(const struct place *p)
{
    uint8_t mask = 0;

    for (int i = 0; i < PHASE_COUNT; i++)
        if (p->phases[i].count > 0)
            mask |= (uint8_t)(1u << i);
    return mask;
}

void chains_publish(struct chains *c, struct hooks *h)
{
    for (size_t i = 0; i < c->endpoint_count; i++)
        c->endpoint_phases[i] = place_mask(&c->endpoints[i]);
    for (size_t i = 0; i < c->backend_count; i++)
        c->backend_phases[i] = place_mask(&c->backends[i]);
    h->service_phases = place_mask(&c->service);
    h->endpoint_phases = c->endpoint_phases;
    h->backend_phases = c->backend_phases;
    h->endpoint_wants_body = c->wants_body;
    h->service_wants_body = c->service_wants_body;
    h->backend_wants_content = c->wants_content;
}
