#include "gateway/exchange.h"

#include "gateway/access_log.h"
#include "gateway/answer.h"
#include "gateway/builtin.h"
#include "gateway/client_ip.h"
#include "gateway/forward.h"
#include "gateway/passthrough.h"
#include "gateway/proxy.h"
#include "gateway/shadow.h"
#include "http/server.h"
#include <string.h>

enum {
    BODY_IN_ARENA_MAX = 64 * 1024
}; /* a content of announced length up to this goes straight into the arena */

enum verdict {
    GO,        /* to the next step */
    WAIT,      /* what it waits for calls exchange_run */
    ANSWER,    /* the calls are out of the question: make an answer of what is known */
    RESPOND,   /* x->answer stands */
    SEND_AS_IS /* not even response hooks */
};

/* --- hooks ------------------------------------------------------------------------------------ */

static bool has_hooks(const struct exchange *x, enum phase phase, bool service)
{
    const struct hooks *h = x->worker->hooks;

    if (h == NULL)
        return false;
    if (service)
        return (h->service_phases & 1u << phase) != 0;
    return x->endpoint != NULL && (h->endpoint_phases[x->endpoint->id] & 1u << phase) != 0;
}

/* The hook said why by exchange_fail or exchange_error: an error of the pipe, or an answer. */
static enum verdict after_failure(struct exchange *x)
{
    if (x->answered)
        return RESPOND;
    if (x->plan != NULL && x->failed)
        return ANSWER;
    exchange_fail(x, "a plugin failed");
    return x->answered ? RESPOND : ANSWER;
}

/* Runs a phase when its step begins; afterwards tells what became of it. */
static enum verdict run_phase(struct exchange *x, enum phase phase, bool service)
{
    struct hooks *h = x->worker->hooks;

    if (!x->entered) {
        if (!has_hooks(x, phase, service))
            return GO;
        x->hook_waits = false;
        x->hook_result = h->ops->run(h, phase, service, x, NULL);
        x->hook_waits = x->hook_result == HOOK_WAIT;
    }
    switch (x->hook_result) {
    case HOOK_NEXT: return GO;
    case HOOK_ANSWERED: return RESPOND;
    case HOOK_FAILED: return after_failure(x);
    case HOOK_WAIT: return WAIT;
    }
    return WAIT;
}

static void drop_hook(struct exchange *x)
{
    struct hooks *h = x->worker->hooks;

    if (!x->hook_waits)
        return;
    h->ops->drop(h, x, NULL);
    x->hook_waits = false;
    x->hook_result = HOOK_FAILED;
}

/* --- the request's content -------------------------------------------------------------------- */

static bool begin_collecting(struct exchange *x)
{
    const struct request *r = &x->stream->request;

    x->upload_begun = true;
    if (r->framing == FRAMING_LENGTH && r->length > BODY_MAX)
        return false;
    if (r->framing == FRAMING_LENGTH && r->length <= BODY_IN_ARENA_MAX)
        x->body.ptr = arena_bytes(x->arena, (size_t)r->length + 1);
    else
        buf_init(&x->upload, BODY_MAX);
    stream_read(x->stream, true);
    return true;
}

static void refuse_content(struct exchange *x)
{
    stream_read(x->stream, false);
    answer_set(x, 413, STR("text/plain; charset=utf-8"), STR("Request Entity Too Large"));
    x->answered = true;
}

bool exchange_collect(struct exchange *x)
{
    if (!x->has_body || x->body_collected)
        return true;
    if (!x->upload_begun && !begin_collecting(x))
        refuse_content(x);
    return x->body_collected;
}

/* For the steps that need it: there, not yet, or too much. */
static enum verdict collect(struct exchange *x)
{
    if (exchange_collect(x))
        return GO;
    return x->answered ? RESPOND : WAIT;
}

static bool keep_content(struct exchange *x, const struct iovec *iov)
{
    if (x->body.ptr == NULL)
        return buf_append(&x->upload, iov->iov_base, iov->iov_len);
    memcpy((char *)x->body.ptr + x->body.len, iov->iov_base, iov->iov_len);
    x->body.len += iov->iov_len;
    return true;
}

