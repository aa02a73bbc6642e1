/* config_dump - a configuration as text, for `cuttle check -d`: operate.md 1.5. */
#ifndef GATEWAY_CONFIG_DUMP_H
#define GATEWAY_CONFIG_DUMP_H

#include "gateway/config.h"
#include <stdio.h>

/* level: 1 to 3, the number of d's. Maps are sorted; names of namespaces are as in the file. */
void config_dump(const struct config *c, int level, const char *indent, bool colour, FILE *out);

#endif
