/* errno_text - what the system says of an error, in lower case: "connection refused". */
#ifndef HTTP_ERRNO_TEXT_H
#define HTTP_ERRNO_TEXT_H

enum { ERRNO_TEXT_MAX = 80 };

const char *errno_text(int error, char buf[ERRNO_TEXT_MAX]);

#endif
