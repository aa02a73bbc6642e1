#include "gateway/call.h"

#include "gateway/decode.h"
#include "gateway/forward.h"
#include "gateway/passthrough.h"
#include "gateway/proxy.h"
#include "http/server.h"
#include <string.h>

/* --- hooks ------------------------------------------------------------------------------------ */

static struct hooks *hooks_of(const struct call *c)
{
    return c->exchange->worker->hooks;
}

static bool has_hooks(const struct call *c)
{
    const struct hooks *h = hooks_of(c);

    return h != NULL && (h->backend_phases[c->backend->id] & (1u << PHASE_CALL | 1u << PHASE_REPLY)) != 0;
}

static bool wants_content(const struct call *c)
{
    const struct hooks *h = hooks_of(c);

    return h != NULL && h->backend_wants_content != NULL && h->backend_wants_content[c->backend->id];
}

static enum hook_result run_hooks(struct call *c, enum phase phase)
{
    struct hooks *h = hooks_of(c);
    enum hook_result result = h->ops->run(h, phase, false, c->exchange, c);

    if (result == HOOK_WAIT && (c->exchange->gone || c->cut)) { /* nothing can wait for it any more */
        h->ops->drop(h, c->exchange, c);
        return HOOK_NEXT;
    }
    c->hook_waits = result == HOOK_WAIT;
    return result;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void finish(struct call *c)
{
    c->state = CALL_DONE;
    if (c->fetch != NULL && !c->streaming) /* a hook may have put something else in the place of a stream */
        fetch_cancel(c->fetch);
    proxy_call_done(c);
}

static void after_reply_hooks(struct call *c, enum hook_result result)
{
    if (result == HOOK_WAIT)
        return;
    if (result == HOOK_ANSWERED) /* another reply in place of the backend's */
        decode_reply(c, c->url);
    finish(c);
}

/* Reply hooks run exactly once for a call that was asked about, whatever came of it. */
static void reply(struct call *c)
{
    c->state = CALL_REPLY;
    if (!c->hooked || c->replied) {
        finish(c);
        return;
    }
    c->replied = true;
    after_reply_hooks(c, run_hooks(c, PHASE_REPLY));
}

static void set_failure(struct call *c, struct str why)
{
    c->failed = true;
    c->complete = false;
    c->streaming = false;
    c->data = NULL;
    c->failure = why;
}

static void fail(struct call *c, struct str why)
{
    set_failure(c, why);
    reply(c);
}

/* It fails while hooks may wait: they are dropped, and the rest of them sees that it failed. */
static void cut(struct call *c, struct str why)
{
    c->cut = true;
    set_failure(c, why);
    if (c->hook_waits)
        hooks_of(c)->ops->drop(hooks_of(c), c->exchange, c);
    c->hook_waits = false;
    reply(c);
}

/* What came is whole: decode it. */
static void conclude(struct call *c, struct str final_url)
{
    decode_reply(c, final_url);
    reply(c);
}

static void take_head(struct call *c, const struct response *r)
{
    c->status = r->status;
    c->reply_fields = r->fields;
    message_tell_no_cache(&c->reply_fields, r->pragma_no_cache);
}

/* No more is to come: what came of the reply, content included if it is sound, may do all the same. */
static bool conclude_early(struct call *c, bool sound)
{
    const struct fetch *f = c->fetch;

    if (c->state != CALL_SENT || !f->answered || c->plan->streams)
        return false;
    take_head(c, &f->response);
    c->content = sound ? f->collected : STR_NONE;
    if (!decode_cut_reply(c, f->final_url)) {
        c->status = 0;
        return false;
    }
    c->has_content = c->backend->encoding != ENCODING_NOOP;
    reply(c);
    return true;
}

/* --- the reply -------------------------------------------------------------------------------- */

static struct str join(struct arena *a, const struct iovec *iov, int n)
{
    size_t len = 0;
    char *out;

