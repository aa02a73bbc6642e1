/* Defaults and checks of the service: core.md 1.5, 1.9. */
#include <ctype.h>

#include "base/clock.h"
#include "gateway/config_build.h"

enum { HEAD_DEFAULT = 1 << 20, HEAD_SLACK = 4096 };

struct str build_upper(struct arena *a, struct str s)
{
    struct str copy = arena_copy(a, s);

    for (size_t i = 0; i < s.len; i++)
        ((char *)copy.ptr)[i] = (char)toupper((unsigned char)s.ptr[i]);
    return copy;
}

void build_canonical(struct config_build *b, struct str_list *names)
{
    for (size_t i = 0; i < names->count; i++)
        ((struct str *)names->items)[i] = field_canonical(b->arena, names->items[i]);
}

/* Beyond it a request is 414. KrakenD has no such limit: where max_header_bytes is set a long target is 431,
 * as there. */
static bool read_max_target(struct config_build *b, size_t *max)
{
    struct node *options = config_extra(b->config->extra, STR("cuttle/server"));
    struct node *value;
    int64_t number;

    if (options == NULL)
        return true;
    if (node_type(options) != DOC_OBJECT)
        return error_set(b->err, "extra_config \"cuttle/server\" must be an object");
    value = build_option(options, "max_target_bytes");
    if (value == NULL)
        return true;
    if (!node_to_int64(value, &number) || number < 1 || number > HEAD_DEFAULT)
        return error_set(b->err, "extra_config \"cuttle/server\": max_target_bytes must be from 1 to %d",
                         HEAD_DEFAULT);
    *max = (size_t)number;
    return true;
}

static void set_limits(struct config *c)
{
    bool given = c->max_header_bytes > 0;
    long head = given ? c->max_header_bytes : HEAD_DEFAULT;

    c->server.max_head = (size_t)head + HEAD_SLACK;
    c->server.max_target = given ? 0 : HEAD_DEFAULT;
    if (c->dns_cache_ttl < SECOND)
        c->dns_cache_ttl = 30 * SECOND;
    if (c->plugin.pattern.len == 0)
        c->plugin.pattern = STR(".lua");
}

/* What is known and does nothing yet must not be missing in silence. */
static void warn_of_gaps(struct config_build *b)
{
    const struct config *c = b->config;

    if (c->agent_count > 0)
        build_warn(b, LOG_WARNING, "async_agent is not supported yet: %zu agent(s) are not run",
                   c->agent_count);
    if (c->client_tls.present || c->allow_insecure_connections)
        build_warn(b, LOG_WARNING, "client_tls is not supported yet and has no effect");
    if (c->use_h2c)
        build_warn(b, LOG_WARNING, "use_h2c is not supported yet: HTTP/1.1 is served");
}

bool build_service(struct config_build *b)
{
    struct config *c = b->config;

    if (c->version != 3)
        return error_set(b->err, "unsupported version: %ld (want: 3)", c->version);
    if (c->listen_ip.len > 0 && !addr_is_ip(c->listen_ip))
        return error_set(b->err, "invalid ip address %.*s", STR_ARG(c->listen_ip));
    if (!build_hosts(b, &c->hosts))
        return false;
    c->extra = build_extra(b, c->written, STR("the service"));
    set_limits(c);
    if (!read_max_target(b, &c->server.max_target) || !build_router(b) || !build_log(b))
        return false;
    warn_of_gaps(b);
    return true;
}
