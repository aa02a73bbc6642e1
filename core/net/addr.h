/* addr - socket addresses and their text. */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include "base/str.h"
#include <sys/socket.h>

enum { ADDR_TEXT_MAX = 64 };

struct addr {
    struct sockaddr_storage ss;
    socklen_t len;
};

/* An IPv4 or IPv6 literal without brackets; false if it is none. */
bool addr_parse(struct addr *a, struct str ip, uint16_t port);
void addr_any(struct addr *a, uint16_t port); /* [::]:port, which is dual-stack */

/* "1.2.3.4" or "2001:db8::1"; an IPv4-mapped address is written as IPv4. Returns the length. */
size_t addr_format_ip(const struct addr *a, char buf[ADDR_TEXT_MAX]);
size_t addr_format(const struct addr *a, char buf[ADDR_TEXT_MAX]); /* with the port, IPv6 in brackets */
/* As IPv6, an IPv4 address mapped into it; false, and zeroes, for other families. And back. */
bool addr_to_bytes(const struct addr *a, unsigned char bytes[16]);
void addr_from_bytes(struct addr *a, const unsigned char bytes[16], uint16_t port);
bool addr_equal(const struct addr *a,
                const struct addr *b); /* address and port; an IPv4-mapped one is IPv4 */
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);

/* An address without a port: IPv4 as IPv4-mapped, so "::ffff:1.2.3.4" is 1.2.3.4. */
struct addr_ip {
    unsigned char bytes[16];
};
bool addr_ip_parse(struct addr_ip *ip, struct str text); /* false: no literal */
bool addr_is_ip(struct str text);

/* A block of addresses: "10.0.0.0/8", "::1", "fe80::/10". One of IPv6 holds no IPv4 addresses. */
struct addr_block {
    unsigned char bytes[16]; /* IPv4 as IPv4-mapped */
    unsigned bits;           /* of the 128 */
};
bool addr_block_parse(struct addr_block *b, struct str text);
bool addr_block_has(const struct addr_block *b, const struct addr_ip *ip);

#endif
