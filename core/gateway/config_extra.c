/* Namespaces of extra_config: old and new names, and what stands behind them here. */
#include "gateway/config_build.h"
#include <stdio.h>

enum support {
    SUPPORTED,
    NOT_YET,       /* known, and without effect */
    NOT_YET_GUARD, /* the same, and something is open that was meant to be shut */
};

struct namespace_row {
    const char *name;
    const char *old; /* the historical name, NULL if it never had one */
    enum support support;
};

static const struct namespace_row namespaces[] = {
    {"async/amqp", "github.com/devopsfaith/krakend-amqp/agent", NOT_YET},
    {"auth/client-credentials", "github.com/devopsfaith/krakend-oauth2-clientcredentials", NOT_YET},
    {"auth/revoker", "github_com/devopsfaith/bloomfilter", NOT_YET_GUARD},
    {"auth/signer", "github.com/devopsfaith/krakend-jose/signer", NOT_YET_GUARD},
    {"auth/validator", "github.com/devopsfaith/krakend-jose/validator", NOT_YET_GUARD},
    {"backend/amqp/consumer", "github.com/devopsfaith/krakend-amqp/consume", NOT_YET},
    {"backend/amqp/producer", "github.com/devopsfaith/krakend-amqp/produce", NOT_YET},
    {"backend/graphql", "github.com/devopsfaith/krakend/transport/http/client/graphql", NOT_YET},
    {"backend/http", "github.com/devopsfaith/krakend/http", SUPPORTED},
    {"backend/http/client", NULL, SUPPORTED},
    {"backend/lambda", "github.com/devopsfaith/krakend-lambda", NOT_YET},
    {"backend/pubsub/publisher", "github.com/devopsfaith/krakend-pubsub/publisher", NOT_YET},
    {"backend/pubsub/subscriber", "github.com/devopsfaith/krakend-pubsub/subscriber", NOT_YET},
    {"cuttle/server", NULL, SUPPORTED},
    {"cuttle/workers", NULL, SUPPORTED},
    {"modifier/lua-backend", "github.com/devopsfaith/krakend-lua/proxy/backend", NOT_YET_GUARD},
    {"modifier/lua-endpoint", "github.com/devopsfaith/krakend-lua/router", NOT_YET_GUARD},
    {"modifier/lua-proxy", "github.com/devopsfaith/krakend-lua/proxy", NOT_YET_GUARD},
    {"modifier/martian", "github.com/devopsfaith/krakend-martian", NOT_YET},
    {"plugin/http-client", "github.com/devopsfaith/krakend/transport/http/client/executor", SUPPORTED},
    {"plugin/http-server", "github_com/devopsfaith/krakend/transport/http/server/handler", SUPPORTED},
    {"plugin/req-resp-modifier", "github.com/devopsfaith/krakend/proxy/plugin", SUPPORTED},
    {"proxy", "github.com/devopsfaith/krakend/proxy", SUPPORTED},
    {"qos/circuit-breaker", "github.com/devopsfaith/krakend-circuitbreaker/gobreaker", SUPPORTED},
    {"qos/http-cache", "github.com/devopsfaith/krakend-httpcache", NOT_YET},
    {"qos/ratelimit/proxy", NULL, SUPPORTED},
    {"qos/ratelimit/router", NULL, SUPPORTED},
    {"router", "github_com/luraproject/lura/router/gin", SUPPORTED},
    {"security/bot-detector", "github_com/devopsfaith/krakend-botdetector", NOT_YET_GUARD},
    {"security/cors", "github_com/devopsfaith/krakend-cors", NOT_YET_GUARD},
    {"security/http", "github_com/devopsfaith/krakend-httpsecure", NOT_YET_GUARD},
    {"telemetry/gelf", "github_com/devopsfaith/krakend-gelf", NOT_YET},
    {"telemetry/influx", "github_com/letgoapp/krakend-influx", NOT_YET},
    {"telemetry/logging", "github_com/devopsfaith/krakend-gologging", SUPPORTED},
    {"telemetry/logstash", "github_com/devopsfaith/krakend-logstash", NOT_YET},
    {"telemetry/metrics", "github_com/devopsfaith/krakend-metrics", NOT_YET},
    {"telemetry/opencensus", "github_com/devopsfaith/krakend-opencensus", NOT_YET},
    {"telemetry/opentelemetry", NULL, NOT_YET},
    {"validation/cel", "github.com/devopsfaith/krakend-cel", NOT_YET_GUARD},
    {"validation/json-schema", "github.com/devopsfaith/krakend-jsonschema", NOT_YET_GUARD},
};

static const struct namespace_row *find_namespace(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
        if (str_equal(name, str_of(namespaces[i].name)))
            return &namespaces[i];
    return NULL;
}

struct node *config_extra(struct node *extra, struct str short_namespace)
{
    struct node *value = node_get(extra, short_namespace);

    return value != NULL && node_type(value) != DOC_NULL ? value : NULL;
}

struct node *build_option(struct node *object, const char *name)
{
    struct node *value = object != NULL ? node_get(object, str_of(name)) : NULL;

    return value != NULL && node_type(value) != DOC_NULL ? value : NULL;
}

bool build_option_is_true(struct node *object, const char *name)
{
    struct node *value = build_option(object, name);

    return value != NULL && node_type(value) == DOC_TRUE;
}

/* The old names become new ones; where both are written the new one stays. */
static struct node *with_short_names(struct arena *a, struct node *written)
{
    struct node *extra = NULL;

    for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
        struct str old = str_of(namespaces[i].old);
        struct str name = str_of(namespaces[i].name);
        struct node *value = old.len > 0 ? node_get(written, old) : NULL;
        if (value == NULL)
            continue;
        if (extra == NULL)
            extra = node_clone(a, written);
        if (node_get(extra, name) == NULL)
            node_set(extra, name, node_get(extra, old));
        node_remove(extra, old);
    }
    return extra != NULL ? extra : written;
}

static void warn_of(struct config_build *b, struct str name, struct str place)
{
    const struct namespace_row *row = find_namespace(name);

    if (row == NULL)
        return;
    switch (row->support) {
    case SUPPORTED: break;
    case NOT_YET:
        build_warn(b, LOG_WARNING, "%s at %.*s is not supported yet and has no effect", row->name,
                   STR_ARG(place));
        break;
    case NOT_YET_GUARD:
        build_warn(b, LOG_WARNING, "%s at %.*s is not supported yet: nothing is checked or protected by it",
                   row->name, STR_ARG(place));
        break;
    }
}

struct node *build_extra(struct config_build *b, struct node *written, struct str place)
{
    struct node *extra = with_short_names(b->arena, written);
    struct node_cursor cursor = {0};
    struct node *value;
    struct str name;

    while (node_next(extra, &cursor, &name, &value))
        if (node_type(value) != DOC_NULL)
            warn_of(b, name, place);
    return extra;
}

void build_print_namespaces(void (*print)(const char *line))
{
    char line[256];

    print("extra_config: namespaces, and their historical names");
    for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
        const struct namespace_row *row = &namespaces[i];
        snprintf(line, sizeof(line), "  %-30s %-8s  %s", row->name,
                 row->support == SUPPORTED ? "here" : "not yet", row->old != NULL ? row->old : "");
        print(line);
    }
}