static void collect_content(struct exchange *x, const struct iovec *iov, int n, bool end)
{
    for (int i = 0; i < n && !x->answered; i++) {
        if (iov[i].iov_len > 0 && !keep_content(x, &iov[i]))
            refuse_content(x);
    }
    if (end && !x->answered) {
        x->body_collected = true;
        if (x->body.ptr == NULL)
            x->body = (struct str){buf_head(&x->upload), buf_len(&x->upload)};
    }
    if (end || x->answered)
        exchange_run(x);
}

static void upload_content(struct call *c, const struct iovec *iov, int n, bool end)
{
    struct exchange *x = c->exchange;

    if (end)
        c->uploading = false;
    if (c->fetch->over || c->state == CALL_NEW)
        return;
    if (!fetch_write(c->fetch, iov, n, end) && !end)
        stream_read(x->stream, false);
}

static void on_body(struct stream *s, const struct iovec *iov, int n, bool end)
{
    struct exchange *x = s->owner;

    if (x->gone)
        return;
    if (x->upload_begun && !x->body_collected && !x->answered)
        collect_content(x, iov, n, end);
    else if (x->part_count > 0 && x->parts[0].calls[0].uploading)
        upload_content(&x->parts[0].calls[0], iov, n, end);
}

/* --- the endpoint's time ---------------------------------------------------------------------- */

static void set_error(struct exchange *x, int status, struct str text, struct str type)
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

static void on_deadline(struct timer *t)
{
    struct exchange *x = container_of(t, struct exchange, deadline);

    x->late = true;
    if (x->step == STEP_CALLS) {
        proxy_cut(x, "context deadline exceeded", false);
    } else if (x->step == STEP_COLLECT || x->step == STEP_PROXY) {
        drop_hook(x);
        exchange_run(x);
    } else if (x->streaming != NULL && x->step == STEP_SEND) {
        passthrough_fail(x->streaming, STR("context deadline exceeded"));
    }
}

static enum verdict too_late(struct exchange *x)
{
    set_error(x, 500, STR("context deadline exceeded"), STR_NONE);
    return ANSWER;
}

/* --- steps ------------------------------------------------------------------------------------ */

static void set_params(struct exchange *x, const struct route_match *m)
{
    const struct route *route = m->route;

    x->param_cap = route->param_count;
    x->param_count = route->param_count;
    x->params = arena_alloc(x->arena, (route->param_count + 1) * sizeof(*x->params));
    for (size_t i = 0; i < route->param_count; i++) {
        struct param *p = &x->params[i];

        p->name = route->param_names[i];
        p->key = x->plan != NULL ? x->plan->param_keys[i] : STR("Param");
        p->value = m->params[i];
    }
}

static void set_route(struct exchange *x, const struct route_match *m)
{
    x->route = m->route;
    if (m->route->kind == ROUTE_ENDPOINT) {
        x->endpoint = m->route->endpoint;
        x->plan = &x->worker->plans->endpoints[x->endpoint->id];
    }
    set_params(x, m);
    x->refusal = builtin_check_params(x);
    x->outer = x->refusal.len > 0 || m->route->kind == ROUTE_HEALTH;
}

static enum verdict step_route(struct exchange *x)
{
    const struct target *target = &x->stream->request.parts;
    struct route_match m;

    if (target->form == TARGET_ASTERISK && str_equal(x->method, STR("OPTIONS"))) {
        x->unlogged = true;
        answer_set(x, 200, STR_NONE, STR_NONE);
        return SEND_AS_IS;
    }
    m.slash_redirect = false;
    x->match = router_match(x->worker->router, x->arena, x->method, x->path, &m);
    switch (x->match) {
    case MATCH_FOUND: set_route(x, &m); break;
    case MATCH_NOT_FOUND: builtin_not_found(x); break;
    case MATCH_NOT_ALLOWED: builtin_not_allowed(x, m.allow); break;
    case MATCH_REDIRECT:
        builtin_redirect(x, &m);
        x->outer = x->unlogged = true;
        break;
    }
    return GO;
}

