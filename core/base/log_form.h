/* log_form - how a line of the log looks: operate.md 4.2, 4.3. Used by log.c. */
#ifndef BASE_LOG_FORM_H
#define BASE_LOG_FORM_H

#include "base/log.h"

struct log_line {
    enum log_level level;
    struct str message;
    int64_t wall;
    unsigned long id;
};

const char *log_level_name(enum log_level level); /* "WARNING" */

/* Appends the line, without a newline, in the form of options. */
void log_form_append(struct buf *out, const struct log_options *options, const struct log_line *line);

#endif
