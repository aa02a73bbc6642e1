/* flags - a command's options in the syntax of KrakenD's command line (pflag).
 *
 * "--name value", "--name=value", "-n value", "-n=value", "-nvalue", switches written together ("-dc file"),
 * and "--" before what is no option. Options and arguments may be mixed.
 */
#ifndef FLAGS_H
#define FLAGS_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum flag_type { FLAG_BOOL, FLAG_COUNT, FLAG_INT, FLAG_STRING };

enum { FLAGS_MAX = 8 }; /* of one command */

struct flag {
    const char *name;
    char letter; /* '\0': none */
    enum flag_type type;
    const char *preset; /* of a string; NULL is "" */
    const char *help;
};

struct flag_value {
    bool given;
    long number; /* of a bool 0 or 1 */
    const char *text;
};

struct arguments {
    struct flag_value values[FLAGS_MAX]; /* in the order of the table */
    char **rest;                         /* what is no option; it takes the front of argv */
    int rest_count;
};

/* Reads what stands behind the command; the texts point into argv. False and why, in pflag's words. */
bool flags_parse(const struct flag *flags, size_t count, int argc, char **argv, struct arguments *args,
                 struct error *err);

/* One line for each. */
void flags_print(const struct flag *flags, size_t count, FILE *out);

#endif
