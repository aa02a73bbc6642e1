#include "base/util.h"
#include "command.h"
#include "script/home.h"
#include "script/test_main.h"

static int test(const struct arguments *args)
{
    char home[HOME_MAX];
    struct error err;

    if (args->rest_count == 0)
        return command_misuse(&command_test, "which specs? Pass a folder or a file");
    if (!home_find(home, &err))
        return command_fail("ERROR starting the specs:", err.text);
    return script_test_main(home, args->rest_count, args->rest);
}

/* For the help alone: lua/kit/runner.lua reads them. */
static const struct flag flags[] = {
    {"collect", '\0', FLAG_BOOL, NULL,
     "With a collector that never rests: finds what C uses and Lua dropped"},
    {"filter", '\0', FLAG_STRING, NULL, "Only specs whose whole name matches this Lua pattern"},
    {"help", 'h', FLAG_BOOL, NULL, "help for test"},
    {"list", '\0', FLAG_BOOL, NULL, "The names of the specs, without running them"},
    {"seed", '\0', FLAG_STRING, NULL, "Of the order of specs, and of each simulated world"},
    {"timeout", '\0', FLAG_STRING, "60s", "Ends the run when a spec takes longer, and names it; 0: never"},
};

const struct command command_test = {
    .name = "test",
    .summary = "Runs specs (*_spec.lua) with the kit: gateways in a simulator.",
    .example = "cuttle test spec --filter=breaker",
    .rest = "folder...",
    .flags = flags,
    .flag_count = ARRAY_LEN(flags),
    .passes_flags = true,
    .run = test,
};
