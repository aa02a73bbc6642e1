/* mem - memory that is there or ends the process.
 *
 * Errors:  none returns NULL: out of memory aborts. So whatever sizes a request by
 *          bytes from the wire compares them with a named limit first.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);
void *mem_zalloc(size_t size); /* zeroed */
void *mem_realloc(void *ptr, size_t size);
char *mem_copy(const void *src, size_t len); /* with a NUL behind it */
void mem_free(void *ptr);

#endif
