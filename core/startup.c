#include "startup.h"

#include "base/clock.h"
#include "trial.h"
#include <sched.h>

enum { STORE_ENTRIES = 256 * 1024, STORE_ENTRIES_MAX = 256 * 1024 * 1024 };

#define STUCK_AFTER       (2 * SECOND)
#define STUCK_AFTER_LEAST (100 * MILLISECOND)

static size_t usable_cpus(void)
{
    cpu_set_t set;

    /* more CPUs than the set has bits: they are more than there may be workers */
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return WORKERS_MAX;
    return (size_t)CPU_COUNT(&set);
}

static struct node *find_option(struct node *options, const char *name)
{
    struct node *n = node_get(options, str_of(name));

    return n != NULL && node_type(n) != DOC_NULL ? n : NULL;
}

/* A whole number of options between least and most; what is not there leaves value. */
static bool read_size(struct node *options, const char *name, int64_t least, int64_t most, size_t *value,
                      struct error *err)
{
    struct node *n = find_option(options, name);
    int64_t number;

    if (n == NULL)
        return true;
    if (!node_to_int64(n, &number) || number < least || number > most)
        return error_set(err, "extra_config \"cuttle/workers\": %s must be a whole number from %lld to %lld",
                         name, (long long)least, (long long)most);
    *value = (size_t)number;
    return true;
}

static bool read_stuck_after(struct startup *s, struct node *options, struct error *err)
{
    struct node *n = find_option(options, "stuck_after");

    if (n == NULL)
        return true;
    if (node_type(n) != DOC_STRING || !duration_parse(node_string(n), &s->stuck_after, NULL))
        return error_set(err,
                         "extra_config \"cuttle/workers\": stuck_after must be a duration such as \"2s\"");
    if (s->stuck_after != 0 && s->stuck_after < STUCK_AFTER_LEAST)
        return error_set(
            err, "extra_config \"cuttle/workers\": stuck_after must be \"0s\" (never) or at least 100ms");
    return true;
}

static bool read_options(struct startup *s, size_t workers, struct error *err)
{
    struct node *options = config_extra(s->config->extra, STR("cuttle/workers"));

    s->workers = usable_cpus();
    s->stuck_after = STUCK_AFTER;
    s->store_entries = STORE_ENTRIES;
    if (s->workers > WORKERS_MAX)
        s->workers = WORKERS_MAX;
    if (options != NULL && node_type(options) != DOC_OBJECT)
        return error_set(err, "extra_config \"cuttle/workers\" must be an object");
    if (options != NULL &&
        !(read_size(options, "count", 1, WORKERS_MAX, &s->workers, err) &&
          read_size(options, "store_entries", 1, STORE_ENTRIES_MAX, &s->store_entries, err) &&
          read_stuck_after(s, options, err)))
        return false;
    if (workers > 0)
        s->workers = workers;
    return true;
}

bool startup_load(struct startup *s, const char *file, const struct config_overrides *overrides,
                  size_t workers, struct error *err)
{
    *s = (struct startup){.heading = "ERROR parsing the configuration file:"};
    s->config = config_load(file, overrides, err);
    if (s->config == NULL)
        return false;
    if (s->config->port < 0 || s->config->port > UINT16_MAX)
        return error_set(err, "'%s': port %ld is not between 0 and 65535", file, s->config->port);
    if (!read_options(s, workers, err))
        return error_prefix(err, "'%s': ", file);
    s->heading = "ERROR testing the configuration file:";
    s->router = router_new(s->config, err);
    return s->router != NULL;
}

bool startup_check_plugins(struct startup *s, struct log *log, struct error *err)
{
    s->heading = "ERROR validating the configuration file:";
    return trial_run(s, log, err);
}

void startup_fini(struct startup *s)
{
    router_free(s->router);
    if (s->config != NULL)
        config_free(s->config);
    *s = (struct startup){0};
}
