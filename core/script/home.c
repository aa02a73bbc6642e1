#include "script/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool holds_our_files(const char *home)
{
    char path[HOME_MAX + 32];

    snprintf(path, sizeof(path), "%s/lua/cuttle/boot.lua", home);
    return access(path, R_OK) == 0;
}

/* The folder of the executable; "" if it cannot be told. */
static void executable_folder(char folder[HOME_MAX])
{
    ssize_t len = readlink("/proc/self/exe", folder, HOME_MAX - 1);
    char *slash;

    folder[len > 0 ? len : 0] = '\0';
    slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
}

bool home_find(char home[HOME_MAX], struct error *err)
{
    static const char *const beside[] = {"/../..", "/../share/cuttle"};
    const char *given = getenv("CUTTLE_HOME");
    char folder[HOME_MAX - 32];

    if (given != NULL && given[0] != '\0') {
        snprintf(home, HOME_MAX, "%s", given);
        return holds_our_files(home) ||
               error_set(err, "CUTTLE_HOME is %s, where lua/cuttle/boot.lua is not", given);
    }
    executable_folder(home);
    snprintf(folder, sizeof(folder), "%s", home);
    for (int i = 0; i < 2; i++) {
        snprintf(home, HOME_MAX, "%s%s", folder, beside[i]);
        if (holds_our_files(home))
            return true;
    }
    snprintf(home, HOME_MAX, ".");
    return holds_our_files(home) ||
           error_set(err, "lua/cuttle/boot.lua is neither beside %s nor here: set CUTTLE_HOME", folder);
}
