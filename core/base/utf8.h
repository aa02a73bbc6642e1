/* utf8 - one sequence at a time; whole texts are checked by utf8_is_valid and utf8_repair of doc.h. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* The length of the sequence at ptr, which is before end. If it is ill-formed, *valid is false and the length
 * is that of the maximal subpart, which one U+FFFD replaces (Unicode, tables 3-7 to 3-11). */
size_t utf8_sequence(const char *ptr, const char *end, bool *valid);

/* Writes a code point below 0x110000; returns the number of bytes. */
size_t utf8_encode(char out[4], uint32_t rune);

#endif
