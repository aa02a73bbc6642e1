/* trial - every plugin loaded and built once, as a worker would, in a process of its own.
 *
 * A plugin that never returns, or that ends the process, does so there: what is told is its name and where it
 * was, and neither `check` nor the start of the gateway hangs.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include "base/log.h"
#include "startup.h"

/* False and why: what is wrong with a plugin or its settings, or which one did not return within
 * startup->stuck_after. What plugins log meanwhile goes to the log. */
bool trial_run(const struct startup *startup, struct log *log, struct error *err);

#endif
