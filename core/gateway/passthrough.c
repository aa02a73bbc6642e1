#include "gateway/passthrough.h"

#include "gateway/proxy.h"
#include "gateway/sniff.h"
#include "http/server.h"
#include <string.h>

enum { COPIED_WHOLE_MAX = 16 * 1024 }; /* a reply that is all here goes out with its head, in one write */

static size_t sum(const struct iovec *iov, int n)
{
    size_t len = 0;

    for (int i = 0; i < n; i++)
        len += iov[i].iov_len;
    return len;
}

/* An empty Content-Encoding counts as none, an empty Content-Type as one (core.md R-NO-4). */
static bool lacks_type(const struct exchange *x)
{
    const struct fields *fields = &x->answer.fields;
    const struct field *coding = field_find_id(fields, FIELD_CONTENT_ENCODING);

    return field_find_id(fields, FIELD_CONTENT_TYPE) == NULL && (coding == NULL || coding->value.len == 0);
}

/* A status or a method without content: there is nothing to wait for. */
static bool has_content(const struct exchange *x, const struct call *c)
{
    return x->answer.status != 204 && x->answer.status != 304 && !str_equal(c->method, STR("HEAD"));
}

static void add_sniffed_type(struct exchange *x, const struct iovec *iov, int n)
{
    for (int i = 0; i < n; i++) {
        if (iov[i].iov_len == 0)
            continue;
        field_add_id(&x->answer.fields, FIELD_CONTENT_TYPE,
                     sniff_type((struct str){iov[i].iov_base, iov[i].iov_len}));
        return;
    }
}

/* What the backend said of its length; -1 when it did not, or when the content was unpacked. */
static int64_t announced_length(const struct call *c)
{
    const struct field *field = field_find_id(&c->reply_fields, FIELD_CONTENT_LENGTH);
    uint64_t length;

    if (field == NULL || !str_to_u64(field->value, &length) || length > INT64_MAX)
        return -1;
    return (int64_t)length;
}

static void respond_whole(struct exchange *x, const struct server_response *r, const struct iovec *iov, int n)
{
    size_t len = sum(iov, n);
    struct iovec whole = {arena_bytes(x->arena, len + 1), 0};
    struct iovec *kept = arena_alloc(x->arena, sizeof(*kept));

    for (int i = 0; i < n; i++) {
        memcpy((char *)whole.iov_base + whole.iov_len, iov[i].iov_base, iov[i].iov_len);
        whole.iov_len += iov[i].iov_len;
    }
    *kept = whole;
    stream_respond(x->stream, r, kept, len > 0, true);
}

void passthrough_begin(struct exchange *x)
{
    struct call *c = x->streaming;
    size_t len = sum(c->pieces, c->piece_count);
    struct server_response r = {.status = x->answer.status, .fields = &x->answer.fields, .length = -1};

    if (x->responded)
        return;
    if (len == 0 && !c->stream_over && lacks_type(x) && has_content(x, c)) {
        c->pieces = NULL;
        c->piece_count = 0;
        passthrough_go_on(x); /* a hook may have held it up */
        return;
    }
    if (lacks_type(x))
        add_sniffed_type(x, c->pieces, c->piece_count);
    x->responded = true;
    if (c->stream_over && len <= COPIED_WHOLE_MAX) {
        respond_whole(x, &r, c->pieces, c->piece_count);
    } else {
        r.length = announced_length(c);
        stream_respond(x->stream, &r, c->pieces, c->piece_count, false);
        if (c->stream_over)
            stream_write(x->stream, NULL, 0, true);
    }
    c->pieces = NULL;
    c->piece_count = 0;
    passthrough_go_on(x);
}

void passthrough_inform(struct call *c, int status, struct fields *fields)
{
    struct exchange *x = c->exchange;
    bool races = c->part->count > 1; /* whose reply the client gets is open */

    if (!c->plan->streams || c->request->collect > 0 || races || x->is_shadow || x->gone)
        return;
    fields_remove_hop_by_hop(fields);
    stream_inform(x->stream, status, fields);
}

void passthrough_content(struct call *c, const struct iovec *iov, int n, bool end)
{
    struct exchange *x = c->exchange;

    if (x->streaming != c || x->gone)
        return;
    c->stream_over = end;
    if (!x->responded) {
        c->pieces = (struct iovec *)iov;
        c->piece_count = n;
        exchange_run(x);
        return;
    }
    if (!stream_write(x->stream, iov, n, end) && !end) {
        c->paused = true;
        fetch_pause(c->fetch);
    }
}

void passthrough_go_on(struct exchange *x)
{
    struct call *c = x->streaming;

    if (c == NULL || !c->paused || c->stream_over)
        return;
    c->paused = false;
    fetch_resume(c->fetch);
}

void passthrough_fail(struct call *c, struct str why)
{
    struct exchange *x = c->exchange;

    if (x->streaming != c || x->gone || c->stream_over)
        return;
    c->stream_over = true;
    fetch_cancel(c->fetch);
    log_write(x->worker->log, LOG_ERROR, "%.*s the content of %.*s was cut after %llu bytes: %.*s",
              STR_ARG(x->plan->log_name), STR_ARG(c->built.text), (unsigned long long)x->stream->sent,
              STR_ARG(why));
    if (!x->responded) {
        struct server_response r = {.status = x->answer.status, .fields = &x->answer.fields, .length = -1};

        x->responded = true;
        stream_respond(x->stream, &r, NULL, 0, false);
    }
    stream_cut(x->stream);
}