static enum verdict step_body(struct exchange *x)
{
    const struct hooks *h = x->worker->hooks;

    if (h == NULL || x->endpoint == NULL || x->outer || !h->endpoint_wants_body[x->endpoint->id])
        return GO;
    return collect(x);
}

static enum verdict step_service(struct exchange *x)
{
    return run_phase(x, PHASE_REQUEST, true);
}

static enum verdict step_builtin(struct exchange *x)
{
    enum verdict v;

    if (x->match == MATCH_FOUND && x->endpoint != NULL && x->refusal.len == 0)
        return GO;
    if (x->match != MATCH_FOUND) /* the answer was made when the route was not found */
        return RESPOND;
    v = builtin_wants_body(x) ? collect(x) : GO;
    if (v != GO)
        return v;
    builtin_answer(x);
    return RESPOND;
}

static enum verdict step_request(struct exchange *x)
{
    x->endpoint_entered = true;
    return run_phase(x, PHASE_REQUEST, false);
}

static enum verdict step_collect(struct exchange *x)
{
    const struct group *group = &x->plan->real;

    if (!x->entered) {
        if (group->count == 0) { /* only shadows: core.md R-SH-4 */
            answer_set(x, 500, STR_NONE, STR_NONE);
            return RESPOND;
        }
        if (group->timeout < 0)
            return too_late(x);
        timer_start(x->worker->env, &x->deadline, group->timeout);
        x->stream->failure_fields = &x->worker->plans->failure_fields;
    }
    if (x->late)
        return too_late(x);
    return x->plan->collects ? collect(x) : GO;
}

static enum verdict step_proxy(struct exchange *x)
{
    if (x->late)
        return too_late(x);
    if (!x->entered) {
        forward_fields(x);
        forward_query(x);
    }
    return run_phase(x, PHASE_PROXY, false);
}

static enum verdict step_calls(struct exchange *x)
{
    if (!x->entered) {
        if (x->plan->shadow.count > 0)
            shadow_start(x);
        proxy_begin(x, &x->plan->real);
    }
    if (!x->calls_over)
        return WAIT;
    proxy_conclude(x);
    if (x->streaming == NULL)
        timer_stop(x->worker->env, &x->deadline);
    return GO;
}

/* Hooks see whole documents only: after a failure what there is goes out as it is. */
static enum verdict step_merged(struct exchange *x)
{
    enum verdict v = GO;

    if (x->entered || (x->has_response && !x->failed))
        v = run_phase(x, PHASE_MERGED, false);
    if (v == GO)
        exchange_apply_static(x);
    return v;
}

static enum verdict step_answer(struct exchange *x)
{
    answer_make(x);
    return GO;
}

static enum verdict step_response(struct exchange *x)
{
    if (!x->endpoint_entered)
        return GO;
    return run_phase(x, PHASE_RESPONSE, false) == WAIT ? WAIT : GO;
}

static enum verdict step_service_response(struct exchange *x)
{
    return run_phase(x, PHASE_RESPONSE, true) == WAIT ? WAIT : GO;
}

/* The reply of a call that nobody will see. */
static void drop_streaming(struct exchange *x)
{
    if (x->streaming != NULL && x->streaming->fetch != NULL)
        fetch_cancel(x->streaming->fetch);
    x->streaming = NULL;
    timer_stop(x->worker->env, &x->deadline);
}

static enum verdict step_send(struct exchange *x)
{
    struct server_response r = {.status = x->answer.status, .fields = &x->answer.fields, .length = -1};
    struct doc_spans content;

