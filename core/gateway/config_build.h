/* config_build - what the parts of config share while a configuration is being built: private to config*.c.
 */
#ifndef GATEWAY_CONFIG_BUILD_H
#define GATEWAY_CONFIG_BUILD_H

#include "gateway/config.h"

struct config_build {
    struct config *config;
    struct arena *arena; /* the configuration's */
    struct error *err;
    size_t warning_cap;
};

void build_warn(struct config_build *b, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* config_env.c: merges KRAKEND_* over the root (core.md 1.4, operate.md 2.3). */
void build_environment(struct config_build *b, char **environment);
/* HTTP_PROXY and NO_PROXY, in either case, as c->client.proxy (operate.md 2.3), and the ways of all backends.
 * False: one is to be asked through a proxy that cannot be used. */
bool build_proxy(struct config_build *b, char **environment);
/* FC_ENABLE asks for templates, which nobody renders: false if there are any in the text. */
bool build_check_templates(struct config_build *b, struct str text, char **environment);

/* config_extra.c: the namespaces of an extra_config made short (core.md 1.8); warns of those that do nothing
 * yet. place: "the service", "endpoint GET /x", ... */
struct node *build_extra(struct config_build *b, struct node *written, struct str place);
/* The part of the manual that tells which of them are there. */
void build_print_namespaces(void (*print)(const char *line));

/* config_service.c, config_endpoint.c: defaults and checks in KrakenD's order (core.md 1.9). */
bool build_service(struct config_build *b);
bool build_endpoints(struct config_build *b);

/* config_backend.c. input: the names that its endpoint offers. */
bool build_backend(struct config_build *b, struct backend *backend, const struct str_list *input);
bool build_needs_tls(const struct backend *backend);
void build_warn_of_flatmap(struct config_build *b, struct node *proxy, struct str place);

/* config_router.c, config_log.c: the sections that the core reads itself. */
bool build_router(struct config_build *b);
bool build_log(struct config_build *b);

/* Is it there, and exactly of that type? Inside extra_config nothing is converted. */
struct node *build_option(struct node *object, const char *name);
bool build_option_is_true(struct node *object, const char *name);

/* Hosts as core.md 1.11 wants them. */
bool build_hosts(struct config_build *b, struct str_list *hosts);

struct str build_upper(struct arena *a, struct str s);

/* Canonical spelling of header names, in place. */
void build_canonical(struct config_build *b, struct str_list *names);

#endif
