/* config - a krakend.json as immutable structs.
 *
 * Read once, before the fork: workers share its pages and never write them. Rows of tables (config_fields.c)
 * are parser, check and manual at once. What the core does not know (extra_config) stays indexed, with
 * namespaces normalised to their short names, and goes to Lua as it is.
 *
 * Owner:   config_free; everything hangs from its arena.
 * Errors:  KrakenD's texts (core.md 1.1 to 1.12), prefixed by the file name.
 */
#ifndef GATEWAY_CONFIG_H
#define GATEWAY_CONFIG_H

#include "base/arena.h"
#include "base/doc.h"
#include "base/error.h"
#include "base/log.h"
#include "http/client.h"
#include "http/field.h"
#include "http/server.h"
#include "http/target.h"
#include "net/addr.h"

#define CUTTLE_VERSION  "0.1.0"
#define KRAKEND_VERSION "2.13.8" /* whom we answer for: X-Krakend, User-Agent (core.md 11) */

enum encoding { /* how a backend's content is read */
                ENCODING_JSON,
                ENCODING_SAFEJSON,
                ENCODING_STRING,
                ENCODING_NOOP,
                ENCODING_NOTHING, /* "No-Op" in any other letter case */
};

enum output { /* how an endpoint's answer is written: core.md 7.2 */
              OUTPUT_JSON,
              OUTPUT_STRING,
              OUTPUT_NOOP,
              OUTPUT_JSON_COLLECTION,
};

/* A url_pattern: literal pieces and parameters in turn. */
struct pattern_part {
    struct str literal; /* used when param is empty */
    struct str param;   /* the name as written between the braces; "" for a literal */
    struct str key;     /* with the first letter in upper case: "Id", "JWT.sub", "Resp0_x" (R-CFG-14) */
};
struct pattern {
    struct str text; /* the internal form, "/x/{{.Id}}": used in messages and logs */
    const struct pattern_part *parts;
    size_t count;
};

struct backend {
    unsigned id; /* counts through all backends of the configuration: index of what hooks keep per backend */
    unsigned index; /* within its endpoint */
    struct endpoint *endpoint;
    struct pattern url_pattern;
    struct str_list hosts;    /* sanitised: "http://a.test:80"; may be empty */
    const enum url_way *ways; /* by host: through a proxy or not; NULL when hosts are looked up (sd: dns) */
    struct str method;        /* as written, or the endpoint's; sent in upper case */
    struct str method_sent;   /* in upper case */
    struct str encoding_name; /* as written; "no-op" under a no-op endpoint */
    enum encoding encoding;
    bool is_collection;
    struct str target, group;
    struct str_list allow, deny;
    const struct doc_rename *mapping; /* as written */
    size_t mapping_count;
    struct str_list input_headers;               /* canonical; empty: no second filter */
    struct str_list input_query_strings;         /* empty: no second filter */
    bool filters_headers, filters_query_strings; /* was the list non-empty (an item may be "")? */
    struct str sd, sd_scheme;
    bool disable_host_sanitize;
    int64_t written_timeout; /* must be a duration as in KrakenD, and has no effect: the endpoint's counts */
    bool return_error_code;
    struct str return_error_details; /* "" for none */
    bool return_error_details_set; /* present, whatever its value: then return_error_code is not looked at */
    bool send_body_on_redirect;
    bool shadow;            /* proxy.shadow */
    int64_t shadow_timeout; /* the endpoint's, if there is none that can be read */
    struct node *extra;     /* extra_config: an object, never NULL */
    struct node *written;   /* the same with the namespaces as in the file: for the dump */
};

enum static_strategy {
    STATIC_NONE,
    STATIC_ALWAYS,
    STATIC_SUCCESS,
    STATIC_COMPLETE,
    STATIC_ERRORED,
    STATIC_INCOMPLETE
};

