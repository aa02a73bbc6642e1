#include "http/h1_conn.h"

#include "base/mem.h"
#include "http/h1_writer.h"
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

/* Spans of content that go out as one chunk; more make several. */
enum { CHUNK_SPANS_MAX = 60 };

static void defer(struct h1_stream *s)
{
    env_defer(s->conn->base.server->env, &s->conn->task);
}

bool h1_is_flushed(const struct h1_stream *s)
{
    return s->pending_count == 0 && buf_len(&s->queue) == 0;
}

/* Nothing more will be sent: what is borrowed is let go of, and the owner hears of it. */
static void fail(struct h1_stream *s, const char *why)
{
    s->failure = why;
    s->pending_count = 0;
    buf_clear(&s->queue);
    defer(s);
}

static size_t total(const struct iovec *iov, int n)
{
    size_t bytes = 0;

    for (int i = 0; i < n; i++)
        bytes += iov[i].iov_len;
    return bytes;
}

/* Drops what was sent from the head of the list; returns how many spans are gone whole. */
static int advance(struct iovec *iov, int n, size_t sent)
{
    int i = 0;

    for (; i < n && sent >= iov[i].iov_len; i++)
        sent -= iov[i].iov_len;
    if (i < n && sent > 0) {
        iov[i].iov_base = (char *)iov[i].iov_base + sent;
        iov[i].iov_len -= sent;
    }
    return i;
}

/* Sends as much as the sock takes; *n spans are left at *iov. False: the connection is broken. */
static bool send_spans(struct h1_stream *s, struct iovec **iov, int *n)
{
    while (*n > 0) {
        int count = MIN(*n, IOV_MAX);
        size_t sent, want = total(*iov, count);

        switch (sock_write(s->conn->sock, *iov, count, &sent)) {
        case IO_OK: break;
        case IO_AGAIN: return true;
        case IO_EOF:
        case IO_ERROR: return false;
        }
        int gone = advance(*iov, count, sent);
        *iov += gone;
        *n -= gone;
        if (sent < want)
            return true;
    }
    return true;
}

static void queue_spans(struct h1_stream *s, const struct iovec *iov, int n)
{
    for (int i = 0; i < n; i++) {
        if (iov[i].iov_len > 0 && !buf_append(&s->queue, iov[i].iov_base, iov[i].iov_len))
            abort(); /* it has no limit */
    }
}

/* Sends the spans behind what waits already; what cannot go now is kept: as it is if it is borrowed, else as
 * a copy. The array is changed. */
static void put_spans(struct h1_stream *s, struct iovec *iov, int n, bool borrowed)
{
    struct h1_conn *c = s->conn;

    if (s->failure != NULL)
        return;
    if (c->base.server->env->now >= s->write_deadline) {
        fail(s, "write timeout");
        return;
    }
    if (h1_is_flushed(s) && !send_spans(s, &iov, &n)) {
        fail(s, "connection reset by peer");
        return;
    }
    if (n > 0) {
        if (borrowed && buf_len(&s->queue) == 0) {
            s->pending = iov;
            s->pending_count = n;
        } else {
            queue_spans(s, iov, n);
        }
        sock_want(c->sock, c->sock->want | SOCK_WRITE);
        h1_update_deadline(c);
    }
    if (s->half_closed)
        h1_update_deadline(c);
    if (s->ended && h1_is_flushed(s))
        defer(s);
}

static bool flush_queue(struct h1_stream *s)
{
    while (buf_len(&s->queue) > 0) {
        struct iovec iov = {(char *)(uintptr_t)buf_head(&s->queue), buf_len(&s->queue)};
        struct iovec *rest = &iov;
        int n = 1;
        size_t before = iov.iov_len;

        if (!send_spans(s, &rest, &n))
            return false;
        size_t sent = n > 0 ? before - iov.iov_len : before;
        buf_consume(&s->queue, sent);
        if (sent < before)
            return true;
    }
    return true;
}

void h1_flush(struct h1_conn *c)
{
    struct h1_stream *s = c->stream;

    if (c->state != H1_BUSY || s->failure != NULL)
        return;
    if (!send_spans(s, &s->pending, &s->pending_count) || (s->pending_count == 0 && !flush_queue(s))) {
        fail(s, "connection reset by peer");
        return;
    }
    if (h1_is_flushed(s)) {
        sock_want(c->sock, c->sock->want & ~(unsigned)SOCK_WRITE);
        h1_update_deadline(c);
        if (s->ended)
            defer(s);
    }
    if (s->full && !s->ended && buf_len(&s->queue) < STREAM_QUEUE_MARK) {
        s->full = false;
        s->base.events->on_writable(&s->base);
    }
}

