#include "http/errno_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

const char *errno_text(int error, char buf[ERRNO_TEXT_MAX])
{
    const char *text = strerrordesc_np(error);

    snprintf(buf, ERRNO_TEXT_MAX, "%s", text != NULL ? text : "unknown error");
    if (is_upper(buf[0]) && !is_upper(buf[1])) /* not of an abbreviation */
        buf[0] = (char)(buf[0] + ('a' - 'A'));
    return buf;
}
