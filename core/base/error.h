/* error - one message for a human: what, where, why. May have several lines. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

enum { ERROR_MAX = 4096 };

struct error {
    char text[ERROR_MAX]; /* NUL-terminated; cut at the end if it does not fit */
};

void error_clear(struct error *err);

/* Sets the text; err may be NULL. Returns false, so that a function can end in it. */
bool error_set(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends to the text. Returns false. */
bool error_add(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts text in front of what is there. Returns false. */
bool error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
