#include "gateway/client_ip.h"

/* Without a list everybody is trusted, as in KrakenD. */
static bool is_trusted(const struct router_options *options, struct str ip)
{
    if (options->trusted_proxy_count == 0)
        return true;
    for (size_t i = 0; i < options->trusted_proxy_count; i++) {
        if (addr_block_has(&options->trusted_proxies[i], ip))
            return true;
    }
    return false;
}

/* All lines of a field, joined with commas. */
static struct str join_lines(struct arena *a, const struct fields *fields, struct str name)
{
    const struct field *field = field_find(fields, name);
    struct str joined;

    if (field == NULL)
        return STR_NONE;
    joined = field->value;
    while (++field < fields->items + fields->count) {
        if (field_name_is(field, name))
            joined = arena_join(a, arena_join(a, joined, STR(",")), field->value);
    }
    return joined;
}

/* From the right: the first that is no trusted proxy, or the leftmost. What is no address voids the field;
 * what stands left of the answer is not looked at. */
static struct str find_client(const struct router_options *options, struct str list)
{
    while (list.len > 0) {
        size_t start = list.len;
        struct str item;

        while (start > 0 && list.ptr[start - 1] != ',')
            start--;
        item = str_trim(str_slice(list, start, list.len));
        if (!addr_is_ip(item))
            return STR_NONE;
        if (start == 0 || !is_trusted(options, item))
            return item;
        list = str_slice(list, 0, start - 1);
        if (list.len == 0)
            return STR_NONE;
    }
    return STR_NONE;
}

struct str client_ip(struct arena *a, const struct router_options *options, const struct fields *fields,
                     struct str peer)
{
    if (options->app_engine) {
        struct str told = field_value(fields, STR("X-Appengine-Remote-Addr"));

        if (told.len > 0)
            return told;
    }
    if (!options->forwarded_by_client_ip || peer.len == 0 || !is_trusted(options, peer))
        return peer;
    for (size_t i = 0; i < options->remote_ip_headers.count; i++) {
        struct str found = find_client(options, join_lines(a, fields, options->remote_ip_headers.items[i]));

        if (found.len > 0)
            return found;
    }
    return peer;
}
