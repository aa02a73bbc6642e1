/* startup - a configuration made ready to run; `check` and `run` share it, so one fails where the other
 * would.
 *
 * Owner:   startup_fini, also after a failure.
 */
#ifndef STARTUP_H
#define STARTUP_H

#include "gateway/config.h"
#include "gateway/router.h"

enum { WORKERS_MAX = 256 };

struct startup {
    struct config *config;
    struct router *router;
    size_t workers; /* --workers, else "cuttle/workers".count, else one per CPU that the process may use */
    int64_t stuck_after;  /* ns after which a worker that finishes no turn is killed; 0: never */
    size_t store_entries; /* counters that workers share */
    const char *heading;  /* of a failure: "ERROR parsing the configuration file:" */
};

/* Reads the file and checks what needs no script. workers: up to WORKERS_MAX; 0 if the command line does not
 * say. */
bool startup_load(struct startup *s, const char *file, const struct config_overrides *overrides,
                  size_t workers, struct error *err);
/* Builds every plugin once, as a worker would; one that never returns fails too: trial.h. */
bool startup_check_plugins(struct startup *s, struct log *log, struct error *err);
void startup_fini(struct startup *s);

#endif
