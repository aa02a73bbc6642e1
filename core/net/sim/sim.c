#include "net/sim/state.h"

#include "base/clock.h"
#include "base/mem.h"

/* 2026-01-01T00:00:00Z; and a monotonic clock that is neither 0 nor the wall's. */
#define WALL_START (1767225600 * SECOND)
#define NOW_START  HOUR

/* Turns at one instant before it counts as spinning: without a byte read, and in all. */
enum { SPINS_MAX = 100000, TURNS_MAX = 100 * SPINS_MAX };

struct sim *sim_of(struct env *env)
{
    return container_of(env, struct sim, env);
}

/* --- chance: xoshiro256**, seeded by splitmix64 --------------------------------------------------- */

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void random_init(struct random *r, uint64_t *seed)
{
    for (size_t i = 0; i < ARRAY_LEN(r->s); i++)
        r->s[i] = splitmix(seed);
}

static uint64_t rotate(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

static uint64_t random_next(struct random *r)
{
    uint64_t result = rotate(r->s[1] * 5, 7) * 9;
    uint64_t shifted = r->s[1] << 17;

    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= shifted;
    r->s[3] = rotate(r->s[3], 45);
    return result;
}

static uint64_t sim_random(struct env *env)
{
    return random_next(&sim_of(env)->chance);
}

/* --- the trace --------------------------------------------------------------------------------- */

void sim_note(struct sim *sim, uint64_t value)
{
    uint64_t state = sim->trace ^ value;

    sim->trace = splitmix(&state);
}

uint64_t sim_trace(struct env *env)
{
    return sim_of(env)->trace;
}

/* --- what is ready ----------------------------------------------------------------------------- */

static void batch_add(struct batch *b, struct source *source)
{
    if (b->count == b->cap) {
        b->cap = b->cap ? 2 * b->cap : 16;
        b->sources = mem_realloc(b->sources, b->cap * sizeof(*b->sources));
    }
    source->batch = b;
    source->index = b->count;
    b->sources[b->count++] = source;
}

void source_init(struct sim *sim, struct source *source, void (*run)(struct source *source))
{
    source->batch = NULL;
    source->id = ++sim->last_id;
    source->run = run;
}

void source_mark(struct sim *sim, struct source *source)
{
    if (!source->batch)
        batch_add(sim->ready, source);
}

void source_unmark(struct source *source)
{
    struct batch *b = source->batch;
    struct source *last;

    if (!b)
        return;
    last = b->sources[--b->count];
    b->sources[source->index] = last;
    last->index = source->index;
    source->batch = NULL;
}

/* --- turns ------------------------------------------------------------------------------------- */

/* One in eight is left for the next turn: what is ready together need not be seen together. */
static void run_ready(struct sim *sim)
{
    struct batch *batch = sim->ready;

    sim->ready = batch == &sim->batches[0] ? &sim->batches[1] : &sim->batches[0];
    while (batch->count > 0) {
        uint64_t draw = random_next(&sim->order);
        struct source *source = batch->sources[(draw >> 8) % batch->count];

        source_unmark(source);
        if (draw % 8 == 0) {
            source_mark(sim, source);
            continue;
        }
        sim_note(sim, source->id);
        source->run(source);
    }
}

/* One of the timers that are due, by lot. */
static bool run_timer(struct sim *sim)
{
    struct env *env = &sim->env;
    struct timer *due[8], *chosen;
    size_t count = 0, choice;

    while (count < ARRAY_LEN(due) && (due[count] = env_take_due(env)))
        count++;
    if (count == 0)
        return false;
    choice = count == 1 ? 0 : random_next(&sim->order) % count;
    chosen = due[choice];
    for (size_t i = 0; i < count; i++) {
        if (i != choice)
            env_put_back(env, due[i]);
    }
    chosen->fn(chosen);
    return true;
}

static void run_turn(struct sim *sim)
{
    run_ready(sim);
    /* A timer that made something ready may or may not come before the timers of the same instant. */
    while (run_timer(sim)) {
        if (sim->ready->count > 0 && random_next(&sim->order) % 2)
            break;
    }
    env_run_tasks(&sim->env);
    env_collect(&sim->env);
}

static void set_now(struct sim *sim, int64_t now)
{
    sim->env.now = now;
    sim->env.wall = WALL_START + (now - NOW_START);
    sim->spins = sim->turns = 0;
    sim_note(sim, (uint64_t)now);
}

static bool is_spinning(struct sim *sim)
{
    return ++sim->spins >= SPINS_MAX || ++sim->turns >= TURNS_MAX;
}

/* To where something happens, at most to end. False if nothing does until then. */
static bool find_next(struct sim *sim, int64_t end)
{
    int64_t next;

    if (sim->ready->count > 0 || !list_is_empty(&sim->env.tasks))
        return !is_spinning(sim);
    next = env_next_deadline(&sim->env);
    if (next <= sim->env.now)
        return !is_spinning(sim);
    if (next == INT64_MAX)
        return false;
    if (next > end) {
        set_now(sim, end);
        return false;
    }
    set_now(sim, next);
    return true;
}

static int64_t end_of(const struct sim *sim, int64_t limit)
{
    return limit < INT64_MAX - 1 - sim->env.now ? sim->env.now + limit : INT64_MAX - 1;
}

bool sim_run(struct env *env, bool (*done)(void *owner), void *owner, int64_t limit)
{
    struct sim *sim = sim_of(env);
    int64_t end = end_of(sim, limit);

    sim->spins = sim->turns = 0;
    while (!done || !done(owner)) {
        if (!find_next(sim, end))
            return false;
        run_turn(sim);
    }
    return true;
}

void sim_advance(struct env *env, int64_t ns)
{
    struct sim *sim = sim_of(env);
    int64_t end = end_of(sim, ns);

    (void)sim_run(env, NULL, NULL, ns);
    if (env->now < end)
        set_now(sim, end);
}

/* --- life -------------------------------------------------------------------------------------- */

static const struct env_ops sim_ops = {
    .connect = dial_connect,
    .resolve = names_resolve,
    .resolve_srv = names_resolve_srv,
    .random = sim_random,
};

struct env *sim_new(uint64_t seed)
{
    struct sim *sim = mem_zalloc(sizeof(*sim));

    env_init(&sim->env, &sim_ops);
    random_init(&sim->chance, &seed);
    random_init(&sim->order, &seed);
    sim->ready = &sim->batches[0];
    list_init(&sim->socks);
    list_init(&sim->listeners);
    list_init(&sim->faults);
    list_init(&sim->names);
    list_init(&sim->services);
    list_init(&sim->answers);
    set_now(sim, NOW_START);
    return &sim->env;
}

void sim_free(struct env *env)
{
    struct sim *sim;

    if (!env)
        return;
    sim = sim_of(env);
    dial_free(sim);
    names_free(sim);
    env_fini(env);
    mem_free(sim->batches[0].sources);
    mem_free(sim->batches[1].sources);
    mem_free(sim);
}
