/* router_fold - letter case of path characters: simple case mappings of Unicode for alphabets that have two
 * cases. */
#ifndef GATEWAY_ROUTER_FOLD_H
#define GATEWAY_ROUTER_FOLD_H

#include "base/str.h"

enum { SPELLINGS_MAX = 2 };

struct spelling {
    char bytes[4];
    unsigned char len;
};

/* The spellings of the first character of s, in UTF-8: lower case, upper case if it differs. A byte that is
 * not UTF-8 is a character of its own. *bytes: how many the character takes in s. s is not empty. */
size_t fold_spellings(struct str s, struct spelling spellings[SPELLINGS_MAX], size_t *bytes);

#endif