struct endpoint {
    unsigned id;       /* index in config->endpoints */
    struct str path;   /* as written, with a leading slash */
    struct str route;  /* "/u/:id" */
    struct str method; /* as written, GET if empty */
    struct str method_upper;
    bool supported; /* GET POST PUT PATCH DELETE; others are reported and left out */
    struct backend *backends;
    size_t backend_count;
    int64_t timeout;               /* ns; may be negative */
    int64_t cache_ttl;             /* ns */
    long concurrent_calls;         /* >= 1 */
    struct str_list input_headers; /* canonical */
    bool all_headers;              /* "*" among them */
    struct str_list input_query_strings;
    bool all_query_strings;
    enum output output;
    struct str output_name;     /* as written or inherited: for messages */
    struct str_list params;     /* names of the path's parameters, in order */
    bool sequential;            /* proxy.sequential, with two backends or more */
    struct str_list propagated; /* proxy.sequential_propagated_params */
    enum static_strategy static_strategy;
    struct node *static_data; /* proxy.static.data */
    struct node *extra;       /* extra_config: an object, never NULL */
    struct node *written;     /* the same with the namespaces as in the file: for the dump */
    struct str cache_control; /* "public, max-age=N", "" for none */
};

/* extra_config.router: core.md 2.5 */
struct router_options {
    bool auto_options;
    bool has_error_404, has_error_405;
    struct str error_404, error_405; /* compact JSON */
    bool disable_redirect_trailing_slash, disable_redirect_fixed_path, disable_handle_method_not_allowed;
    bool forwarded_by_client_ip;
    struct str_list remote_ip_headers;
    const struct addr_block *trusted_proxies;
    size_t trusted_proxy_count;    /* 0: everybody */
    struct str_list trusted_texts; /* the same as written */
    bool use_h2c;
    bool app_engine, remove_extra_slash, disable_access_log, return_error_msg, disable_health;
    bool disable_path_decoding, hide_version_header;
    struct str_list logger_skip_paths;
    struct str health_path; /* "/__health" */
};

struct plugin_options { /* the root block `plugin` */
    bool present;
    struct str_list folders;
    struct str pattern; /* substring of the file name; default ".lua" */
};

struct tls_options { /* service.md 4; not served yet: `tls` that is not disabled is refused */
    struct str public_key, private_key, min_version, max_version;
    struct str_list ca_certs, curve_preferences, cipher_suites;
    bool prefer_server_cipher_suites, enable_mtls, disable_system_ca_pool;
};

struct client_tls_options { /* service.md 5; not used yet */
    bool present;
    bool allow_insecure_connections, disable_system_ca_pool;
    struct str min_version, max_version;
    struct str_list ca_certs, curve_preferences, cipher_suites;
};

struct agent { /* of async_agent: read and reported, not run yet */
    struct str name;
};

struct config_warning {
    enum log_level level; /* LOG_WARNING, or LOG_ERROR for what KrakenD logs as one */
    struct str text;
};

struct config {
    struct arena arena;
    struct str file;
    struct str name;
    long version;
    long port;
    struct str listen_ip;
    struct str_list hosts;
    int64_t timeout, cache_ttl;
    struct str output_encoding;
    struct endpoint *endpoints;
    size_t endpoint_count;
    size_t backend_count; /* of all endpoints */
    struct agent *agents;
    size_t agent_count;
    struct server_options server; /* max_head: made of max_header_bytes */
    long max_header_bytes;        /* as written; 0: 1 MiB */
    struct client_options client;
    bool allow_insecure_connections;
    bool debug_endpoint, echo_endpoint, sequential_start, disable_rest, use_h2c;
    int64_t dns_cache_ttl, max_shutdown_wait_time;
    bool has_tls, tls_disabled;
    struct tls_options tls;
    struct client_tls_options client_tls;
    struct router_options router;
    struct plugin_options plugin;
    struct log_options log;
    struct node *extra;   /* extra_config: an object, never NULL */
    struct node *written; /* the same with the namespaces as in the file: for the dump */
    struct node *root;    /* the whole file, with the overrides of the environment */
    struct config_warning
        *warnings; /* to be logged at start: namespaces that are known but not supported, ... */
    size_t warning_count;
};

struct config_overrides {
    bool debug;     /* -d */
    long port;      /* -p; 0: none */
    char **environ; /* KRAKEND_*, FC_ENABLE, HTTP_PROXY, NO_PROXY; NULL: none */
};

/* Reads and checks a file; NULL and why: "'<file>': <reason>". */
struct config *config_load(const char *file, const struct config_overrides *overrides, struct error *err);
/* The same from a text, for the simulator and specs. */
struct config *config_parse(struct str text, const char *file, const struct config_overrides *overrides,
                            struct error *err);
void config_free(struct config *c);

/* The value of an extra_config by short namespace: NULL if it is not there or null. */
struct node *config_extra(struct node *extra, struct str short_namespace);

/* Prints every key with type, default and meaning: `cuttle help config`. */
void config_print_manual(void (*print)(const char *line));

#endif