    if (n == 1)
        return (struct str){iov->iov_base, iov->iov_len};
    for (int i = 0; i < n; i++)
        len += iov[i].iov_len;
    out = arena_bytes(a, len + 1);
    len = 0;
    for (int i = 0; i < n; i++) {
        memcpy(out + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    return (struct str){out, len};
}

/* The head came, and nobody could send it on within this turn (a hook waits): what is borrowed is copied, and
 * no more is taken. */
static void keep_head(struct call *c)
{
    struct iovec *piece = arena_alloc(c->arena, sizeof(*piece));
    struct str bytes = join(c->arena, c->pieces, c->piece_count);

    if (c->piece_count == 1)
        bytes = arena_copy(c->arena, bytes);
    *piece = (struct iovec){(void *)bytes.ptr, bytes.len};
    c->pieces = piece;
    c->piece_count = 1;
    if (!c->stream_over) {
        c->paused = true;
        fetch_pause(c->fetch);
    }
}

/* A no-op reply: its head is enough to go on. */
static void take_stream(struct call *c, const struct iovec *iov, int n, bool end)
{
    c->streaming = true;
    c->stream_over = end;
    c->pieces = (struct iovec *)iov;
    c->piece_count = n;
    decode_reply(c, STR_NONE);
    reply(c);
    if (c->streaming && c->pieces != NULL)
        keep_head(c);
}

static void on_response(struct fetch *f, bool head, const struct iovec *iov, int n, bool end)
{
    struct call *c = f->owner;

    if (!head) {
        passthrough_content(c, iov, n, end);
        return;
    }
    take_head(c, &f->response);
    if (c->request->collect > 0) {
        c->has_content = true;
        c->content = join(c->arena, iov, n);
        conclude(c, f->final_url);
    } else if (c->plan->streams) {
        take_stream(c, iov, n, end);
    } else { /* no-op among others: that it answered is all that counts (core.md R-MG-7) */
        fetch_cancel(f);
        conclude(c, STR_NONE);
    }
}

static void on_fail(struct fetch *f, enum fetch_failure why, const char *text)
{
    struct call *c = f->owner;
    struct str copy = arena_copy(c->arena, str_of(text));

    if (c->state == CALL_DONE) {
        if (c->streaming)
            passthrough_fail(c, copy);
        return;
    }
    if (c->hook_waits) /* it looks at the head of what is now cut */
        cut(c, copy);
    else if (!conclude_early(c, why == FETCH_CLOSED || why == FETCH_CUT))
        fail(c, copy);
}

static void on_writable(struct fetch *f)
{
    struct call *c = f->owner;

    if (c->uploading)
        stream_read(c->exchange->stream, true);
}

static void on_interim(struct fetch *f)
{
    passthrough_inform(f->owner, f->response.status, &f->response.fields);
}

static const struct fetch_events fetch_events = {on_response, on_fail, on_writable, on_interim};

/* --- sending ---------------------------------------------------------------------------------- */

static bool method_is_changed(const struct call *c)
{
    return c->method.ptr != c->backend->method_sent.ptr;
}

static bool sends_length(const struct call *c)
{
    return method_is_changed(c) ? method_sends_length(c->method) : c->plan->sends_length;
}

/* core.md 4.4: a length only if the client's was forwarded, or the content is kept for redirects; copies of a
 * request without content are chunked and empty where a single one says Content-Length: 0. */
static void set_body(struct call *c, struct fetch_request *r, bool length_forwarded)
{
    struct exchange *x = c->exchange;
    const struct request *request = &x->stream->request;
    struct iovec *iov;

    if (c->has_body && !x->body_collected && c->body.ptr == NULL) {
        r->body = FETCH_STREAM;
        r->length = length_forwarded && request->framing == FRAMING_LENGTH ? (int64_t)request->length : -1;
        c->uploading = true;
    } else if (c->has_body) {
        iov = arena_alloc(c->arena, sizeof(*iov));
        *iov = (struct iovec){(void *)c->body.ptr, c->body.len};
        r->body = FETCH_BYTES;
        r->iov = iov;
        r->iov_count = c->body.len > 0 ? 1 : 0;
        r->body_on_redirect = c->backend->send_body_on_redirect;
        r->chunked = !length_forwarded && !r->body_on_redirect;
    } else if (sends_length(c) && x->plan->copied) {
        r->body = FETCH_BYTES;
        r->body_on_redirect = c->backend->send_body_on_redirect;
        r->chunked = !r->body_on_redirect;
    } else {
        r->body = FETCH_NO_BODY;
        r->final_307 = x->plan->final_307 && !c->backend->send_body_on_redirect;
        r->empty_length = sends_length(c);
    }
}

static bool use_changed_url(struct call *c)
{
    struct error err;

    if (c->url.ptr == c->built.text.ptr && c->url.len == c->built.text.len)
        return true;
    error_clear(&err);
    if (url_parse(c->arena, c->url, &c->built, &err))
        return true;
    fail(c, arena_copy(c->arena, str_of(err.text)));
    return false;
}

/* Else it has failed. */
static bool may_be_sent(struct call *c)
{
    if (c->plan->method_failure.len > 0 && !method_is_changed(c)) {
        fail(c, c->plan->method_failure);
        return false;
    }
    if (!use_changed_url(c))
        return false;
    if (c->exchange->no_time) {
        fail(c, STR("context deadline exceeded"));
        return false;
    }
    return true;
}

static void send_request(struct call *c)
{
    struct exchange *x = c->exchange;
    struct fetch_request *r;
    bool length_forwarded;

    if (!may_be_sent(c))
        return;
    r = arena_zalloc(c->arena, sizeof(*r));
    c->request = r;
    length_forwarded = forward_finish_fields(c);
    r->url = c->built;
    r->method = c->method;
    r->fields = &c->fields;
    set_body(c, r, length_forwarded);
    if (r->body == FETCH_NO_BODY)
        field_remove_id(&c->fields, FIELD_EXPECT); /* RFC 9110 section 10.1.1: there is nothing to wait for */
    r->gunzip_always = c->backend->encoding != ENCODING_NOOP;
    r->expects_continue = r->body != FETCH_NO_BODY && x->stream->request.expects_continue &&
                          field_find_id(&c->fields, FIELD_EXPECT) != NULL;
    if (c->backend->encoding != ENCODING_NOOP || x->plan->keeps_content || wants_content(c))
        r->collect = CONTENT_MAX;
    c->state = CALL_SENT;
    c->fetch = fetch_start(x->worker->client, c->arena, r, &fetch_events, c);
    if (c->uploading)
        stream_read(x->stream, true);
}

/* --- beginning -------------------------------------------------------------------------------- */

static void after_call_hooks(struct call *c, enum hook_result result)
{
    switch (result) {
    case HOOK_NEXT: send_request(c); return;
    case HOOK_ANSWERED: conclude(c, c->url); return;
    case HOOK_FAILED: reply(c); return;
    case HOOK_WAIT: return;
    }
}

void call_start(struct call *c)
{
    struct exchange *x = c->exchange;

    c->state = CALL_HOOKS;
    c->method = c->backend->method_sent;
    c->has_body = x->has_body;
    c->body = x->body_collected ? x->body : STR_NONE;
    if (!forward_call_url(c)) { /* outside of what hooks count: service.md CB-10 */
        c->failed = true;
        finish(c);
        return;
    }
    forward_call_fields(c);
    if (!has_hooks(c)) {
        send_request(c);
        return;
    }
    c->hooked = true;
    after_call_hooks(c, run_hooks(c, PHASE_CALL));
}

void call_resume(struct call *c, enum hook_result result)
{
    if (!c->hook_waits || c->state == CALL_DONE)
        return;
    c->hook_waits = false;
    if (c->state == CALL_HOOKS)
        after_call_hooks(c, result);
    else
        after_reply_hooks(c, result);
}

void call_cut(struct call *c, const char *why, bool cancelled)
{
    if (c->state == CALL_DONE || c->state == CALL_NEW)
        return;
    if (c->fetch != NULL)
        fetch_cancel(c->fetch);
    c->cancelled = cancelled;
    c->cut = true;
    if (cancelled || !conclude_early(c, true))
        cut(c, str_of(why));
}

void call_end(struct call *c)
{
    struct hooks *h = hooks_of(c);

    if (c->fetch != NULL)
        fetch_cancel(c->fetch);
    c->uploading = false;
    if (c->hooked)
        h->ops->forget_call(h, c);
    c->hooked = false;
}

/* --- for hooks -------------------------------------------------------------------------------- */

void call_error(struct call *c, int status, struct str text, struct str type)
{
    set_failure(c, arena_copy(c->arena, text));
    c->failure_status = status;
    c->failure_body = c->failure;
    c->failure_type = arena_copy(c->arena, type);
}

void call_answer(struct call *c, int status, const struct fields *fields, struct str body)
{
    c->status = status;
    fields_init(&c->reply_fields, c->arena);
    if (fields != NULL)
        fields_copy(&c->reply_fields, fields);
    c->content = arena_copy(c->arena, body);
    c->has_content = true;
    c->streaming = false;
    c->failed = false;
}
