#include "gateway/exchange.h"

#include "gateway/access_log.h"
#include "gateway/client_ip.h"
#include "gateway/passthrough.h"
#include "gateway/proxy.h"
#include "gateway/shadow.h"
#include "gateway/steps.h"
#include "gateway/upload.h"
#include "http/server.h"

/* --- the engine ------------------------------------------------------------------------------- */

/* The one place that changes the step. */
static void enter(struct exchange *x, enum verdict v)
{
    switch (v) {
    case GO: x->step = steps[x->step].next; break;
    case CONCLUDE: x->step = STEP_MERGED; break;
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

    return !x->unlogged && !o->disable_access_log && !str_list_has(&o->logger_skip_paths, x->path);
}

static void write_access_log(struct exchange *x)
{
    struct access_entry e = {
        .wall = x->worker->env->wall,
        .latency = x->worker->env->now - x->started,
        .status = x->responded ? x->answer.status : 500,
        .client_ip = x->client_ip,
        .method = x->method,
        .path = x->path,
        .query = x->stream->request.parts.query,
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
    if (steps_has_hooks(x, PHASE_LOG, false))
        h->ops->run(h, PHASE_LOG, false, x, NULL);
    if (steps_has_hooks(x, PHASE_LOG, true))
        h->ops->run(h, PHASE_LOG, true, x, NULL);
    h->ops->forget_exchange(h, x);
}

void exchange_end(struct exchange *x)
{
    struct worker *w = x->worker;

    x->gone = true;
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

static void on_body(struct stream *s, const struct iovec *iov, int n, bool end)
{
    upload_take(s->owner, iov, n, end);
}

static void on_writable(struct stream *s)
{
    passthrough_go_on(s->owner);
}

/* --- the endpoint's time ---------------------------------------------------------------------- */

static void on_deadline(struct timer *t)
{
    struct exchange *x = container_of(t, struct exchange, deadline);

    x->late = true;
    if (x->step == STEP_CALLS) {
        proxy_cut(x, "context deadline exceeded", false);
    } else if (x->step == STEP_COLLECT || x->step == STEP_PROXY) {
        steps_drop_hook(x);
        exchange_run(x);
    } else if (x->streaming != NULL && x->step == STEP_SEND) {
        passthrough_fail(x->streaming, STR("context deadline exceeded"));
    }
}

/* --- the beginning ---------------------------------------------------------------------------- */

static const struct stream_events stream_events = {on_body, on_writable, on_done, on_abort};

void exchange_find_client(struct exchange *x)
{
    x->client_ip = client_ip(&x->worker->config->router, &x->fields, x->stream->peer->ip);
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
    message_tell_no_cache(&x->fields, r->pragma_no_cache);
    x->has_body = r->framing == FRAMING_CHUNKED || (r->framing == FRAMING_LENGTH && r->length > 0);
    exchange_find_client(x);
    exchange_run(x);
}
