#include "gateway/answer.h"
#include "gateway/exchange.h"
#include "gateway/routing.h"
#include "http/server.h"
#include <string.h>

void exchange_set_error(struct exchange *x, int status, struct str text, struct str type)
{
    x->failed = true;
    x->has_response = false;
    x->data = NULL;
    x->streaming = NULL;
    x->failures = NULL;
    x->error_status = status;
    x->error_text = text;
    x->error_type = type;
}

void exchange_answer(struct exchange *x, int status, const struct fields *fields, struct str body,
                     const char *reason)
{
    if (x->gone || x->responded)
        return;
    answer_set(x, status >= 100 && status <= 999 ? status : 500, STR_NONE, arena_copy(x->arena, body));
    if (fields != NULL)
        fields_copy(&x->answer.fields, fields);
    x->answered = true;
    if (reason != NULL)
        x->log_error = arena_copy(x->arena, str_of(reason));
}

/* From the proxy phase on a failure is the endpoint's and says so; before, it is an answer of its own. */
static bool is_in_pipe(const struct exchange *x)
{
    return x->step == STEP_PROXY || x->step == STEP_MERGED;
}

void exchange_fail(struct exchange *x, const char *text)
{
    if (is_in_pipe(x)) {
        exchange_set_error(x, 500, arena_copy(x->arena, str_of(text)), STR_NONE);
        x->error_is_logged = true;
    } else {
        exchange_answer(x, 500, NULL, STR_NONE, NULL);
    }
}

/* An answer that said why there is no route is gone with it. */
static void route_anew(struct exchange *x)
{
    x->answer = (struct answer){0};
    routing_find(x);
}

void exchange_rewrite_method(struct exchange *x, struct str method)
{
    x->method = arena_copy(x->arena, method);
    route_anew(x);
}

void exchange_rewrite_path(struct exchange *x, struct str path)
{
    x->path = arena_copy(x->arena, path);
    route_anew(x);
}

/* The access log and redirects take the query from the target as it was received. */
void exchange_rewrite_query(struct exchange *x, struct str query)
{
    struct target *target = &x->stream->request.parts;

    x->target_query = target->query = arena_copy(x->arena, query);
    target->has_query = query.len > 0;
    if (x->match == MATCH_REDIRECT)
        route_anew(x);
}

void exchange_rewrote_fields(struct exchange *x)
{
    exchange_find_client(x);
    if (x->match == MATCH_REDIRECT)
        route_anew(x);
}

void exchange_resume(struct exchange *x, enum hook_result result)
{
    if (!x->hook_waits)
        return;
    x->hook_waits = false;
    x->hook_result = result;
    exchange_run(x);
}

const struct param *exchange_param(const struct exchange *x, struct str name)
{
    for (size_t i = x->param_count; i > 0; i--) {
        if (str_equal(x->params[i - 1].name, name))
            return &x->params[i - 1];
    }
    return NULL;
}

const struct param *exchange_param_by_key(const struct exchange *x, struct str key)
{
    for (size_t i = x->param_count; i > 0; i--) {
        if (str_equal(x->params[i - 1].key, key))
            return &x->params[i - 1];
    }
    return NULL;
}

struct param *exchange_set_param(struct exchange *x, struct str key, struct str value)
{
    struct param *p = (struct param *)exchange_param_by_key(x, key);

    if (p == NULL && x->param_count == x->param_cap) {
        size_t cap = x->param_cap * 2 + 4;
        struct param *grown = arena_alloc(x->arena, cap * sizeof(*grown));

        if (x->param_count > 0)
            memcpy(grown, x->params, x->param_count * sizeof(*grown));
        x->params = grown;
        x->param_cap = cap;
    }
    if (p == NULL) {
        p = &x->params[x->param_count++];
        *p = (struct param){.key = arena_copy(x->arena, key)};
        p->name = p->key;
    }
    p->value = arena_copy(x->arena, value);
    return p;
}

static bool static_applies(const struct exchange *x)
{
    switch (x->endpoint->static_strategy) {
    case STATIC_NONE: return false;
    case STATIC_ALWAYS: return true;
    case STATIC_SUCCESS: return !x->failed;
    case STATIC_COMPLETE: return !x->failed && x->has_response && x->complete;
    case STATIC_ERRORED: return x->failed;
    case STATIC_INCOMPLETE: return !x->has_response || !x->complete;
    }
    return false;
}

void exchange_apply_static(struct exchange *x)
{
    if (x->static_applied)
        return;
    x->static_applied = true;
    if (!static_applies(x))
        return;
    if (!x->has_response) {
        x->has_response = true;
        x->complete = false;
        x->data = NULL;
    }
    if (x->data == NULL || node_type(x->data) != DOC_OBJECT)
        x->data = node_new_object(x->arena);
    node_merge(x->data, node_clone(x->arena, x->endpoint->static_data));
}