/* How the content of the response will be framed. */
struct plan {
    int64_t length; /* -1: not announced */
    bool chunked;
};

static struct plan plan_content(struct h1_stream *s, const struct server_response *r, size_t given, bool end)
{
    const struct request *request = &s->base.request;
    bool head = str_equal(request->method, STR("HEAD"));
    struct plan plan = {.length = r->length};

    if (end && (given > 0 || !head))
        plan.length = (int64_t)given;
    s->no_content = head || r->status < 200 || r->status == 204 || r->status == 205 || r->status == 304;
    if (r->status == 205)
        plan.length = 0; /* RFC 9110 section 15.3.6 */
    else if (s->no_content && !head)
        plan.length = -1; /* RFC 9110 section 8.6 */
    plan.chunked = !s->no_content && plan.length < 0 && request->minor > 0;
    if (!s->no_content && plan.length < 0 && request->minor == 0)
        s->close = s->reset = true; /* its end is the end of the connection, so cutting it must be a reset */
    return plan;
}

/* Must the connection close, as far as is known when the head is written? */
static bool must_close(const struct h1_stream *s)
{
    const struct request *request = &s->base.request;

    if (!request->keep_alive)
        return true;
    if (s->content_ended) /* a request that is here already is still answered */
        return s->conn->base.server->draining && recv_buf_is_empty(&s->conn->in);
    if (s->conn->base.server->draining)
        return true;
    /* A client that still waits for 100 (Continue) may send the content now, or not. */
    return (s->wants_continue && recv_buf_is_empty(&s->conn->in)) ||
           (request->framing == FRAMING_LENGTH && s->left > STREAM_DROP_MAX);
}

/* Counts content against what was announced, and cuts what goes beyond. Returns how many bytes are left. */
static size_t admit(struct h1_stream *s, struct iovec *iov, int n)
{
    size_t given = total(iov, n);

    if (s->out_left >= 0 && given > (uint64_t)s->out_left) {
        /* Bytes beyond the announced length would be taken for the next response. */
        size_t allowed = (size_t)s->out_left;
        for (int i = 0; i < n; i++) {
            iov[i].iov_len = MIN(iov[i].iov_len, allowed);
            allowed -= iov[i].iov_len;
        }
        given = (size_t)s->out_left;
        s->close = true;
    }
    if (s->out_left >= 0)
        s->out_left -= (int64_t)given;
    s->base.sent += given;
    return given;
}

/* The owner says the response is complete. If it promised more, the client must not take it for complete. */
static void end_response(struct h1_stream *s)
{
    s->ended = true;
    if (s->out_left > 0)
        s->close = s->cut = true;
}

/* Content as it goes on the wire, behind a head (if there is one) in the first place of the array. The array
 * has room for three more than n. */
static int frame_content(struct h1_stream *s, struct iovec *iov, int n, char chunk_head[H1_CHUNK_HEAD_MAX],
                         bool end)
{
    size_t given = admit(s, iov + 1, n);

    if (!s->out_chunked)
        return given > 0 ? n + 1 : 1;
    if (given == 0) {
        iov[1] = (struct iovec){"0\r\n\r\n", end ? 5 : 0};
        return end ? 2 : 1;
    }
    memmove(iov + 2, iov + 1, (size_t)n * sizeof(*iov));
    iov[1] = (struct iovec){chunk_head, h1_write_chunk_head(chunk_head, given)};
    iov[n + 2] = end ? (struct iovec){"\r\n0\r\n\r\n", 7} : (struct iovec){"\r\n", 2};
    return n + 3;
}

void h1_stream_respond(struct stream *base, const struct server_response *r, const struct iovec *iov, int n,
                       bool end)
{
    struct h1_stream *s = container_of(base, struct h1_stream, base);
    struct plan plan = plan_content(s, r, total(iov, n), end);

    s->responded = true;
    s->close = s->close || r->close || must_close(s);
    s->out_chunked = plan.chunked;
    s->out_left = s->no_content ? -1 : plan.length;
    size_t size = h1_response_size(r->fields) + H1_CHUNK_HEAD_MAX;
    char *head = arena_bytes(&s->arena, size);
    size_t len = h1_write_response(head, r->status, r->fields, server_date(s->conn->base.server), plan.length,
                                   plan.chunked, s->close, s->base.request.minor == 0);
    arena_trim(&s->arena, head, size, len + H1_CHUNK_HEAD_MAX);
    if (s->no_content)
        n = 0;
    struct iovec *spans = arena_alloc(&s->arena, (size_t)(n + 4) * sizeof(*spans));
    spans[0] = (struct iovec){head, len};
    if (n > 0)
        memcpy(spans + 1, iov, (size_t)n * sizeof(*spans));
    int count = frame_content(s, spans, n, head + len, false);
    if (end)
        end_response(s);
    put_spans(s, spans, count, end);
}

