#include "gateway/config_dump.h"

#include <stdarg.h>

#include "base/clock.h"
#include "gateway/go_text.h"

#define RED    "\033[31;1m"
#define GREEN  "\033[32;1m"
#define YELLOW "\033[33;1m"
#define BLUE   "\033[34;1m"
#define CYAN   "\033[36;1m"
#define WHITE  "\033[37;1m"
#define PLAIN  "\033[0m"

struct dump {
    FILE *out;
    const char *indent;
    int level;
    bool colour;
    struct arena arena; /* for what is put together here */
};

static const char *paint(const struct dump *d, const char *colour)
{
    return d->colour ? colour : "";
}

/* depth times the indentation, a line, its end. */
static void line(const struct dump *d, int depth, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void line(const struct dump *d, int depth, const char *format, ...)
{
    va_list args;

    for (int i = 0; i < depth; i++)
        fputs(d->indent, d->out);
    va_start(args, format);
    vfprintf(d->out, format, args);
    va_end(args);
    fputc('\n', d->out);
}

static void text(const struct dump *d, int depth, const char *label, struct str value)
{
    line(d, depth, "%s: %.*s", label, STR_ARG(value));
}

static void number(const struct dump *d, int depth, const char *label, long value)
{
    line(d, depth, "%s: %ld", label, value);
}

static void flag(const struct dump *d, int depth, const char *label, bool value)
{
    line(d, depth, "%s: %s", label, value ? "true" : "false");
}

static void duration(const struct dump *d, int depth, const char *label, int64_t ns)
{
    char buf[32];
    size_t len = duration_format(buf, ns);

    line(d, depth, "%s: %.*s", label, (int)len, buf);
}

static void list(struct dump *d, int depth, const char *label, const struct str_list *items)
{
    text(d, depth, label, go_text_list(&d->arena, items));
}

/* --- extra_config ----------------------------------------------------------------------------------- */

static void component(struct dump *d, int depth, const struct go_member *m)
{
    size_t count;

    line(d, depth, "%s- %.*s%s", paint(d, YELLOW), STR_ARG(m->name), paint(d, PLAIN));
    if (d->level < 2)
        return;
    if (node_type(m->value) != DOC_OBJECT) {
        fputc('\t', d->out);
        text(d, depth, "", go_text(&d->arena, m->value));
        return;
    }
    struct go_member *members = go_members(&d->arena, m->value, &count);
    for (size_t i = 0; i < count; i++) {
        fputc('\t', d->out);
        line(d, depth, "%.*s: %.*s", STR_ARG(members[i].name), STR_ARG(go_text(&d->arena, members[i].value)));
    }
}

static void components(struct dump *d, int depth, const char *whose, struct node *extra)
{
    size_t count;
    struct go_member *members = go_members(&d->arena, extra, &count);

    if (count == 0 && d->level < 2)
        return;
    line(d, depth, "%s%zu %s component configuration(s):%s", paint(d, GREEN), count, whose, paint(d, PLAIN));
    for (size_t i = 0; i < count; i++)
        component(d, depth, &members[i]);
}

/* --- backends and endpoints ------------------------------------------------------------------------- */

static const char *method_colour(const struct dump *d, struct str method)
{
    static const struct {
        const char *method, *colour;
    } colours[] = {
        {"GET", BLUE},    {"POST", CYAN}, {"PUT", YELLOW},    {"DELETE", RED},
        {"PATCH", GREEN}, {"HEAD", CYAN}, {"OPTIONS", WHITE},
    };

    for (size_t i = 0; i < ARRAY_LEN(colours); i++)
        if (str_equal(method, str_of(colours[i].method)))
            return paint(d, colours[i].colour);
    return "";
}

static void mapping(struct dump *d, const struct backend *b)
{
    struct node *renames = node_new_object(&d->arena);

    for (size_t i = 0; i < b->mapping_count; i++)
        node_set(renames, b->mapping[i].from, node_new_string(&d->arena, b->mapping[i].to));
    text(d, 2, "Mapping", go_text(&d->arena, renames));
}

static void backend_details(struct dump *d, const struct backend *b)
{
    number(d, 2, "Concurrent calls", b->endpoint->concurrent_calls);
    flag(d, 2, "Host sanitization disabled", b->disable_host_sanitize);
    text(d, 2, "Target", b->target);
    line(d, 2, "Deny: %.*s, Allow: %.*s", STR_ARG(go_text_list(&d->arena, &b->deny)),
         STR_ARG(go_text_list(&d->arena, &b->allow)));
    mapping(d, b);
    text(d, 2, "Group", b->group);
    text(d, 2, "Encoding", b->encoding_name);
    flag(d, 2, "Is collection", b->is_collection);
    text(d, 2, "SD", b->sd);
    text(d, 2, "SD scheme", b->sd_scheme);
    list(d, 2, "Headers to pass", &b->input_headers);
    list(d, 2, "Query strings to pass", &b->input_query_strings);
}

static void dump_backend(struct dump *d, const struct backend *b)
{
    line(d, 2, "[+] %s%.*s%s %.*s%s", method_colour(d, b->method), STR_ARG(b->method), paint(d, CYAN),
         STR_ARG(b->url_pattern.text), paint(d, PLAIN));
    duration(d, 2, "Timeout", b->endpoint->timeout);
    list(d, 2, "Hosts", &b->hosts);
    if (d->level > 1)
        backend_details(d, b);
    components(d, 2, "backend", b->written);
    fputc('\n', d->out);
}

static void dump_endpoint(struct dump *d, const struct endpoint *e)
{
    line(d, 1, "- %s%.*s%s %.*s%s", method_colour(d, e->method), STR_ARG(e->method), paint(d, CYAN),
         STR_ARG(e->route), paint(d, PLAIN));
    duration(d, 1, "Timeout", e->timeout);
    if (d->level > 1 || e->input_query_strings.count > 0)
        list(d, 1, "QueryString", &e->input_query_strings);
    if (d->level > 1) {
        duration(d, 1, "CacheTTL", e->cache_ttl);
        list(d, 1, "Headers to pass", &e->input_headers);
        text(d, 1, "OutputEncoding", e->output_name);
    }
    if (d->level > 1 || e->concurrent_calls > 1)
        number(d, 1, "Concurrent calls", e->concurrent_calls);
    components(d, 1, "endpoint", e->written);
    line(d, 1, "%sConnecting to %zu backend(s):%s", paint(d, GREEN), e->backend_count, paint(d, PLAIN));
    for (size_t i = 0; i < e->backend_count; i++)
        dump_backend(d, &e->backends[i]);
}

/* --- the service ------------------------------------------------------------------------------------ */

static void dump_transport(struct dump *d, const struct config *c)
{
    duration(d, 1, "Read timeout", c->server.read_timeout);
    duration(d, 1, "Write timeout", c->server.write_timeout);
    duration(d, 1, "Idle timeout", c->server.idle_timeout);
    duration(d, 1, "Read header timeout", c->server.read_header_timeout);
    duration(d, 1, "Idle connection timeout", c->client.idle_connection_timeout);
    duration(d, 1, "Response header timeout", c->client.response_header_timeout);
    duration(d, 1, "Expect continue timeout", c->client.expect_continue_timeout);
    duration(d, 1, "Dialer timeout", c->client.dialer_timeout);
    duration(d, 1, "Dialer fallback delay", c->client.dialer_fallback_delay);
    duration(d, 1, "Dialer keep alive", c->client.dialer_keep_alive);
    flag(d, 1, "Disable keep alives", c->client.disable_keep_alives);
    flag(d, 1, "Disable compression", c->client.disable_compression);
    number(d, 1, "Max idle connections", c->client.max_idle_connections);
    number(d, 1, "Max idle connections per host", c->client.max_idle_connections_per_host);
    flag(d, 1, "Sequential start", c->sequential_start);
    number(d, 1, "Max header bytes", c->max_header_bytes);
    flag(d, 1, "Echo endpoint enabled", c->echo_endpoint);
    text(d, 1, "Default encoding strategy", c->output_encoding);
    flag(d, 1, "Disable strict REST", c->disable_rest);
    flag(d, 1, "Run lura in debug mode", c->debug_endpoint);
    flag(d, 1, "Allow insecure connections", c->allow_insecure_connections);
    flag(d, 1, "UseH2C", c->use_h2c);
}

static void dump_tls(struct dump *d, const struct config *c)
{
    const struct tls_options *tls = &c->tls;

    if (!c->has_tls) {
        if (d->level > 1)
            line(d, 1, "%sNo TLS section defined%s", paint(d, RED), paint(d, PLAIN));
        return;
    }
    flag(d, 1, "TLS Disabled", c->tls_disabled);
    text(d, 1, "TLS Public key", tls->public_key);
    text(d, 1, "TLS Private key", tls->private_key);
    flag(d, 1, "TLS Enable MTLS", tls->enable_mtls);
    flag(d, 1, "TLS Disable System CA Pool", tls->disable_system_ca_pool);
    if (d->level > 1) {
        text(d, 1, "TLS Min version", tls->min_version);
        text(d, 1, "TLS Max version", tls->max_version);
    }
    if (d->level > 2) {
        list(d, 1, "TLS Curve preferences", &tls->curve_preferences);
        flag(d, 1, "TLS Prefer server cipher suites", tls->prefer_server_cipher_suites);
        list(d, 1, "TLS Cipher suites", &tls->cipher_suites);
    }
}

static void dump_client_tls(struct dump *d, const struct client_tls_options *tls)
{
    if (!tls->present)
        return;
    flag(d, 1, "Client TLS Allow Insecure Connections", tls->allow_insecure_connections);
    flag(d, 1, "Client TLS Disable System CA Pool", tls->disable_system_ca_pool);
    if (d->level > 1) {
        text(d, 1, "Client TLS Min version", tls->min_version);
        text(d, 1, "Client TLS Max version", tls->max_version);
    }
    if (d->level > 2) {
        list(d, 1, "Client TLS Curve preferences", &tls->curve_preferences);
        list(d, 1, "Client TLS Cipher suites", &tls->cipher_suites);
    }
}

static void dump_plugin(struct dump *d, const struct plugin_options *plugin)
{
    if (plugin->present) {
        if (plugin->folders.count > 1)
            list(d, 1, "Folder", &plugin->folders);
        else
            text(d, 1, "Folder", plugin->folders.count == 1 ? plugin->folders.items[0] : STR(""));
        text(d, 1, "Pattern", plugin->pattern);
    } else if (d->level > 1) {
        line(d, 1, "%sNo Plugin section defined%s", paint(d, RED), paint(d, PLAIN));
    }
}

static void dump_service(struct dump *d, const struct config *c)
{
    line(d, 0, "%sGlobal settings%s", paint(d, GREEN), paint(d, PLAIN));
    text(d, 1, "Name", c->name);
    number(d, 1, "Version", c->version);
    text(d, 1, "Address", c->listen_ip);
    number(d, 1, "Port", c->port);
    if (d->level > 1) {
        duration(d, 1, "Default cache TTL", c->cache_ttl);
        duration(d, 1, "Default timeout", c->timeout);
    }
    if (d->level > 1 || c->hosts.count > 0)
        list(d, 1, "Default backend hosts", &c->hosts);
    if (d->level > 2)
        dump_transport(d, c);
    dump_tls(d, c);
    dump_client_tls(d, &c->client_tls);
    dump_plugin(d, &c->plugin);
    components(d, 0, "global", c->written);
}

void config_dump(const struct config *c, int level, const char *indent, bool colour, FILE *out)
{
    struct dump d = {.out = out, .indent = indent, .level = level, .colour = colour};

    arena_init(&d.arena, NULL);
    dump_service(&d, c);
    line(&d, 0, "%s%zu API endpoint(s):%s", paint(&d, GREEN), c->endpoint_count, paint(&d, PLAIN));
    for (size_t i = 0; i < c->endpoint_count; i++)
        dump_endpoint(&d, &c->endpoints[i]);
    line(&d, 0, "%s%zu async agent(s):%s", paint(&d, GREEN), c->agent_count, paint(&d, PLAIN));
    for (size_t i = 0; i < c->agent_count; i++)
        line(&d, 1, "- %s%.*s%s", paint(&d, CYAN), STR_ARG(c->agents[i].name), paint(&d, PLAIN));
    arena_fini(&d.arena);
}
