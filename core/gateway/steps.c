#include "gateway/steps.h"

#include "gateway/answer.h"
#include "gateway/builtin.h"
#include "gateway/forward.h"
#include "gateway/passthrough.h"
#include "gateway/proxy.h"
#include "gateway/routing.h"
#include "gateway/shadow.h"
#include "gateway/upload.h"
#include "http/server.h"

/* --- hooks ------------------------------------------------------------------------------------ */

bool steps_has_hooks(const struct exchange *x, enum phase phase, bool service)
{
    const struct hooks *h = x->worker->hooks;

    if (h == NULL)
        return false;
    if (service)
        return (h->service_phases & 1u << phase) != 0;
    return x->endpoint != NULL && (h->endpoint_phases[x->endpoint->id] & 1u << phase) != 0;
}

/* The hook said why by exchange_fail: an error of the pipe, or an answer. */
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
        if (!steps_has_hooks(x, phase, service))
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

void steps_drop_hook(struct exchange *x)
{
    struct hooks *h = x->worker->hooks;

    if (!x->hook_waits)
        return;
    h->ops->drop(h, x, NULL);
    x->hook_waits = false;
    x->hook_result = HOOK_FAILED;
}

/* For the steps that need it: there, not yet, or too much. */
static enum verdict collect(struct exchange *x)
{
    if (upload_collect(x))
        return GO;
    return x->answered ? RESPOND : WAIT;
}

/* --- steps ------------------------------------------------------------------------------------ */

static enum verdict too_late(struct exchange *x)
{
    exchange_set_error(x, 500, STR("context deadline exceeded"), STR_NONE);
    return CONCLUDE;
}

static enum verdict step_route(struct exchange *x)
{
    const struct target *target = &x->stream->request.parts;

    if (target->form == TARGET_ASTERISK && str_equal(x->method, STR("OPTIONS"))) {
        x->unlogged = true;
        answer_set(x, 200, STR_NONE, STR_NONE);
        return SEND_AS_IS;
    }
    routing_find(x);
    return GO;
}

static bool hooks_want_body(const struct exchange *x)
{
    const struct hooks *h = x->worker->hooks;

    if (h == NULL)
        return false;
    if (x->endpoint == NULL || x->outer)
        return h->service_wants_body;
    return h->endpoint_wants_body[x->endpoint->id];
}

static enum verdict step_body(struct exchange *x)
{
    return hooks_want_body(x) ? collect(x) : GO;
}

static enum verdict step_service(struct exchange *x)
{
    return run_phase(x, PHASE_REQUEST, true);
}

static enum verdict step_builtin(struct exchange *x)
{
    enum verdict v;

    if (x->match == MATCH_FOUND && x->endpoint != NULL && x->refusal.len == 0)
        return step_body(x);     /* the endpoint may be another one than it was */
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
        if (!group->no_time)
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
    bool whole = x->has_response && !x->failed;
    enum verdict v = GO;

    if (!x->entered && whole && steps_has_hooks(x, PHASE_MERGED, false))
        answer_begin(x);
    if (x->entered || whole)
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
}

static enum verdict step_send(struct exchange *x)
{
    struct server_response r = {.status = x->answer.status, .fields = &x->answer.fields, .length = -1};
    struct doc_spans content;

    if (x->responded)
        return WAIT;
    if (x->streaming != NULL && !x->answer.has_body) {
        passthrough_begin(x);
        if (x->late) /* a hook held it for too long */
            passthrough_fail(x->streaming, STR("context deadline exceeded"));
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

const struct step steps[STEP_COUNT] = {
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
