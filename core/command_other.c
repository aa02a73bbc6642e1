/* The small commands. */
#include "base/str.h"
#include "base/util.h"
#include "command.h"
#include "gateway/config.h"
#include <ctype.h>
#include <gnu/libc-version.h>
#include <string.h>
#include <unistd.h>

/* --- version -------------------------------------------------------------------------------------- */

/* The value of a line "KEY=value" of /etc/os-release, without quotes; "unknown" if there is none. */
static void read_os_release(const char *key, char *value, size_t cap)
{
    FILE *file = fopen("/etc/os-release", "re");
    char line[256];
    size_t len = strlen(key);

    snprintf(value, cap, "unknown");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, key, len) != 0 || line[len] != '=')
            continue;
        char *from = line + len + 1, *to = from + strcspn(from, "\n");
        if (*from == '"' && to > from + 1) {
            from++;
            to--;
        }
        snprintf(value, cap, "%.*s", (int)(to - from), from);
    }
    if (file != NULL)
        fclose(file);
}

static int print_version(const struct arguments *args)
{
    char system[64], release[64];

    (void)args;
    read_os_release("ID", system, sizeof(system));
    read_os_release("VERSION_ID", release, sizeof(release));
    fprintf(stderr, "KrakenD Version: %s\n", KRAKEND_VERSION);
    fprintf(stderr, "Go Version: cuttle-%s\n", CUTTLE_VERSION);
    fprintf(stderr, "Glibc Version: GLIBC-%s_(%s-%s)\n", gnu_get_libc_version(), system, release);
    return 0;
}

static const struct flag version_flags[] = {{"help", 'h', FLAG_BOOL, NULL, "help for version"}};

const struct command command_version = {
    .name = "version",
    .summary = "Shows the version.",
    .about = "Shows the version of KrakenD whose configurations are run, our own, and the C library's.",
    .flags = version_flags,
    .flag_count = ARRAY_LEN(version_flags),
    .run = print_version,
};

/* --- help ----------------------------------------------------------------------------------------- */

static void print_line(const char *line)
{
    puts(line);
}

static int help(const struct arguments *args)
{
    const char *topic = args->rest_count > 0 ? args->rest[0] : NULL;
    const struct command *c = topic != NULL ? command_find(topic) : NULL;

    if (topic != NULL && strcmp(topic, "config") == 0) {
        config_print_manual(print_line);
    } else if (topic != NULL && c == NULL) {
        fprintf(stderr, "Unknown help topic [`%s`]\n", topic);
        command_print_usage(NULL, stderr);
    } else {
        command_print_help(c, stdout);
    }
    return 0;
}

static const struct flag help_flags[] = {{"help", 'h', FLAG_BOOL, NULL, "help for help"}};

const struct command command_help = {
    .name = "help",
    .summary = "Help about any command, or about \"config\".",
    .about = "Help about any command; \"cuttle help config\" lists the keys of a configuration file, and the "
             "namespaces.",
    .rest = "[command | config]",
    .flags = help_flags,
    .flag_count = ARRAY_LEN(help_flags),
    .run = help,
};

/* --- plugins -------------------------------------------------------------------------------------- */

static int check_plugin(const struct arguments *args)
{
    (void)args;
    fputs("No incompatibilities found!\n", stderr);
    return 0;
}

static const struct flag check_plugin_flags[] = {
    {"format", 'f', FLAG_BOOL, NULL, "Accepted, without effect"},
    {"go", 'g', FLAG_STRING, NULL, "Accepted, without effect"},
    {"help", 'h', FLAG_BOOL, NULL, "help for check-plugin"},
    {"libc", 'l', FLAG_STRING, NULL, "Accepted, without effect"},
    {"sum", 's', FLAG_STRING, "./go.sum", "Accepted, without effect"},
};

const struct command command_check_plugin = {
    .name = "check-plugin",
    .summary = "Finds nothing: plugins are Lua and share no dependencies with the binary.",
    .flags = check_plugin_flags,
    .flag_count = ARRAY_LEN(check_plugin_flags),
    .run = check_plugin,
};

static int test_plugin(const struct arguments *args)
{
    if (args->rest_count == 0) {
        fputs("Pass the path of a plugin.\n", stderr);
        return 1;
    }
    for (int i = 0; i < args->rest_count; i++) {
        if (access(args->rest[i], R_OK) != 0)
            fprintf(stderr, "[KO] Unable to open the plugin %s.\n", args->rest[i]);
        else
            fprintf(stderr,
                    "[KO] %s: plugins are Lua here and are checked where they are configured, by check\n",
                    args->rest[i]);
    }
    fprintf(stderr, "%d plugin(s) failed.\n", args->rest_count);
    return 1;
}

static const struct flag test_plugin_flags[] = {
    {"client", 'c', FLAG_BOOL, NULL, "Accepted, without effect"},
    {"help", 'h', FLAG_BOOL, NULL, "help for test-plugin"},
    {"modifier", 'm', FLAG_BOOL, NULL, "Accepted, without effect"},
    {"server", 's', FLAG_BOOL, NULL, "Accepted, without effect"},
};

const struct command command_test_plugin = {
    .name = "test-plugin",
    .summary = "Refuses Go plugins: see check and test.",
    .rest = "[file...]",
    .flags = test_plugin_flags,
    .flag_count = ARRAY_LEN(test_plugin_flags),
    .run = test_plugin,
};

/* --- audit ---------------------------------------------------------------------------------------- */

static int audit(const struct arguments *args)
{
    (void)args;
    return command_fail("ERROR auditing the configuration file:", "audit is not available yet");
}

static const struct flag audit_flags[] = {
    {"config", 'c', FLAG_STRING, NULL, "Path to the configuration file"},
    {"format", 'f', FLAG_STRING, NULL, "Template of the output"},
    {"help", 'h', FLAG_BOOL, NULL, "help for audit"},
    {"ignore", 'i', FLAG_STRING, NULL, "Rules to leave out, separated by commas"},
    {"ignore-file", 'I', FLAG_STRING, NULL, "File of rules to leave out, one a line"},
    {"severity", 's', FLAG_STRING, "CRITICAL,HIGH,MEDIUM,LOW", "Severities to show"},
};

const struct command command_audit = {
    .name = "audit",
    .summary = "Not available yet.",
    .flags = audit_flags,
    .flag_count = ARRAY_LEN(audit_flags),
    .run = audit,
};
