/* The environment: KRAKEND_* variables over the root of the file (core.md 1.4), FC_ENABLE (operate.md 3.1),
 * proxies (service.md HTTPC-2). */
#include <ctype.h>
#include <string.h>

#include "gateway/config_build.h"
#include "http/proxy_rules.h"

static struct str lower(struct arena *a, struct str s)
{
    struct str copy = arena_copy(a, s);

    for (size_t i = 0; i < s.len; i++)
        ((char *)copy.ptr)[i] = (char)tolower((unsigned char)s.ptr[i]);
    return copy;
}

/* Sets a dotted path of keys; what is no object on the way is replaced. */
static void set_path(struct arena *a, struct node *object, struct str path, struct node *value)
{
    struct str rest = path;
    struct str key = str_split(&rest, '.');

    while (rest.ptr != NULL) {
        struct node *child = node_get(object, key);
        if (child == NULL || node_type(child) != DOC_OBJECT) {
            child = node_new_object(a);
            node_set(object, key, child);
        }
        object = child;
        key = str_split(&rest, '.');
    }
    node_set(object, key, value);
}

/* A Kubernetes Service named krakend injects KRAKEND_PORT=tcp://10.0.0.1:80, which nobody meant. */
static bool is_injected(struct str key, struct str value)
{
    return str_equal(key, STR("port")) && str_starts_with(value, STR("tcp://"));
}

void build_environment(struct config_build *b, char **environment)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        struct str value = str_of(*environment);
        struct str name = str_split(&value, '=');
        struct str prefix = STR("KRAKEND_");
        if (!str_starts_with(name, prefix) || value.ptr == NULL)
            continue;
        struct str key = lower(b->arena, str_slice(name, prefix.len, name.len));
        if (is_injected(key, value))
            build_warn(b, LOG_WARNING,
                       "The variable KRAKEND_PORT is ignored: %.*s is the address of a service, not a port",
                       STR_ARG(value));
        else
            set_path(b->arena, b->config->root, key, node_new_string(b->arena, arena_copy(b->arena, value)));
    }
}

/* Empty if there is none. */
static struct str variable(char **environment, const char *name)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        struct str value = str_of(*environment);

        if (str_equal(str_split(&value, '='), str_of(name)))
            return value;
    }
    return STR_NONE;
}

/* Any text in FC_ENABLE switches templates on, even 0. */
bool build_check_templates(struct config_build *b, struct str text, char **environment)
{
    if (variable(environment, "FC_ENABLE").len == 0)
        return true;
    if (text.len > 0 && memmem(text.ptr, text.len, "{{", 2) != NULL)
        return error_set(b->err, "FC_ENABLE is set, but templates ({{ ... }}) are not supported yet: "
                                 "give the rendered file and unset FC_ENABLE");
    build_warn(
        b, LOG_WARNING,
        "FC_ENABLE is set, but templates are not supported yet: the file, which has none, is used as it is");
    return true;
}

/* --- proxies --------------------------------------------------------------------------------------- */

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= 0x80)
            return false;
    return true;
}

/* The authority of a call's URL is that of its host, for what follows begins with a slash: so the rules can
 * be asked once and for all. */
static void decide_ways(struct config_build *b, struct backend *backend)
{
    enum url_way *ways;
    struct url url;

    if (str_equal(backend->sd, STR("dns")))
        return;
    ways = arena_zalloc(b->arena, (backend->hosts.count + 1) * sizeof(*ways));
    backend->ways = ways;
    for (size_t i = 0; i < backend->hosts.count; i++)
        if (url_parse(b->arena, backend->hosts.items[i], &url, NULL))
            ways[i] = proxy_rules_way(b->config->client.proxy, &url);
}

static void decide_all_ways(struct config_build *b)
{
    const struct config *c = b->config;

    for (size_t i = 0; i < c->endpoint_count; i++)
        for (size_t k = 0; k < c->endpoints[i].backend_count; k++)
            decide_ways(b, &c->endpoints[i].backends[k]);
}

/* The first host of a backend that is asked through the proxy; "": there is none. */
static struct str host_behind(const struct backend *backend)
{
    for (size_t i = 0; backend->ways != NULL && i < backend->hosts.count; i++)
        if (backend->ways[i] == WAY_PROXY)
            return backend->hosts.items[i];
    return STR_NONE;
}

/* The proxy cannot be used: is there a backend that needs it? */
static bool check_unusable(struct config_build *b, const char *name, const struct proxy_rules *rules)
{
    const struct config *c = b->config;

    for (size_t i = 0; i < c->endpoint_count; i++) {
        const struct endpoint *e = &c->endpoints[i];

        for (size_t at = 0; at < e->backend_count; at++) {
            struct str host = host_behind(&e->backends[at]);

            if (host.len > 0)
                return error_set(
                    b->err, "%s: %.*s (backend %zu of %.*s %.*s would be asked through it: %.*s)", name,
                    STR_ARG(rules->problem), at, STR_ARG(e->method), STR_ARG(e->route), STR_ARG(host));
        }
    }
    build_warn(b, LOG_WARNING, "%s: %.*s; no backend needs it", name, STR_ARG(rules->problem));
    return true;
}

bool build_proxy(struct config_build *b, char **environment)
{
    const char *name = variable(environment, "HTTP_PROXY").len > 0 ? "HTTP_PROXY" : "http_proxy";
    struct str except = variable(environment, "NO_PROXY");
    struct proxy_rules *rules;

    if (except.len == 0)
        except = variable(environment, "no_proxy");
    rules = proxy_rules_read(b->arena, variable(environment, name), except);
    b->config->client.proxy = rules;
    decide_all_ways(b);
    if (rules == NULL)
        return true;
    if (variable(environment, "REQUEST_METHOD").len > 0)
        rules->problem =
            STR("not to be trusted where REQUEST_METHOD is set, for a client of a CGI script may "
                "have set it: unset one of them");
    if (!is_ascii(except))
        build_warn(b, LOG_WARNING,
                   "NO_PROXY: names that are not ASCII match no host: write them as hosts are (xn--...)");
    return rules->problem.len == 0 || check_unusable(b, name, rules);
}
