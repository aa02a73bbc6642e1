#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { V4_MAPPED_BITS = 96 };

static const unsigned char v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* The address of a literal as IPv6, an IPv4 one mapped into it. */
static bool parse_bytes(struct str ip, unsigned char bytes[16], bool *dotted)
{
    char text[INET6_ADDRSTRLEN];

    if (ip.len == 0 || ip.len >= sizeof(text) || memchr(ip.ptr, '\0', ip.len))
        return false;
    memcpy(text, ip.ptr, ip.len);
    text[ip.len] = '\0';
    *dotted = inet_pton(AF_INET, text, bytes + sizeof(v4_prefix)) == 1;
    if (*dotted)
        memcpy(bytes, v4_prefix, sizeof(v4_prefix));
    return *dotted || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool is_v4(const unsigned char bytes[16])
{
    return memcmp(bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

static struct sockaddr_in *as_in(const struct addr *a)
{
    return (struct sockaddr_in *)&a->ss;
}

static struct sockaddr_in6 *as_in6(const struct addr *a)
{
    return (struct sockaddr_in6 *)&a->ss;
}

bool addr_parse(struct addr *a, struct str ip, uint16_t port)
{
    unsigned char bytes[16];
    bool dotted;

    if (!parse_bytes(ip, bytes, &dotted))
        return false;
    addr_from_bytes(a, bytes, port);
    return true;
}

void addr_from_bytes(struct addr *a, const unsigned char bytes[16], uint16_t port)
{
    memset(a, 0, sizeof(*a));
    if (is_v4(bytes)) {
        a->ss.ss_family = AF_INET;
        a->len = sizeof(struct sockaddr_in);
        memcpy(&as_in(a)->sin_addr, bytes + sizeof(v4_prefix), 4);
    } else {
        a->ss.ss_family = AF_INET6;
        a->len = sizeof(struct sockaddr_in6);
        memcpy(&as_in6(a)->sin6_addr, bytes, 16);
    }
    addr_set_port(a, port);
}

bool addr_to_bytes(const struct addr *a, unsigned char bytes[16])
{
    switch (a->ss.ss_family) {
    case AF_INET:
        memcpy(bytes, v4_prefix, sizeof(v4_prefix));
        memcpy(bytes + sizeof(v4_prefix), &as_in(a)->sin_addr, 4);
        return true;
    case AF_INET6: memcpy(bytes, &as_in6(a)->sin6_addr, 16); return true;
    default: memset(bytes, 0, 16); return false;
    }
}

void addr_any(struct addr *a, uint16_t port)
{
    static const unsigned char any[16] = {0};

    addr_from_bytes(a, any, port);
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    unsigned char left[16], right[16];

    return addr_to_bytes(a, left) && addr_to_bytes(b, right) && memcmp(left, right, 16) == 0 &&
           addr_port(a) == addr_port(b);
}

/* By hand, as every request is asked for its peer: inet_ntop prints with printf's machinery. */
static size_t format_v4(const unsigned char bytes[4], char *buf)
{
    char *end = buf;

    for (unsigned i = 0; i < 4; i++) {
        if (i > 0)
            *end++ = '.';
        if (bytes[i] >= 100)
            *end++ = (char)('0' + bytes[i] / 100);
        if (bytes[i] >= 10)
            *end++ = (char)('0' + bytes[i] / 10 % 10);
        *end++ = (char)('0' + bytes[i] % 10);
    }
    *end = '\0';
    return (size_t)(end - buf);
}

size_t addr_format_ip(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
    unsigned char bytes[16];

    buf[0] = '\0';
    if (!addr_to_bytes(a, bytes))
        return 0;
    if (is_v4(bytes))
        return format_v4(bytes + sizeof(v4_prefix), buf);
    inet_ntop(AF_INET6, bytes, buf, ADDR_TEXT_MAX);
    return strlen(buf);
}

size_t addr_format(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
    char ip[ADDR_TEXT_MAX];
    const char *form;

    addr_format_ip(a, ip);
    form = strchr(ip, ':') ? "[%.46s]:%u" : "%.46s:%u";
    return (size_t)snprintf(buf, ADDR_TEXT_MAX, form, ip, (unsigned)addr_port(a));
}

uint16_t addr_port(const struct addr *a)
{
    switch (a->ss.ss_family) {
    case AF_INET: return ntohs(as_in(a)->sin_port);
    case AF_INET6: return ntohs(as_in6(a)->sin6_port);
    default: return 0;
    }
}

void addr_set_port(struct addr *a, uint16_t port)
{
    switch (a->ss.ss_family) {
    case AF_INET: as_in(a)->sin_port = htons(port); break;
    case AF_INET6: as_in6(a)->sin6_port = htons(port); break;
    default: break;
    }
}

static void clear_host_bits(struct addr_block *b)
{
    for (unsigned bit = b->bits; bit < 128; bit++)
        b->bytes[bit / 8] &= (unsigned char)~(0x80u >> bit % 8);
}

bool addr_block_parse(struct addr_block *b, struct str text)
{
    struct str rest = text;
    struct str ip = str_split(&rest, '/');
    uint64_t bits;
    bool dotted;

    if (!parse_bytes(ip, b->bytes, &dotted))
        return false;
    b->bits = 128;
    if (ip.len == text.len)
        return true;
    if (!str_to_u64(rest, &bits) || bits > (dotted ? 32 : 128))
        return false;
    b->bits = (unsigned)bits + (dotted ? V4_MAPPED_BITS : 0);
    clear_host_bits(b);
    return true;
}

bool addr_block_has(const struct addr_block *b, const struct addr_ip *ip)
{
    const unsigned char *bytes = ip->bytes;
    unsigned rest = b->bits % 8;

    /* A wide IPv6 block such as ::/0 holds no IPv4 addresses, though they are mapped below ::/80. */
    if (is_v4(bytes) && b->bits < V4_MAPPED_BITS)
        return false;
    if (memcmp(bytes, b->bytes, b->bits / 8) != 0)
        return false;
    return rest == 0 || (bytes[b->bits / 8] ^ b->bytes[b->bits / 8]) >> (8 - rest) == 0;
}

bool addr_ip_parse(struct addr_ip *ip, struct str text)
{
    bool dotted;

    return parse_bytes(text, ip->bytes, &dotted);
}

bool addr_is_ip(struct str text)
{
    struct addr_ip ip;

    return addr_ip_parse(&ip, text);
}
