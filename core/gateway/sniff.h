/* sniff - what content looks like (WHATWG MIME sniffing, as far as Go's http.DetectContentType goes). */
#ifndef GATEWAY_SNIFF_H
#define GATEWAY_SNIFF_H

#include "base/str.h"

enum { SNIFF_MAX = 512 }; /* bytes that are looked at */

/* The Content-Type of content; "application/octet-stream" when nothing fits better. A constant. */
struct str sniff_type(struct str content);

#endif