/* At most CHUNK_SPANS_MAX spans. */
static void write_some(struct h1_stream *s, const struct iovec *iov, int n, bool end)
{
    struct iovec spans[CHUNK_SPANS_MAX + 4];
    char chunk_head[H1_CHUNK_HEAD_MAX];

    spans[0] = (struct iovec){NULL, 0};
    if (n > 0)
        memcpy(spans + 1, iov, (size_t)n * sizeof(*spans));
    int count = frame_content(s, spans, n, chunk_head, end);
    if (end)
        end_response(s);
    put_spans(s, spans + 1, count - 1, false);
}

bool h1_stream_write(struct stream *base, const struct iovec *iov, int n, bool end)
{
    struct h1_stream *s = container_of(base, struct h1_stream, base);

    if (s->failure != NULL || s->ended)
        return false;
    if (s->no_content)
        n = 0;
    for (; n > CHUNK_SPANS_MAX; iov += CHUNK_SPANS_MAX, n -= CHUNK_SPANS_MAX) {
        write_some(s, iov, CHUNK_SPANS_MAX, false);
        if (s->failure != NULL)
            return false;
    }
    write_some(s, iov, n, end);
    s->full = s->failure != NULL || buf_len(&s->queue) >= STREAM_QUEUE_MARK;
    return !s->full;
}

void h1_stream_cut(struct stream *base)
{
    struct h1_stream *s = container_of(base, struct h1_stream, base);

    s->pending_count = 0;
    buf_clear(&s->queue);
    s->ended = s->close = s->cut = true;
    defer(s);
}

void h1_send_continue(struct h1_stream *s)
{
    struct iovec iov = {"HTTP/1.1 100 Continue\r\n\r\n", 25};

    put_spans(s, &iov, 1, false);
}

void h1_stream_inform(struct stream *base, int status, const struct fields *fields)
{
    struct h1_stream *s = container_of(base, struct h1_stream, base);

    if (s->responded || s->base.request.minor == 0 || buf_len(&s->queue) >= STREAM_QUEUE_MARK)
        return;
    char *head = mem_alloc(h1_response_size(fields));
    struct iovec iov = {head, h1_write_interim(head, status, fields)};
    put_spans(s, &iov, 1, false);
    mem_free(head);
}

/* Field lines of what the owner adds. */
static struct str fault_fields(struct arena *a, const struct fields *fields)
{
    struct str lines = STR("");

    for (unsigned i = 0; fields != NULL && i < fields->count; i++) {
        lines = arena_printf(a, "%.*s%.*s: %.*s\r\n", STR_ARG(lines), STR_ARG(fields->items[i].name),
                             STR_ARG(fields->items[i].value));
    }
    return lines;
}

/* The form of Go's server: "HTTP/1.1 400 Bad Request: missing required Host header", and that again as the
 * content. */
void h1_send_fault(struct h1_conn *c, const struct message_fault *fault)
{
    struct arena *a = &c->stream->arena;
    struct str text = str_of(fault->text), reason = status_reason(fault->status), content = STR(""),
               type = STR("");

    if (fault->status == 501) {
        content = text;
    } else {
        reason = text.len > 0 ? arena_printf(a, "%.*s: %.*s", STR_ARG(reason), STR_ARG(text)) : reason;
        if (fault->text != NULL && fault->status != 417)
            content = arena_printf(a, "%d %.*s", fault->status, STR_ARG(reason));
    }
    if (content.len > 0)
        type = STR("Content-Type: text/plain; charset=utf-8\r\n");
    struct str more = fault_fields(a, c->stream->base.failure_fields);
    struct str head = arena_printf(
        a, "HTTP/1.1 %d %.*s\r\n%.*s%.*sDate: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
        fault->status, STR_ARG(reason), STR_ARG(type), STR_ARG(more), server_date(c->base.server),
        content.len);
    struct iovec iov[2] = {{(char *)(uintptr_t)head.ptr, head.len},
                           {(char *)(uintptr_t)content.ptr, content.len}};
    bool is_head = str_equal(c->stream->base.request.method, STR("HEAD"));
    size_t sent;

    /* Nothing waits before it. What the kernel does not take is not worth waiting for. */
    (void)sock_write(c->sock, iov, is_head ? 1 : 2, &sent);
}
