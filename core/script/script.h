/* script - gateway/hooks.h in Lua: plugins, found and checked once, run at their phases.
 *
 * Each worker has one Lua state. What a configuration attaches is compiled and built when it starts; a phase
 * that nobody implements costs nothing, one that somebody does costs a fraction of a microsecond.
 *
 * Owner:   the worker frees the hooks (hooks->ops->free) before anything they use.
 * Errors:  at start only, with file, place and key; later each error ends its exchange and nothing else.
 */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include "base/error.h"
#include "base/log.h"
#include "gateway/config.h"
#include "gateway/hooks.h"

struct beat;
struct worker;

/* Loads the plugins that w->config attaches and builds them. NULL and why. w's env, client, store, beat and
 * log must be there; worker_set_hooks takes the result. */
struct hooks *script_hooks_new(struct worker *w, struct error *err);

/* The same without a worker: would it start? For `check`, and for the master before it starts workers. Inside
 * `new` the clock then stands at 0 and the store is empty. beat tells who watches (NULL: nobody) which plugin
 * is being loaded, and where. */
bool script_check(const struct config *c, struct log *log, struct beat *beat, struct error *err);

#endif
