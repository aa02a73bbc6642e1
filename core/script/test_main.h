/* test_main - `cuttle test DIR...`: busted inside the binary, with the kit. */
#ifndef SCRIPT_TEST_MAIN_H
#define SCRIPT_TEST_MAIN_H

/* Runs the specs (files named *_spec.lua) below the given folders; arguments that begin with "-" go to
 * busted. home: the folder that holds lua/ (kit and library). Returns the exit code: 0 when every spec
 * passed. */
int script_test_main(const char *home, int argc, char **argv);

#endif
