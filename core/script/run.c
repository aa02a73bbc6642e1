#include "script/run.h"

#include "base/mem.h"
#include "gateway/worker.h"
#include "script/answer.h"
#include "script/state.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    COLLECT_EVERY = 256, /* runs between two steps of the collector */
};

/* --- coroutines --------------------------------------------------------------------------------- */

static void on_timer(struct timer *t)
{
    run_resume(container_of(t, struct run, timer), 0);
}

static void thread_make(struct run *run)
{
    run->L = lua_newthread(run->script->L);
    run->ref = luaL_ref(run->script->L, LUA_REGISTRYINDEX);
}

static struct run *run_take(struct script *s)
{
    struct run *run;

    if (!list_is_empty(&s->free_runs)) {
        run = container_of(s->free_runs.next, struct run, link);
        list_remove(&run->link);
        return run;
    }
    run = mem_zalloc(sizeof(*run));
    run->script = s;
    list_init(&run->link);
    timer_init(&run->timer, on_timer);
    thread_make(run);
    return run;
}

/* A coroutine that did not run to its end cannot be used again. */
static void thread_replace(struct run *run)
{
    luaL_unref(run->script->L, LUA_REGISTRYINDEX, run->ref);
    thread_make(run);
}

static void run_give(struct run *run, bool finished)
{
    if (!finished)
        thread_replace(run);
    list_push_front(&run->script->free_runs, &run->link);
}

void runs_free(struct script *s)
{
    list_each (&s->free_runs, link, after) {
        struct run *run = container_of(link, struct run, link);

        if (s->worker != NULL)
            timer_fini(s->worker->env, &run->timer);
        luaL_unref(s->L, LUA_REGISTRYINDEX, run->ref);
        mem_free(run);
    }
    list_init(&s->free_runs);
}

/* --- running one function ----------------------------------------------------------------------- */

/* The watchdog reads this when the worker has stopped beating: whose code is it in? */
static void beat_enter(struct script *s, const struct entry *e)
{
    struct beat *beat = s->beat;

    if (beat == NULL)
        return;
    if (s->last_where != e->where) {
        memcpy(beat->where, e->where, WHERE_MAX);
        s->last_where = e->where;
    }
    atomic_store_explicit(&beat->plugin, e->plugin, memory_order_release);
}

static void beat_leave(struct script *s)
{
    if (s->beat != NULL)
        atomic_store_explicit(&s->beat->plugin, -1, memory_order_release);
}

/* The layers outside of one that fails a reply have let the call through too: they see it failed, each once.
 * Of a call that was cut they see why. */
static enum hook_result fail_within_reply(struct run *run, const struct answer_taken *taken)
{
    if (!run->c->cut)
        answer_apply(run->x, run->c, HOOK_FAILED, taken);
    if (taken->broken)
        thread_replace(run);
    return HOOK_NEXT;
}

bool run_is_foreign(const struct run *run)
{
    return run == NULL || !run->entry->ours;
}

bool run_is_before_router(const struct run *run)
{
    return run != NULL && run->phase == PHASE_REQUEST && run->entry->outer;
}

/* Runs or resumes the function of the current entry with what is on its stack. */
static enum hook_result run_function(struct run *run, int values, struct answer_taken *taken)
{
    struct script *s = run->script;
    enum hook_result result;
    int status;

    s->running = run;
    beat_enter(s, run->entry);
    status = lua_resume(run->L, values);
    beat_leave(s);
    s->running = NULL;
    if (status == LUA_YIELD && run->cancel != NULL)
        return HOOK_WAIT;
    result = answer_take(run, run->entry, status, taken);
    if (run->phase == PHASE_REPLY && result == HOOK_FAILED)
        result = fail_within_reply(run, taken);
    return result;
}

/* Does this phase's function of a layer apply to the exchange or call at hand? */
static bool entry_applies(const struct run *run, const struct entry *e)
{
    if (run->phase == PHASE_REPLY)
        return e->layer < run->depth;
    return e->outer || !run->x->outer;
}

static bool is_stopped(const struct script *s, const struct entry *e)
{
    const struct beat *beat = s->beat;

    return beat != NULL && e->plugin >= 0 && e->plugin < BEAT_PLUGINS &&
           atomic_load_explicit(&beat->stopped[e->plugin], memory_order_relaxed);
}

static enum hook_result refuse_stopped(struct run *run, struct answer_taken *taken)
{
    enum hook_result result = answer_stopped(run, run->entry, taken);

    if (run->phase == PHASE_REPLY)
        result = fail_within_reply(run, taken);
    return result;
}

/* function(instance, exchange or call) */
static enum hook_result call_function(struct run *run, struct answer_taken *taken)
{
    struct script *s = run->script;

    run->failing = false;
    lua_rawgeti(run->L, LUA_REGISTRYINDEX, run->entry->function);
    lua_rawgeti(run->L, LUA_REGISTRYINDEX, run->entry->instance);
    s->running = run;
    if (run->c != NULL)
        push_call(s, run->L, run->c);
    else
        push_exchange(s, run->L, run->x);
    return run_function(run, 2, taken);
}

static enum hook_result run_chain(struct run *run, struct answer_taken *taken)
{
    const struct chain *chain = &run->place->phases[run->phase];
    enum hook_result result = HOOK_NEXT;

