/* watchdog - finds workers that finish no turn, or not their start, and plugins that are the reason again and
 * again. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include "gateway/worker.h"

/* Before a worker is started. Plugins that were stopped stay so. */
void beat_reset(struct beat *beat);

enum { BEAT_TEXT_MAX = 300 };
/* In what a worker is: "plugin geo request", "plugin geo, new of endpoints[0]...", "the gateway's own code".
 */
void beat_tell(const struct beat *beat, char text[BEAT_TEXT_MAX]);

/* What the master has seen of one worker's beat. Time counts only while the master itself runs, so that a
 * pause of the whole machine kills nobody. */
struct watch {
    int64_t turn;
    int64_t still; /* ns without a new turn */
};

/* elapsed: since it was asked last. True when the worker has been still for limit; 0: no limit. */
bool watch_is_stuck(struct watch *w, const struct beat *beat, int64_t elapsed, int64_t limit);

enum { RUNAWAY_KILLS = 3 };

struct runaways {
    int64_t killed_at[BEAT_PLUGINS][RUNAWAY_KILLS]; /* the oldest first; 0: not yet */
};

/* A worker was killed in that plugin (-1: in none). True when it was the third time within a minute. */
bool runaways_note(struct runaways *r, int plugin, int64_t now);

#endif
