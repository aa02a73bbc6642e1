/* command - what the binary can be told to do, and the texts around it (operate.md 1).
 *
 * A command is a struct in a command_*.c and a line of the table in command.c. Help and usage errors are the
 * same for all of them.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "flags.h"

enum { EXIT_USAGE = 255 }; /* also: run cannot use its configuration */

struct command {
    const char *name;
    const char *alias;        /* NULL: none */
    const char *summary;      /* one line */
    const char *about;        /* for its own help; NULL: the summary */
    const char *example;      /* NULL: none */
    const char *rest;         /* what it takes besides flags, for the usage line; NULL: nothing */
    const struct flag *flags; /* sorted by name; among them "help" */
    size_t flag_count;
    bool passes_flags; /* what stands behind it is handed on as it is, unless -h or --help is in it */
    int (*run)(const struct arguments *args); /* returns the exit code */
};

extern const struct command command_audit;
extern const struct command command_check;
extern const struct command command_check_plugin;
extern const struct command command_help;
extern const struct command command_run;
extern const struct command command_test;
extern const struct command command_test_plugin;
extern const struct command command_version;

const struct command *command_find(const char *name); /* or NULL */

/* Runs what the arguments of main ask for; returns the exit code. argv is put in another order. */
int command_dispatch(int argc, char **argv);

void command_print_help(const struct command *c, FILE *out);  /* NULL: of the whole */
void command_print_usage(const struct command *c, FILE *out); /* the same without its head */

/* Says what is wrong with what was typed, on both streams; returns the exit code. */
int command_misuse(const struct command *c, const char *why);

/* "HEADING<tab>why" and an empty line on stderr, the heading bold and red on a terminal. Returns 1. */
int command_fail(const char *heading, const char *why);

#endif