    if (x->responded)
        return WAIT;
    if (x->streaming != NULL && !x->answer.has_body) {
        passthrough_begin(x);
        return WAIT;
    }
    drop_streaming(x);
    x->responded = true;
    if (x->answer.has_body) {
        struct iovec *iov = arena_alloc(x->arena, sizeof(*iov));

        *iov = (struct iovec){(void *)x->answer.body.ptr, x->answer.body.len};
        content = (struct doc_spans){iov, x->answer.body.len > 0, x->answer.body.len};
    } else {
        answer_render(x, &content);
    }
    stream_respond(x->stream, &r, content.spans, (int)content.count, true);
    return WAIT;
}

/* --- the engine ------------------------------------------------------------------------------- */

static const struct {
    enum verdict (*run)(struct exchange *x);
    enum exchange_step next;
} steps[STEP_COUNT] = {
    [STEP_ROUTE] = {step_route, STEP_BODY},
    [STEP_BODY] = {step_body, STEP_SERVICE},
    [STEP_SERVICE] = {step_service, STEP_BUILTIN},
    [STEP_BUILTIN] = {step_builtin, STEP_REQUEST},
    [STEP_REQUEST] = {step_request, STEP_COLLECT},
    [STEP_COLLECT] = {step_collect, STEP_PROXY},
    [STEP_PROXY] = {step_proxy, STEP_CALLS},
    [STEP_CALLS] = {step_calls, STEP_MERGED},
    [STEP_MERGED] = {step_merged, STEP_ANSWER},
    [STEP_ANSWER] = {step_answer, STEP_RESPONSE},
    [STEP_RESPONSE] = {step_response, STEP_SERVICE_RESPONSE},
    [STEP_SERVICE_RESPONSE] = {step_service_response, STEP_SEND},
    [STEP_SEND] = {step_send, STEP_SEND},
};

/* The one place that changes the step. */
static void enter(struct exchange *x, enum verdict v)
{
    switch (v) {
    case GO: x->step = steps[x->step].next; break;
    case ANSWER: x->step = STEP_ANSWER; break;
    case RESPOND: x->step = STEP_RESPONSE; break;
    case SEND_AS_IS: x->step = STEP_SEND; break;
    case WAIT: x->entered = true; return;
    }
    x->entered = false;
}

void exchange_run(struct exchange *x)
{
    enum verdict v;

    if (x->is_shadow) {
        shadow_run(x);
        return;
    }
    if (x->running) {
        x->again = true;
        return;
    }
    if (x->gone)
        return;
    x->running = true;
    do {
        x->again = false;
        v = steps[x->step].run(x);
        enter(x, v);
    } while (v != WAIT || x->again);
    x->running = false;
}

/* --- the end ---------------------------------------------------------------------------------- */

static bool is_logged(const struct exchange *x)
{
    const struct router_options *o = &x->worker->config->router;

    if (x->unlogged || o->disable_access_log)
        return false;
    for (size_t i = 0; i < o->logger_skip_paths.count; i++) {
        if (str_equal(o->logger_skip_paths.items[i], x->path))
            return false;
    }
    return true;
}

static void write_access_log(struct exchange *x)
{
    const struct request *r = &x->stream->request;
    struct access_entry e = {
        .wall = x->worker->env->wall,
        .latency = x->worker->env->now - x->started,
        .status = x->responded ? x->answer.status : 500,
        .client_ip = x->client_ip,
        .method = r->method,
        .path = x->path,
        .query = r->parts.query,
        .error = x->log_error,
    };

    if (is_logged(x))
        log_access(x->worker->log, access_log_line(x->arena, &x->worker->access_clock, &e));
}

static void run_log_hooks(struct exchange *x)
{
    struct hooks *h = x->worker->hooks;

    if (h == NULL)
        return;
    if (has_hooks(x, PHASE_LOG, false))
        h->ops->run(h, PHASE_LOG, false, x, NULL);
    if (has_hooks(x, PHASE_LOG, true))
        h->ops->run(h, PHASE_LOG, true, x, NULL);
    h->ops->forget_exchange(h, x);
}

void exchange_end(struct exchange *x)
{
    struct worker *w = x->worker;

    x->gone = true;
    drop_hook(x);
    proxy_end(x);
    timer_fini(w->env, &x->deadline);
    write_access_log(x);
    run_log_hooks(x);
    buf_fini(&x->upload);
    list_remove(&x->link);
    worker_count_exchange(w, -1);
}

