/* run - a phase being run: a chain of plugin functions, one after the other, in a reused coroutine.
 *
 *     run_start ──► function ──► function ... ──► result
 *                      └─ run_wait (it yields) ... run_resume ──► ... ──► exchange_resume or call_resume
 *
 * A coroutine that finished is used again; one that failed or was cancelled is left to the collector.
 */
#ifndef SCRIPT_RUN_H
#define SCRIPT_RUN_H

#include "gateway/hooks.h"
#include "net/env.h"
#include "script/chain.h"
#include <lua.h>

struct script;

struct run {
    struct script *script;
    struct list link; /* script->free_runs, or its life's waiting */
    lua_State *L;     /* its coroutine */
    int ref;          /* keeps it */
    enum phase phase;
    struct exchange *x;
    struct call *c; /* call and reply; NULL otherwise */
    const struct place *place;
    unsigned next;             /* the entry to be run next */
    const struct entry *entry; /* the one that runs or waits */
    unsigned depth;            /* reply: layers that let the call through */
    bool failing;              /* its current function has called call:fail */
    struct str failure;        /* what that was given, if failing */
    struct timer timer;
    void *operation;                 /* what it waits for, besides the timer */
    void (*cancel)(struct run *run); /* ends the wait without an event; NULL: not waiting */
};

enum hook_result run_start(struct script *s, enum phase phase, const struct place *place, struct exchange *x,
                           struct call *c);

/* For API functions that wait: checks that waiting is possible here, raising what cannot be ("runtime.sleep
 * cannot be called in the log phase"). */
struct run *check_can_wait(struct script *s, lua_State *L, const char *function);
/* Suspends the running function: `return run_wait(run, cancel);` ends the API function. */
int run_wait(struct run *run, void (*cancel)(struct run *run));
/* Goes on with the topmost results values on run->L. */
void run_resume(struct run *run, int results);

/* Is the plugin that is running somebody else's than ours (or are none of them)? */
bool run_is_foreign(const struct run *run);

/* Is a function of the request phase running that comes before the router (plugin/http-server)? */
bool run_is_before_router(const struct run *run);

/* Drops what is suspended for a life that ends; of a reply the layers that remain run now. */
struct life;
void runs_cancel(struct life *life);
void runs_free(struct script *s);

/* Raises unless a phase of the mask (1 << phase) is running: "exchange:set_field cannot be called in the log
 * phase (only in: request, proxy)". */
void check_phase(struct script *s, lua_State *L, const char *function, unsigned phases);
/* The same, and unless it is the phase of x, or of c (NULL: of no call): what a plugin kept of another
 * request is alive, but at a step of its own. */
void check_own_phase(struct script *s, lua_State *L, const char *function, unsigned phases,
                     const struct exchange *x, const struct call *c);

#endif
