#include "gateway/client_ip.h"

/* Without a list everybody is trusted, as in KrakenD. */
static bool is_trusted(const struct router_options *options, const struct addr_ip *ip)
{
    if (options->trusted_proxy_count == 0)
        return true;
    for (size_t i = 0; i < options->trusted_proxy_count; i++) {
        if (addr_block_has(&options->trusted_proxies[i], ip))
            return true;
    }
    return false;
}

/* Reads a line from the right: the first address that is no trusted proxy, or the leftmost of all lines, ""
 * if something before is no address, which voids the field. What stands left of the answer is not looked at.
 * False: the line before decides. */
static bool read_line(const struct router_options *options, struct str line, bool is_first,
                      struct str *client)
{
    for (;;) {
        size_t start = line.len;
        struct addr_ip ip;
        struct str item;

        while (start > 0 && line.ptr[start - 1] != ',')
            start--;
        item = str_trim(str_slice(line, start, line.len));
        *client = addr_ip_parse(&ip, item) ? item : STR_NONE;
        if (client->len == 0 || (start == 0 && is_first) || !is_trusted(options, &ip))
            return true;
        if (start == 0)
            return false;
        line = str_slice(line, 0, start - 1);
    }
}

/* The lines of a field are one list. They are read where they are: as many as a head may hold are too many to
 * be joined for each request. */
static struct str find_client(const struct router_options *options, const struct fields *fields,
                              struct str name)
{
    const struct field *first = field_find(fields, name);
    const struct field *field = fields->items + fields->count;
    struct str client;

    if (first == NULL)
        return STR_NONE;
    while (field-- > first) {
        if (field_name_is(field, name) && read_line(options, field->value, field == first, &client))
            return client;
    }
    return STR_NONE;
}

static bool is_trusted_peer(const struct router_options *options, struct str peer)
{
    struct addr_ip ip;

    return options->trusted_proxy_count == 0 || (addr_ip_parse(&ip, peer) && is_trusted(options, &ip));
}

struct str client_ip(const struct router_options *options, const struct fields *fields, struct str peer)
{
    if (options->app_engine) {
        struct str told = field_value(fields, STR("X-Appengine-Remote-Addr"));

        if (told.len > 0)
            return told;
    }
    if (!options->forwarded_by_client_ip || peer.len == 0 || !is_trusted_peer(options, peer))
        return peer;
    for (size_t i = 0; i < options->remote_ip_headers.count; i++) {
        struct str found = find_client(options, fields, options->remote_ip_headers.items[i]);

        if (found.len > 0)
            return found;
    }
    return peer;
}
