/* integer - whole numbers as people write them in flags and in texts of a configuration.
 *
 * The rule is that of Go's strconv.ParseInt with base 0: an optional sign; 0x, 0o or a leading 0, and 0b name
 * the base; single underscores part digits and follow the base.
 */
#ifndef BASE_INTEGER_H
#define BASE_INTEGER_H

#include "base/str.h"

enum integer_read { INTEGER_FINE, INTEGER_SYNTAX, INTEGER_RANGE };

/* value is set when all is fine, otherwise left alone. */
enum integer_read integer_parse(struct str text, long *value);

/* Go's words for what is wrong. */
const char *integer_fault(enum integer_read read);

#endif
