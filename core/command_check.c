#include "base/util.h"
#include "command.h"
#include "gateway/config_dump.h"
#include "startup.h"
#include <string.h>
#include <unistd.h>

enum { CONFIG, DEBUG, HELP, INDENT, LINT, LINT_NO_NETWORK, LINT_SCHEMA, TEST_ROUTES };

static const struct flag flags[] = {
    [CONFIG] = {"config", 'c', FLAG_STRING, NULL, "Path to the configuration file"},
    [DEBUG] = {"debug", 'd', FLAG_COUNT, NULL, "Prints what was read; -dd and -ddd print more of it"},
    [HELP] = {"help", 'h', FLAG_BOOL, NULL, "help for check"},
    [INDENT] = {"indent", 'i', FLAG_STRING, "\t", "Indentation of what -d prints"},
    [LINT] = {"lint", 'l', FLAG_BOOL, NULL, "Checks against the published schema"},
    [LINT_NO_NETWORK] = {"lint-no-network", 'n', FLAG_BOOL, NULL, "Checks against the schema in the binary"},
    [LINT_SCHEMA] = {"lint-schema", 's', FLAG_STRING, NULL, "Checks against the schema at this path or URL"},
    [TEST_ROUTES] = {"test-gin-routes", 't', FLAG_BOOL, NULL, "Checks the routes (always done)"},
};

/* The lint flags exclude each other, whatever their value: 0, 1 or more of them were given. */
static int count_lint_flags(const struct arguments *args)
{
    return args->values[LINT].given + args->values[LINT_NO_NETWORK].given + args->values[LINT_SCHEMA].given;
}

/* --lint=false and an empty path ask for nothing. */
static bool wants_lint(const struct arguments *args)
{
    return args->values[LINT].number != 0 || args->values[LINT_NO_NETWORK].number != 0 ||
           args->values[LINT_SCHEMA].text[0] != '\0';
}

static int refuse_lint_flags(const struct arguments *args)
{
    struct error err;

    error_set(
        &err,
        "if any flags in the group [lint lint-no-network lint-schema] are set none of the others can be; [");
    for (int i = LINT; i <= LINT_SCHEMA; i++)
        if (args->values[i].given)
            error_add(&err, "%s ", flags[i].name);
    err.text[strlen(err.text) - 1] = ']';
    error_add(&err, " were all set");
    return command_misuse(&command_check, err.text);
}

static void print_ok(const struct config *config, bool color)
{
    for (size_t i = 0; i < config->warning_count; i++)
        fprintf(stderr, "%s %.*s\n", config->warnings[i].level >= LOG_ERROR ? "ERROR" : "WARNING",
                STR_ARG(config->warnings[i].text));
    fprintf(stderr, "%sSyntax OK!%s\n", color ? "\033[32;1m" : "", color ? "\033[0m" : "");
}

static void to_stderr(void *owner, enum log_level level, bool access, struct str line)
{
    (void)owner, (void)level, (void)access;
    fprintf(stderr, "%.*s\n", STR_ARG(line));
}

/* What is doubtful about plugins and their settings is told as in the log of `run`: "WARNING text". */
static bool check_plugins(struct startup *s, struct error *err)
{
    struct log_options options = {
        .form = LOG_CUSTOM, .custom_format = "%{level} %{message}", .level = LOG_WARNING};
    struct log log;
    bool right;

    log_init(&log);
    log_configure(&log, &options);
    log.sink = to_stderr;
    right = startup_check_plugins(s, &log, err);
    log_fini(&log);
    return right;
}

static int check_file(const struct arguments *args)
{
    bool color = isatty(STDERR_FILENO);
    long level = args->values[DEBUG].number;
    struct startup startup;
    struct error err;
    int code = 0;

    error_clear(&err);
    bool right = startup_load(&startup, args->values[CONFIG].text,
                              &(struct config_overrides){.environ = environ}, 0, &err);
    if (right && wants_lint(args)) {
        right = error_set(&err, "checking against a schema is not available yet");
        startup.heading = "ERROR linting the configuration file:";
    }
    if (right && level > 0)
        config_dump(startup.config, level > 3 ? 3 : (int)level, args->values[INDENT].text, color, stderr);
    if (right && check_plugins(&startup, &err))
        print_ok(startup.config, color);
    else
        code = command_fail(startup.heading, err.text);
    startup_fini(&startup);
    return code;
}

static int check(const struct arguments *args)
{
    if (count_lint_flags(args) > 1)
        return refuse_lint_flags(args);
    if (args->values[CONFIG].text[0] == '\0') {
        fputs("Pass the path of the configuration file with --config; --help lists all flags.\n", stderr);
        return 1;
    }
    fprintf(stderr, "Parsing configuration file: %s\n", args->values[CONFIG].text);
    return check_file(args);
}

const struct command command_check = {
    .name = "check",
    .alias = "validate",
    .summary = "Checks that a configuration file can be run.",
    .about = "Checks that a configuration file can be run: it fails exactly where run would, the port aside.",
    .example = "cuttle check -dtc krakend.json",
    .flags = flags,
    .flag_count = ARRAY_LEN(flags),
    .run = check,
};