    while (result == HOOK_NEXT && run->next < chain->count) {
        const struct entry *e = &chain->entries[run->next++];

        if (!entry_applies(run, e))
            continue;
        if (e->function == LUA_NOREF) {
            exchange_apply_static(run->x);
            continue;
        }
        if (run->phase == PHASE_CALL)
            run->c->hook_depth = e->layer;
        run->entry = e;
        result = is_stopped(run->script, e) ? refuse_stopped(run, taken) : call_function(run, taken);
    }
    if (result == HOOK_NEXT && run->phase == PHASE_CALL)
        run->c->hook_depth = run->place->layers;
    return result;
}

/* --- the collector ------------------------------------------------------------------------------ */

static void collect_sometimes(struct script *s)
{
    if (++s->since_collect >= COLLECT_EVERY) {
        s->since_collect = 0;
        env_defer(s->worker->env, &s->collect_task);
    }
}

/* --- a phase ------------------------------------------------------------------------------------ */

/* The run is over. What it decided is carried out last: that may end the exchange. */
static void run_end(struct run *run, enum hook_result result, const struct answer_taken *taken)
{
    struct exchange *x = run->x;
    struct call *c = run->c;
    bool applies = run->phase != PHASE_LOG;

    if (result == HOOK_NEXT) {
        run_give(run, true);
        return;
    }
    run_give(run, !taken->broken);
    if (applies)
        answer_apply(x, c, result, taken);
}

static void run_suspend(struct run *run)
{
    struct life *life = run->c != NULL ? run->c->script : run->x->script;

    list_push_back(&life->waiting, &run->link);
}

enum hook_result run_start(struct script *s, enum phase phase, const struct place *place, struct exchange *x,
                           struct call *c)
{
    bool of_call = phase == PHASE_CALL || phase == PHASE_REPLY;
    struct answer_taken taken;
    enum hook_result result;
    struct run *run;

    if (phase == PHASE_CALL)
        c->hook_depth = place->layers;
    if (place->phases[phase].count == 0)
        return HOOK_NEXT;
    run = run_take(s);
    run->phase = phase;
    run->place = place;
    run->x = of_call ? c->exchange : x;
    run->c = of_call ? c : NULL;
    run->next = 0;
    run->depth = phase == PHASE_REPLY ? c->hook_depth : 0;
    collect_sometimes(s);
    result = run_chain(run, &taken);
    if (result == HOOK_WAIT)
        run_suspend(run);
    else
        run_end(run, result, &taken);
    return result;
}

/* --- waiting ------------------------------------------------------------------------------------ */

struct run *check_can_wait(struct script *s, lua_State *L, const char *function)
{
    struct run *run = s->running;

    if (run == NULL)
        luaL_error(L, "%s can be called in a phase only", function);
    if (run->phase == PHASE_LOG)
        luaL_error(
            L,
            "%s cannot be called in the log phase (only in: request, proxy, call, reply, merged, response)",
            function);
    if (run->x->gone)
        luaL_error(L, "%s cannot be called: the client has gone", function);
    if (run->c != NULL && run->c->cut)
        luaL_error(L, "%s cannot be called: the call was cut", function);
    if (run->L != L)
        luaL_error(L, "%s cannot be called inside a coroutine of the plugin", function);
    if (!lua_isyieldable(L)) /* what it starts would end later, in whatever the coroutine then is */
        luaL_error(L,
                   "%s cannot be called inside a function of the library such as table.sort or string.gsub",
                   function);
    return run;
}

int run_wait(struct run *run, void (*cancel)(struct run *run))
{
    run->cancel = cancel;
    return lua_yield(run->L, 0);
}

void run_resume(struct run *run, int results)
{
    struct answer_taken taken;
    enum hook_result result;
    struct exchange *x = run->x;
    struct call *c = run->c;

    run->cancel = NULL;
    list_remove(&run->link);
    result = run_function(run, results, &taken);
    if (result == HOOK_NEXT)
        result = run_chain(run, &taken);
    if (result == HOOK_WAIT) {
        run_suspend(run);
        return;
    }
    run_end(run, result, &taken);
    if (c != NULL)
        call_resume(c, result);
    else
        exchange_resume(x, result);
}

void runs_cancel(struct life *life)
{
    struct answer_taken taken;

    list_each (&life->waiting, link, after) {
        struct run *run = container_of(link, struct run, link);

        list_remove(&run->link);
        run->cancel(run);
        run->cancel = NULL;
        thread_replace(run);
        if (run->phase == PHASE_REPLY) /* the layers outside of it see each reply once */
            run_chain(run, &taken);
        run_give(run, true);
    }
}

/* --- phases ------------------------------------------------------------------------------------- */

void check_phase(struct script *s, lua_State *L, const char *function, unsigned phases)
{
    char list[96] = "";
    size_t len = 0;

    if (s->running != NULL && (phases & (1u << s->running->phase)) != 0)
        return;
    if (s->running == NULL)
        luaL_error(L, "%s can be called in a phase only", function);
    for (int i = 0; i < PHASE_COUNT; i++)
        if ((phases & (1u << i)) != 0)
            len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len > 0 ? ", " : "",
                                    phase_name((enum phase)i));
    luaL_error(L, "%s cannot be called in the %s phase (only in: %s)", function,
               phase_name(s->running->phase), list);
}

void check_own_phase(struct script *s, lua_State *L, const char *function, unsigned phases,
                     const struct exchange *x, const struct call *c)
{
    check_phase(s, L, function, phases);
    if (c != NULL && s->running->c != c)
        luaL_error(L, "%s cannot be called on another call", function);
    if (s->running->x != x)
        luaL_error(L, "%s cannot be called on another request's exchange", function);
}
