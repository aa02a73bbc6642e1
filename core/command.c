#include "command.h"

#include "base/util.h"
#include "gateway/config.h"
#include <string.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &command_audit, &command_check, &command_check_plugin, &command_help,
    &command_run,   &command_test,  &command_test_plugin,  &command_version,
};

static const char logo[] = "             _   _   _\n"
                           "  ___  _  _ | |_| |_| | ___\n"
                           " / __|| || ||  _|  _| |/ -_)\n"
                           " \\___| \\_,_| \\__|\\__|_|\\___|\n";

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct command *c = commands[i];
        if (strcmp(c->name, name) == 0 || (c->alias != NULL && strcmp(c->alias, name) == 0))
            return c;
    }
    return NULL;
}

/* --- texts ---------------------------------------------------------------------------------------- */

static void print_root_usage(FILE *out)
{
    fputs("Usage:\n  cuttle [command]\n\nAvailable Commands:\n", out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nFlags:\n  -h, --help   help for cuttle\n\n"
          "Use \"cuttle [command] --help\" for more information about a command.\n",
          out);
}

void command_print_usage(const struct command *c, FILE *out)
{
    if (c == NULL) {
        print_root_usage(out);
        return;
    }
    fprintf(out, "Usage:\n  cuttle %s%s%s [flags]\n", c->name, c->rest != NULL ? " " : "",
            c->rest != NULL ? c->rest : "");
    if (c->alias != NULL)
        fprintf(out, "\nAliases:\n  %s, %s\n", c->name, c->alias);
    if (c->example != NULL)
        fprintf(out, "\nExamples:\n  %s\n", c->example);
    fputs("\nFlags:\n", out);
    flags_print(c->flags, c->flag_count, out);
}

void command_print_help(const struct command *c, FILE *out)
{
    const char *about = c == NULL ? "An API gateway runtime: runs a krakend.json." : c->about;

    fprintf(out, "%s\nVersion: " CUTTLE_VERSION " (KrakenD " KRAKEND_VERSION ")\n\n", logo);
    fprintf(out, "%s\n\n", about != NULL ? about : c->summary);
    command_print_usage(c, out);
}

int command_misuse(const struct command *c, const char *why)
{
    fprintf(stderr, "Error: %s\n", why);
    command_print_usage(c, stderr);
    fputc('\n', stderr);
    fprintf(stdout, "%s\n", why);
    return EXIT_USAGE;
}

int command_fail(const char *heading, const char *why)
{
    bool color = isatty(STDERR_FILENO);

    fprintf(stderr, "%s%s%s\t%s\n\n", color ? "\033[31;1m" : "", heading, color ? "\033[0m" : "", why);
    return 1;
}

/* --- dispatching ---------------------------------------------------------------------------------- */

static bool has_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

static bool wants_help(const struct command *c, const struct arguments *args)
{
    for (size_t i = 0; i < c->flag_count; i++)
        if (strcmp(c->flags[i].name, "help") == 0)
            return args->values[i].number != 0;
    return false;
}

static int run(const struct command *c, int argc, char **argv)
{
    struct arguments args = {.rest = argv, .rest_count = argc};
    struct error err;

    if (c->passes_flags && has_help(argc, argv)) {
        command_print_help(c, stdout);
        return 0;
    }
    if (!c->passes_flags && !flags_parse(c->flags, c->flag_count, argc, argv, &args, &err))
        return command_misuse(c, err.text);
    if (wants_help(c, &args)) {
        command_print_help(c, stdout);
        return 0;
    }
    return c->run(&args);
}

static int run_root(int argc, char **argv)
{
    static const struct flag flags[] = {{"help", 'h', FLAG_BOOL, NULL, "help for cuttle"}};
    struct arguments args;
    struct error err;

    if (!flags_parse(flags, ARRAY_LEN(flags), argc, argv, &args, &err))
        return command_misuse(NULL, err.text);
    command_print_help(NULL, stdout);
    return 0;
}

static int unknown(const char *name)
{
    fprintf(stderr, "Error: unknown command \"%s\" for \"cuttle\"\nRun 'cuttle --help' for usage.\n", name);
    fprintf(stdout, "unknown command \"%s\" for \"cuttle\"\n", name);
    return EXIT_USAGE;
}

/* Where the command stands, 0 if there is none. Its flags may come before it; one of a single letter, or a
 * long one without "=", has its value behind it then, as in KrakenD. */
static int find_word(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *word = argv[i];
        if (word[0] != '-' && word[0] != '\0')
            return i;
        bool is_long = strncmp(word, "--", 2) == 0;
        if (is_long ? strchr(word, '=') == NULL : strlen(word) == 2)
            i++;
    }
    return 0;
}

int command_dispatch(int argc, char **argv)
{
    int at = find_word(argc, argv);

    if (at == 0)
        return run_root(argc - 1, argv + 1);
    char *name = argv[at];
    const struct command *c = command_find(name);
    memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof(*argv));
    return c != NULL ? run(c, argc - 2, argv + 2) : unknown(name);
}
