/* util - the three macros every module may use. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stddef.h>

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_LEN(array)                (sizeof(array) / sizeof((array)[0]))
#define MUST_CHECK                      __attribute__((warn_unused_result))

#endif