static void on_done(struct stream *s)
{
    exchange_end(s->owner);
}

/* What runs for the client is cut; hooks learn that it is no verdict on the backend. */
static void on_abort(struct stream *s, const char *why)
{
    struct exchange *x = s->owner;

    x->gone = true;
    if (x->step == STEP_CALLS)
        proxy_cut(x, "context canceled", true);
    if (!x->responded && x->plan != NULL) {
        bool plain = str_equal(str_of(why), STR("context canceled"));

        x->log_error = STR("context canceled");
        log_write(x->worker->log, LOG_ERROR, "%.*s context canceled%s%s", STR_ARG(x->plan->log_name),
                  plain ? "" : ": ", plain ? "" : why);
    }
    exchange_end(x);
}

static void on_writable(struct stream *s)
{
    passthrough_go_on(s->owner);
}

/* --- the beginning ---------------------------------------------------------------------------- */

static const struct stream_events stream_events = {on_body, on_writable, on_done, on_abort};

static struct str peer_ip(struct exchange *x)
{
    struct addr peer;
    char text[ADDR_TEXT_MAX];
    size_t len;

    stream_peer(x->stream, &peer);
    len = addr_format_ip(&peer, text);
    return arena_copy(x->arena, (struct str){text, len});
}

/* The parser let no broken escape through. */
static struct str decode_path(struct exchange *x, struct str raw)
{
    struct str path;
    struct str bad;

    if (!percent_decode(x->arena, raw, &path, &bad))
        path = raw;
    return path.len > 0 ? path : STR("/");
}

void exchange_start(void *worker, struct stream *s)
{
    struct worker *w = worker;
    struct request *r = &s->request;
    struct exchange *x = arena_zalloc(s->arena, sizeof(*x));

    x->worker = w;
    x->stream = s;
    x->arena = s->arena;
    s->owner = x;
    s->events = &stream_events;
    list_push_back(&w->exchanges, &x->link);
    worker_count_exchange(w, 1);
    timer_init(&x->deadline, on_deadline);
    x->started = w->env->now;
    x->method = r->method;
    x->path = decode_path(x, r->parts.path);
    x->target_query = r->parts.query;
    x->fields = r->fields;
    x->has_body = r->framing == FRAMING_CHUNKED || (r->framing == FRAMING_LENGTH && r->length > 0);
    x->client_ip = client_ip(x->arena, &w->config->router, &x->fields, peer_ip(x));
    exchange_run(x);
}

/* --- for hooks -------------------------------------------------------------------------------- */

void exchange_answer(struct exchange *x, int status, const struct fields *fields, struct str body,
                     const char *reason)
{
    if (x->gone || x->responded)
        return;
    answer_set(x, status >= 100 && status <= 999 ? status : 500, STR_NONE, arena_copy(x->arena, body));
    for (unsigned i = 0; fields != NULL && i < fields->count; i++) {
        field_add(&x->answer.fields, arena_copy(x->arena, fields->items[i].name),
                  arena_copy(x->arena, fields->items[i].value));
    }
    x->answer.from_hook = true;
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
        set_error(x, 500, arena_copy(x->arena, str_of(text)), STR_NONE);
        x->error_is_logged = true;
    } else {
        exchange_answer(x, 500, NULL, STR_NONE, NULL);
    }
}

void exchange_error(struct exchange *x, int status, struct str text, struct str type)
{
    status = status >= 100 && status <= 999 ? status : 500;
    if (is_in_pipe(x))
        set_error(x, status, arena_copy(x->arena, text), arena_copy(x->arena, type));
    else
        exchange_answer(x, status, NULL, text, NULL);
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

void exchange_set_param(struct exchange *x, struct str key, struct str value)
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
        p->key = p->name = arena_copy(x->arena, key);
    }
    p->value = arena_copy(x->arena, value);
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
