#include "gateway/shadow.h"

#include "base/mem.h"
#include "gateway/proxy.h"
#include "http/server.h"

/* An exchange without a client. */
struct shadow {
    struct exchange exchange;
    struct stream stream; /* what was asked; nothing is ever sent on it */
    struct arena arena;
};

/* --- the copy --------------------------------------------------------------------------------- */

static void copy_fields(struct arena *a, const struct fields *from, struct fields *to)
{
    fields_init(to, a);
    fields_copy(to, from);
}

static void copy_request(struct arena *a, const struct request *from, struct request *to)
{
    *to = *from;
    to->method = arena_copy(a, from->method);
    to->target = arena_copy(a, from->target);
    to->host = arena_copy(a, from->host);
    target_parse(&to->parts, to->method, to->target);
    copy_fields(a, &from->fields, &to->fields);
}

static void copy_params(const struct exchange *from, struct exchange *to)
{
    to->params = arena_alloc(to->arena, (from->param_count + 1) * sizeof(*to->params));
    to->param_count = to->param_cap = from->param_count;
    for (size_t i = 0; i < from->param_count; i++) {
        to->params[i] = (struct param){
            .name = arena_copy(to->arena, from->params[i].name),
            .key = arena_copy(to->arena, from->params[i].key),
            .value = arena_copy(to->arena, from->params[i].value),
        };
    }
}

static void copy_query(const struct exchange *from, struct exchange *to)
{
    const struct query *q = &from->call_query;

    to->call_query.pairs = arena_alloc(to->arena, (q->count + 1) * sizeof(*q->pairs));
    to->call_query.count = q->count;
    for (size_t i = 0; i < q->count; i++) {
        to->call_query.pairs[i].name = arena_copy(to->arena, q->pairs[i].name);
        to->call_query.pairs[i].value = arena_copy(to->arena, q->pairs[i].value);
    }
}

static void copy_exchange(const struct exchange *from, struct shadow *s)
{
    struct exchange *to = &s->exchange;

    to->worker = from->worker;
    to->arena = &s->arena;
    to->stream = &s->stream;
    to->is_shadow = true;
    to->step = STEP_CALLS;
    to->route = from->route;
    to->endpoint = from->endpoint;
    to->plan = from->plan;
    to->started = from->started;
    to->path = arena_copy(to->arena, from->path);
    to->client_ip = arena_copy(to->arena, from->client_ip);
    to->method = arena_copy(to->arena, from->method);
    to->target_query = arena_copy(to->arena, from->target_query);
    to->has_body = from->has_body;
    to->body_collected = from->body_collected;
    to->body = arena_copy(to->arena, from->body);
    copy_request(to->arena, &from->stream->request, &s->stream.request);
    copy_fields(to->arena, &from->fields, &to->fields);
    copy_fields(to->arena, &from->call_fields, &to->call_fields);
    copy_params(from, to);
    copy_query(from, to);
    s->stream.arena = &s->arena;
    s->stream.owner = to;
    s->stream.started = from->stream->started;
}

/* --- its life --------------------------------------------------------------------------------- */

static void free_shadow(void *ptr)
{
    struct shadow *s = ptr;

    arena_fini(&s->arena);
    mem_free(s);
}

void shadow_end(struct exchange *x)
{
    struct worker *w = x->worker;

    if (x->gone)
        return;
    x->gone = true;
    timer_fini(w->env, &x->deadline);
    proxy_cut(x, "context canceled", true);
    proxy_end(x);
    if (w->hooks != NULL)
        w->hooks->ops->forget_exchange(w->hooks, x);
    list_remove(&x->link);
    worker_count_exchange(w, -1);
    env_release_with(w->env, free_shadow, container_of(x, struct shadow, exchange));
}

void shadow_run(struct exchange *x)
{
    if (x->calls_over)
        shadow_end(x);
}

static void on_deadline(struct timer *t)
{
    struct exchange *x = container_of(t, struct exchange, deadline);

    x->late = true;
    proxy_cut(x, "context deadline exceeded", false);
}

void shadow_start(struct exchange *x)
{
    struct worker *w = x->worker;
    struct shadow *s = mem_zalloc(sizeof(*s));
    const struct group *group = &x->plan->shadow;

    arena_init(&s->arena, &w->blocks);
    copy_exchange(x, s);
    list_push_back(&w->shadows, &s->exchange.link);
    worker_count_exchange(w, 1);
    timer_init(&s->exchange.deadline, on_deadline);
    if (!group->no_time)
        timer_start(w->env, &s->exchange.deadline, group->timeout);
    proxy_begin(&s->exchange, group);
}
