#include "command.h"

#include "base/util.h"
#include "master.h"
#include "startup.h"
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG, DEBUG, HELP, PORT, WORKERS };

static const struct flag flags[] = {
    [CONFIG] = {"config", 'c', FLAG_STRING, NULL, "Path to the configuration file"},
    [DEBUG] = {"debug", 'd', FLAG_COUNT, NULL, "Adds the endpoint /__debug/"},
    [HELP] = {"help", 'h', FLAG_BOOL, NULL, "help for run"},
    [PORT] = {"port", 'p', FLAG_INT, NULL, "Listens on this port, whatever the file says"},
    [WORKERS] = {"workers", '\0', FLAG_INT, NULL, "Worker processes; one per CPU that may be used"},
};

static void tell_endpoint(const struct endpoint *e, struct log *log)
{
    size_t merged = 0;

    log_write(log, LOG_DEBUG, "[ENDPOINT: %.*s] Building the proxy pipe", STR_ARG(e->route));
    for (size_t i = 0; i < e->backend_count; i++) {
        log_write(log, LOG_DEBUG, "[BACKEND: %.*s] Building the backend pipe",
                  STR_ARG(e->backends[i].url_pattern.text));
        merged += !e->backends[i].shadow;
    }
    if (merged > 1)
        log_write(log, LOG_DEBUG, "[ENDPOINT: %.*s][Merge] Backends: %zu, sequential: %s, combiner: default",
                  STR_ARG(e->route), merged, e->sequential ? "true" : "false");
    log_write(log, LOG_DEBUG, "[ENDPOINT: %.*s] Building the http handler", STR_ARG(e->route));
}

static void tell_components(const struct config *c, struct log *log)
{
    for (size_t i = 0; i < c->endpoint_count; i++)
        if (c->endpoints[i].supported)
            tell_endpoint(&c->endpoints[i], log);
    if (c->router.auto_options)
        log_write(log, LOG_DEBUG, "[SERVICE: Gin] Enabling the auto options endpoints");
}

/* A guard must not be missing in silence: what the log is not meant to hold goes to stderr. */
static void tell_warning(const struct config_warning *w, struct log *log)
{
    bool logged = log_wants(log, w->level) && (log->options.to_stdout || log->options.to_syslog);

    if (logged)
        log_write(log, w->level, "%.*s", STR_ARG(w->text));
    else
        fprintf(stderr, "%s %.*s\n", w->level >= LOG_ERROR ? "ERROR" : "WARNING", STR_ARG(w->text));
}

static void tell_start(const struct config *c, struct log *log)
{
    char folder[PATH_MAX];

    if (log->options.form != LOG_BASIC) /* without its syslog it stays in the basic form */
        log_write(log, LOG_DEBUG, "[SERVICE: telemetry/logging] Improved logging started.");
    log_write(log, LOG_INFO, "Starting cuttle v" CUTTLE_VERSION " (KrakenD " KRAKEND_VERSION ")");
    if (getcwd(folder, sizeof(folder)) != NULL)
        log_write(log, LOG_INFO, "Working directory is %s", folder);
    for (size_t i = 0; i < c->warning_count; i++)
        tell_warning(&c->warnings[i], log);
    log_write(log, LOG_INFO, "Starting the KrakenD instance");
    if (c->debug_endpoint)
        log_write(log, LOG_DEBUG, "[SERVICE: Gin] Debug enabled");
    tell_components(c, log);
}

static int fail(const struct startup *s, const struct error *err)
{
    fprintf(stderr, "%s %s\n", s->heading, err->text);
    return EXIT_USAGE;
}

static int refuse_workers(void)
{
    struct error err;

    error_set(&err, "--workers must be a number from 1 to %d", WORKERS_MAX);
    return command_misuse(&command_run, err.text);
}

static int run(const struct arguments *args)
{
    struct config_overrides overrides = {
        .debug = args->values[DEBUG].number > 0,
        .port = args->values[PORT].number,
        .environ = environ,
    };
    long workers = args->values[WORKERS].number;
    struct startup startup;
    struct log log;
    struct error err;
    int code;

    if (args->values[WORKERS].given && (workers < 1 || workers > WORKERS_MAX))
        return refuse_workers();
    if (args->values[CONFIG].text[0] == '\0') {
        fputs("Pass the path of the configuration file with --config; --help lists all flags.\n", stderr);
        return 0;
    }
    error_clear(&err);
    log_init(&log);
    bool loaded = startup_load(&startup, args->values[CONFIG].text, &overrides, (size_t)workers, &err);
    if (loaded) {
        log_configure(&log, &startup.config->log);
        tell_start(startup.config, &log);
    }
    if (loaded && startup_check_plugins(&startup, &log, &err))
        code = master_run(&startup, &log);
    else
        code = fail(&startup, &err);
    log_fini(&log);
    startup_fini(&startup);
    return code;
}

const struct command command_run = {
    .name = "run",
    .summary = "Runs the gateway.",
    .example = "cuttle run -c krakend.json",
    .flags = flags,
    .flag_count = ARRAY_LEN(flags),
    .run = run,
};
