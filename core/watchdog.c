#include "watchdog.h"

#include "base/clock.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* For what the gateway itself does until a worker's first turn, between the steps of loading plugins. */
#define START_LIMIT (20 * SECOND)
/* More than this between two looks means that the master did not run. */
#define LOOK_MAX     (500 * MILLISECOND)
#define RUNAWAY_SPAN MINUTE

void beat_reset(struct beat *beat)
{
    atomic_store(&beat->turn, 0);
    atomic_store(&beat->serving, false);
    atomic_store(&beat->plugin, -1);
    atomic_store(&beat->connections, 0);
    memset(beat->where, 0, sizeof(beat->where));
}

void beat_tell(const struct beat *beat, char text[BEAT_TEXT_MAX])
{
    if (atomic_load(&beat->plugin) >= 0)
        snprintf(text, BEAT_TEXT_MAX, "plugin %.*s", (int)sizeof(beat->where), beat->where);
    else
        snprintf(text, BEAT_TEXT_MAX, "the gateway's own code");
}

bool watch_is_stuck(struct watch *w, const struct beat *beat, int64_t elapsed, int64_t limit)
{
    int64_t turn = atomic_load_explicit(&beat->turn, memory_order_relaxed);

    if (turn != w->turn) {
        *w = (struct watch){.turn = turn};
        return false;
    }
    w->still += elapsed < LOOK_MAX ? elapsed : LOOK_MAX;
    if (turn == 0 && limit < START_LIMIT)
        return limit > 0 && w->still >= START_LIMIT;
    return limit > 0 && w->still >= limit;
}

bool runaways_note(struct runaways *r, int plugin, int64_t now)
{
    if (plugin < 0 || plugin >= BEAT_PLUGINS)
        return false;
    int64_t *killed_at = r->killed_at[plugin];
    memmove(killed_at, killed_at + 1, (RUNAWAY_KILLS - 1) * sizeof(*killed_at));
    killed_at[RUNAWAY_KILLS - 1] = now;
    return killed_at[0] > 0 && now - killed_at[0] <= RUNAWAY_SPAN;
}
