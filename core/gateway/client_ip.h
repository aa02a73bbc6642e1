/* client_ip - for whom a peer speaks (core.md 2.7): the address in X-Forwarded-For, limits and logs. */
#ifndef GATEWAY_CLIENT_IP_H
#define GATEWAY_CLIENT_IP_H

#include "gateway/config.h"

/* peer: the address of the socket, "" if it has none. The answer is a span of peer or of a field. */
struct str client_ip(const struct router_options *options, const struct fields *fields, struct str peer);

#endif
