#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_clear(struct error *err)
{
    if (err != NULL)
        err->text[0] = '\0';
}

bool error_set(struct error *err, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return false;
    /* an argument may be the text itself */
    struct error fresh;
    va_start(args, format);
    vsnprintf(fresh.text, sizeof(fresh.text), format, args);
    va_end(args);
    strcpy(err->text, fresh.text);
    return false;
}

bool error_add(struct error *err, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return false;
    size_t len = strlen(err->text);
    va_start(args, format);
    vsnprintf(err->text + len, sizeof(err->text) - len, format, args);
    va_end(args);
    return false;
}

bool error_prefix(struct error *err, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return false;
    struct error front;
    va_start(args, format);
    vsnprintf(front.text, sizeof(front.text), format, args);
    va_end(args);
    size_t front_len = strlen(front.text), room = sizeof(err->text) - 1 - front_len;
    size_t len = strlen(err->text);
    if (len > room)
        len = room;
    memmove(err->text + front_len, err->text, len);
    memcpy(err->text, front.text, front_len);
    err->text[front_len + len] = '\0';
    return false;
}
