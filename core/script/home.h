/* home - where our Lua files and plugins are: the folder that holds lua/ and plugins/. */
#ifndef SCRIPT_HOME_H
#define SCRIPT_HOME_H

#include "base/error.h"
#include <limits.h>

enum { HOME_MAX = PATH_MAX };

/* $CUTTLE_HOME; else beside the executable: its own source tree (build/release/cuttle) or an installation
 * (bin/cuttle, share/cuttle); else the working directory. False if none of them holds our files. */
bool home_find(char home[HOME_MAX], struct error *err);

#endif
