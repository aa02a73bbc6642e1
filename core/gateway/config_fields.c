#include "gateway/config_fields.h"

#include "gateway/config.h"

/* CONFIG_RENAMES and CONFIG_RECORDS rely on it. */
#define COUNT_FOLLOWS(type, pointer, counter)                                                                \
    _Static_assert(offsetof(type, counter) == offsetof(type, pointer) + sizeof(void *),                      \
                   #counter " must follow " #pointer)

COUNT_FOLLOWS(struct backend, mapping, mapping_count);
COUNT_FOLLOWS(struct endpoint, backends, backend_count);
COUNT_FOLLOWS(struct config, endpoints, endpoint_count);
COUNT_FOLLOWS(struct config, agents, agent_count);

#define AT(member) offsetof(struct backend, member)

static const struct config_row backend_rows[] = {
    {"url_pattern", CONFIG_TEXT, AT(url_pattern.text), NULL,
     "Path and query at the backend; {name} is a parameter.", NULL},
    {"host", CONFIG_LIST, AT(hosts), NULL, "Hosts to balance over, http://name:port; else the service's.",
     NULL},
    {"method", CONFIG_TEXT, AT(method), NULL, "Method of the request; else the endpoint's.", NULL},
    {"encoding", CONFIG_TEXT, AT(encoding_name), NULL,
     "How the reply is read: json, safejson, string, no-op.", NULL},
    {"is_collection", CONFIG_BOOL, AT(is_collection), "false", "The reply is a JSON array.", NULL},
    {"target", CONFIG_TEXT, AT(target), NULL, "Dotted path of the object that is taken out of the reply.",
     NULL},
    {"group", CONFIG_TEXT, AT(group), NULL, "Name of the object that the reply is put into.", NULL},
    {"allow", CONFIG_LIST, AT(allow), NULL, "Dotted names to keep; everything else is dropped.", NULL},
    {"deny", CONFIG_LIST, AT(deny), NULL, "Dotted names to drop; not looked at beside allow.", NULL},
    {"mapping", CONFIG_RENAMES, AT(mapping), NULL, "Old and new names of members at the top.", NULL},
    {"input_headers", CONFIG_LIST, AT(input_headers), NULL,
     "Of the endpoint's headers, those this backend gets.", NULL},
    {"input_query_strings", CONFIG_LIST, AT(input_query_strings), NULL, "The same for the query.", NULL},
    {"sd", CONFIG_TEXT, AT(sd), NULL, "Where hosts come from: static, or dns for SRV records.", NULL},
    {"sd_scheme", CONFIG_TEXT, AT(sd_scheme), "http", "Scheme put before what dns finds.", NULL},
    {"disable_host_sanitize", CONFIG_BOOL, AT(disable_host_sanitize), "false",
     "Take the hosts as they are written.", NULL},
    {"timeout", CONFIG_DURATION, AT(written_timeout), NULL, "Has no effect: the endpoint's counts.", NULL},
    {"extra_config", CONFIG_OBJECT, AT(written), NULL, "Settings of components, by namespace.", NULL},
};

#undef AT
#define AT(member) offsetof(struct endpoint, member)

static const struct config_table backend_table = {
    "endpoints[].backend[]",
    backend_rows,
    ARRAY_LEN(backend_rows),
    sizeof(struct backend),
};

static const struct config_row endpoint_rows[] = {
    {"endpoint", CONFIG_TEXT, AT(path), NULL, "The path; {name} is a parameter.", NULL},
    {"method", CONFIG_TEXT, AT(method), NULL, "GET (when absent), POST, PUT, PATCH or DELETE.", NULL},
    {"backend", CONFIG_RECORDS, AT(backends), NULL, "At least one.", &backend_table},
    {"concurrent_calls", CONFIG_INT, AT(concurrent_calls), "1",
     "Race so many calls to each backend, take the first.", NULL},
    {"timeout", CONFIG_DURATION, AT(timeout), NULL, "For everything; else the service's.", NULL},
    {"cache_ttl", CONFIG_DURATION, AT(cache_ttl), NULL, "Cache-Control of whole answers; else the service's.",
     NULL},
    {"input_headers", CONFIG_LIST, AT(input_headers), NULL, "Request headers to forward; * for all.", NULL},
    {"input_query_strings", CONFIG_LIST, AT(input_query_strings), NULL,
     "Query strings to forward; * for all.", NULL},
    {"output_encoding", CONFIG_TEXT, AT(output_name), NULL,
     "json, json-collection, string, no-op; else the service's.", NULL},
    {"extra_config", CONFIG_OBJECT, AT(written), NULL, "Settings of components, by namespace.", NULL},
};

static const struct config_table endpoint_table = {
    "endpoints[]",
    endpoint_rows,
    ARRAY_LEN(endpoint_rows),
    sizeof(struct endpoint),
};

static const struct config_row agent_rows[] = {
    {"name", CONFIG_TEXT, offsetof(struct agent, name), NULL, "Its name. Agents are not run yet.", NULL},
};

static const struct config_table agent_table = {
    "async_agent[]",
    agent_rows,
    ARRAY_LEN(agent_rows),
    sizeof(struct agent),
};

#undef AT
#define AT(member) offsetof(struct config, member)

static const struct config_row tls_rows[] = {
    {"disabled", CONFIG_BOOL, AT(tls_disabled), "false", "Must be true for now: TLS is not supported yet.",
     NULL},
    {"public_key", CONFIG_TEXT, AT(tls.public_key), NULL, "File of the certificate chain.", NULL},
    {"private_key", CONFIG_TEXT, AT(tls.private_key), NULL, "File of its key.", NULL},
    {"ca_certs", CONFIG_LIST, AT(tls.ca_certs), NULL, "Files of authorities that clients may be signed by.",
     NULL},
    {"min_version", CONFIG_TEXT, AT(tls.min_version), NULL, "Oldest version to speak.", NULL},
    {"max_version", CONFIG_TEXT, AT(tls.max_version), NULL, "Newest version to speak.", NULL},
    {"curve_preferences", CONFIG_LIST, AT(tls.curve_preferences), NULL, "Curves, by number.", NULL},
    {"cipher_suites", CONFIG_LIST, AT(tls.cipher_suites), NULL, "Cipher suites, by number.", NULL},
    {"prefer_server_cipher_suites", CONFIG_BOOL, AT(tls.prefer_server_cipher_suites), "false",
     "Has no effect.", NULL},
    {"enable_mtls", CONFIG_BOOL, AT(tls.enable_mtls), "false", "Ask clients for a certificate.", NULL},
    {"disable_system_ca_pool", CONFIG_BOOL, AT(tls.disable_system_ca_pool), "false", "Trust ca_certs alone.",
     NULL},
};

static const struct config_table tls_table = {"tls", tls_rows, ARRAY_LEN(tls_rows), sizeof(struct config)};

static const struct config_row client_tls_rows[] = {
    {"allow_insecure_connections", CONFIG_BOOL, AT(client_tls.allow_insecure_connections), "false",
     "Do not check certificates of backends.", NULL},
    {"ca_certs", CONFIG_LIST, AT(client_tls.ca_certs), NULL, "Files of authorities to trust.", NULL},
    {"disable_system_ca_pool", CONFIG_BOOL, AT(client_tls.disable_system_ca_pool), "false",
     "Trust ca_certs alone.", NULL},
    {"min_version", CONFIG_TEXT, AT(client_tls.min_version), NULL, "Oldest version to speak.", NULL},
    {"max_version", CONFIG_TEXT, AT(client_tls.max_version), NULL, "Newest version to speak.", NULL},
    {"curve_preferences", CONFIG_LIST, AT(client_tls.curve_preferences), NULL, "Curves, by number.", NULL},
    {"cipher_suites", CONFIG_LIST, AT(client_tls.cipher_suites), NULL, "Cipher suites, by number.", NULL},
};

static const struct config_table client_tls_table = {
    "client_tls",
    client_tls_rows,
    ARRAY_LEN(client_tls_rows),
    sizeof(struct config),
};

static const struct config_row plugin_rows[] = {
    {"folder", CONFIG_LIST, AT(plugin.folders), NULL, "Where plugins are; may be a list.", NULL},
    {"pattern", CONFIG_TEXT, AT(plugin.pattern), ".lua", "Part of the names of files to look at.", NULL},
};

static const struct config_table plugin_table = {
    "plugin",
    plugin_rows,
    ARRAY_LEN(plugin_rows),
    sizeof(struct config),
};

static const struct config_row service_rows[] = {
    {"version", CONFIG_INT, AT(version), NULL, "Must be 3.", NULL},
    {"name", CONFIG_TEXT, AT(name), NULL, "Name of the service.", NULL},
    {"port", CONFIG_INT, AT(port), "8080", "TCP port to listen on.", NULL},
    {"listen_ip", CONFIG_TEXT, AT(listen_ip), NULL, "Address to listen on, without brackets; else all.",
     NULL},
    {"host", CONFIG_LIST, AT(hosts), NULL, "Hosts of backends that name none.", NULL},
    {"timeout", CONFIG_DURATION, AT(timeout), "2s", "Timeout of endpoints that have none.", NULL},
    {"cache_ttl", CONFIG_DURATION, AT(cache_ttl), NULL, "Cache-Control of endpoints that have none.", NULL},
    {"output_encoding", CONFIG_TEXT, AT(output_encoding), NULL,
     "Encoding of endpoints that have none; else json.", NULL},
    {"endpoints", CONFIG_RECORDS, AT(endpoints), NULL, "What is served.", &endpoint_table},
    {"async_agent", CONFIG_RECORDS, AT(agents), NULL, "Consumers of queues. Not supported yet.",
     &agent_table},
    {"extra_config", CONFIG_OBJECT, AT(written), NULL, "Settings of components, by namespace.", NULL},
    {"plugin", CONFIG_SECTION, AT(plugin.present), NULL, "Plugins of your own.", &plugin_table},
    {"tls", CONFIG_SECTION, AT(has_tls), NULL, "TLS towards clients. Not supported yet.", &tls_table},
    {"client_tls", CONFIG_SECTION, AT(client_tls.present), NULL, "TLS towards backends. Not supported yet.",
     &client_tls_table},
    {"allow_insecure_connections", CONFIG_BOOL, AT(allow_insecure_connections), "false",
     "The same key of client_tls.", NULL},
    {"read_timeout", CONFIG_DURATION, AT(server.read_timeout), NULL, "For a whole request.", NULL},
    {"read_header_timeout", CONFIG_DURATION, AT(server.read_header_timeout), NULL,
     "For its head; else read_timeout.", NULL},
    {"write_timeout", CONFIG_DURATION, AT(server.write_timeout), NULL,
     "From the end of the head to the end of the answer.", NULL},
    {"idle_timeout", CONFIG_DURATION, AT(server.idle_timeout), NULL,
     "Between two requests; else read_timeout.", NULL},
    {"max_header_bytes", CONFIG_INT, AT(max_header_bytes), NULL, "Bytes of a request's head; 1048576 when 0.",
     NULL},
    {"use_h2c", CONFIG_BOOL, AT(use_h2c), "false", "HTTP/2 without TLS. Not supported yet.", NULL},
    {"disable_keep_alives", CONFIG_BOOL, AT(client.disable_keep_alives), "false",
     "One request per backend connection.", NULL},
    {"disable_compression", CONFIG_BOOL, AT(client.disable_compression), "false",
     "Do not ask backends for gzip.", NULL},
    {"max_idle_connections", CONFIG_INT, AT(client.max_idle_connections), NULL,
     "Kept backend connections; 0: any number, negative: none.", NULL},
    {"max_idle_connections_per_host", CONFIG_INT, AT(client.max_idle_connections_per_host), "250",
     "The same for a host; negative: none.", NULL},
    {"idle_connection_timeout", CONFIG_DURATION, AT(client.idle_connection_timeout), NULL,
     "How long they are kept; 0: always.", NULL},
    {"response_header_timeout", CONFIG_DURATION, AT(client.response_header_timeout), NULL,
     "Wait for a backend's head.", NULL},
    {"expect_continue_timeout", CONFIG_DURATION, AT(client.expect_continue_timeout), NULL,
     "Wait for 100 (Continue).", NULL},
    {"dialer_timeout", CONFIG_DURATION, AT(client.dialer_timeout), NULL, "For connecting to a backend.",
     NULL},
    {"dialer_fallback_delay", CONFIG_DURATION, AT(client.dialer_fallback_delay), NULL,
     "Head start of IPv6; 300ms when 0, none when negative.", NULL},
    {"dialer_keep_alive", CONFIG_DURATION, AT(client.dialer_keep_alive), NULL,
     "TCP keep-alive; 15s when 0, none when negative.", NULL},
    {"disable_rest", CONFIG_BOOL, AT(disable_rest), "false",
     "Parameters anywhere in a segment of an endpoint.", NULL},
    {"debug_endpoint", CONFIG_BOOL, AT(debug_endpoint), "false", "Serve /__debug/.", NULL},
    {"echo_endpoint", CONFIG_BOOL, AT(echo_endpoint), "false", "Serve /__echo/.", NULL},
    {"sequential_start", CONFIG_BOOL, AT(sequential_start), "false", "Start agents one after the other.",
     NULL},
    {"dns_cache_ttl", CONFIG_DURATION, AT(dns_cache_ttl), "30s",
     "How often SRV records are read again; at least 1s.", NULL},
    {"max_shutdown_wait_time", CONFIG_DURATION, AT(max_shutdown_wait_time), NULL,
     "For requests in flight at the end; 0: any time.", NULL},
};

#undef AT

const struct config_table *config_service_table(void)
{
    static const struct config_table table = {
        "",
        service_rows,
        ARRAY_LEN(service_rows),
        sizeof(struct config),
    };

    return &table;
}

const char *config_type_name(enum config_type type)
{
    switch (type) {
    case CONFIG_INT: return "number";
    case CONFIG_BOOL: return "bool";
    case CONFIG_TEXT: return "text";
    case CONFIG_DURATION: return "duration";
    case CONFIG_LIST: return "list";
    case CONFIG_RENAMES:
    case CONFIG_OBJECT:
    case CONFIG_SECTION: return "object";
    case CONFIG_RECORDS: return "objects";
    }
    return "";
}
