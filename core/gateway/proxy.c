#include "gateway/proxy.h"

#include "gateway/merge.h"
#include "gateway/sequence.h"

/* --- one backend ------------------------------------------------------------------------------ */

static void cut_part(struct part *p, const char *why, bool cancelled)
{
    for (size_t i = 0; i < p->count; i++)
        call_cut(&p->calls[i], why, cancelled);
}

static void on_part_deadline(struct timer *t)
{
    cut_part(container_of(t, struct part, deadline), "context deadline exceeded", false);
}

static void begin_part(struct part *p, const struct group *group)
{
    struct exchange *x = p->exchange;

    p->begun = true;
    p->running = p->count;
    x->parts_begun++;
    if (group->call_timeout > 0)
        timer_start(x->worker->env, &p->deadline, group->call_timeout);
    for (size_t i = 0; i < p->count; i++) {
        if (!p->done) /* the first may have answered at once */
            call_start(&p->calls[i]);
    }
}

static void init_part(struct part *p, struct exchange *x, const struct backend_plan *plan, size_t calls)
{
    p->exchange = x;
    p->plan = plan;
    p->count = calls;
    p->calls = arena_zalloc(x->arena, calls * sizeof(*p->calls));
    timer_init(&p->deadline, on_part_deadline);
    for (size_t i = 0; i < calls; i++) {
        struct call *c = &p->calls[i];

        c->exchange = x;
        c->backend = plan->backend;
        c->plan = plan;
        c->part = p;
        c->arena = x->arena;
        c->owns_fields = x->plan->copied;
    }
}

/* --- failures and merging --------------------------------------------------------------------- */

/* What the client may see of a failure: with return_error_code the backend's content. */
static struct str shown_failure(const struct call *c)
{
    return c->failure_status != 0 ? c->failure_body : c->failure;
}

static void add_failure(struct exchange *x, const struct call *c)
{
    struct failure_text *f = arena_alloc(x->arena, sizeof(*f));
    struct str shown = shown_failure(c);

    *f = (struct failure_text){.text = c->failure};
    x->error_text =
        x->failed ? arena_join(x->arena, arena_join(x->arena, x->error_text, STR("\n")), shown) : shown;
    x->failed = true;
    *x->failures_end = f;
    x->failures_end = &f->next;
}

static void add_part(struct exchange *x, const struct call *c)
{
    if (!c->failed) {
        merge_add(&x->merge, c->data, c->complete);
        return;
    }
    merge_miss(&x->merge);
    add_failure(x, c);
}

/* --- the group -------------------------------------------------------------------------------- */

static const struct group *group_of(const struct exchange *x)
{
    return x->is_shadow ? &x->plan->shadow : &x->plan->real;
}

static bool is_sequence(const struct exchange *x)
{
    return x->plan->sequential && x->part_count > 1;
}

void proxy_begin(struct exchange *x, const struct group *group)
{
    size_t calls = (size_t)x->endpoint->concurrent_calls;

    x->calls_begun = true;
    x->no_time = group->no_time;
    x->part_count = group->count;
    x->parts = arena_zalloc(x->arena, group->count * sizeof(*x->parts));
    for (size_t i = 0; i < group->count; i++)
        init_part(&x->parts[i], x, group->backends[i], calls);
    merge_init(&x->merge, x->arena, is_sequence(x));
    x->failures_end = &x->failures;
    if (is_sequence(x)) {
        begin_part(&x->parts[0], group);
        return;
    }
    for (size_t i = 0; i < group->count && !x->calls_over; i++)
        begin_part(&x->parts[i], group);
}

/* The next step, unless the sequence ends here: by a failure, or by a reply that is not whole. Members are
 * merged into the first reply at once, so that later steps see them there (core.md R-SQ-6). */
static void go_on_in_sequence(struct exchange *x)
{
    const struct call *last = x->parts[x->parts_done - 1].result;

    if (!last->failed || x->parts_done > 1)
        add_part(x, last);
    if (last->failed || !last->complete || x->late || x->gone || x->parts_done == x->part_count) {
        x->calls_over = true;
        return;
    }
    sequence_resolve(x, x->parts_done);
    begin_part(&x->parts[x->parts_done], group_of(x));
}

static void part_is_done(struct part *p)
{
    struct exchange *x = p->exchange;

    p->done = true;
    timer_stop(x->worker->env, &p->deadline);
    for (size_t i = 0; i < p->count; i++) {
        if (&p->calls[i] != p->result)
            call_cut(&p->calls[i], "context canceled", true);
    }
    x->parts_done++;
    if (is_sequence(x))
        go_on_in_sequence(x);
    else
        x->calls_over = x->parts_done == x->part_count;
    if (x->calls_over)
        exchange_run(x);
}

/* The first whole reply wins; else the last that is not whole, else the last failure (core.md R-CC-1). */
void proxy_call_done(struct call *c)
{
    struct part *p = c->part;
    bool wins = !c->failed && c->complete;

    p->running--;
    if (p->done)
        return;
    if (wins || p->result == NULL || !c->failed || p->result->failed)
        p->result = c;
    if (wins || p->running == 0)
        part_is_done(p);
}

void proxy_cut(struct exchange *x, const char *why, bool cancelled)
{
    for (size_t i = 0; i < x->part_count; i++) {
        if (x->parts[i].begun)
            cut_part(&x->parts[i], why, cancelled);
    }
}

/* --- what came of it -------------------------------------------------------------------------- */

static void conclude_one(struct exchange *x, struct call *c)
{
    if (!c->failed) {
        x->has_response = true;
        x->data = c->data;
        x->complete = c->complete;
        if (c->plan->streams)
            x->streaming = c;
        return;
    }
    add_failure(x, c);
    x->error_status = c->failure_status != 0 ? c->failure_status : 500;
    x->error_type = c->failure_type;
}

static void conclude_several(struct exchange *x)
{
    for (size_t i = 0; i < x->part_count && !is_sequence(x); i++)
        add_part(x, x->parts[i].result);
    if (x->parts_done < x->part_count) /* a sequence that ended early */
        merge_miss(&x->merge);
    x->is_merge_error = true;
    x->data = x->merge.data;
    x->has_response = x->data != NULL;
    x->complete = x->merge.complete;
    x->error_status = 500;
}

void proxy_conclude(struct exchange *x)
{
    struct call *first = x->parts[0].result;

    if (x->part_count == 1 || (is_sequence(x) && first->failed))
        conclude_one(x, first);
    else
        conclude_several(x);
}

void proxy_end(struct exchange *x)
{
    for (size_t i = 0; i < x->part_count; i++) {
        struct part *p = &x->parts[i];

        timer_fini(x->worker->env, &p->deadline);
        for (size_t k = 0; k < p->count; k++)
            call_end(&p->calls[k]);
    }
}
