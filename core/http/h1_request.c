#include "http/h1_conn.h"

enum { SPANS_MAX = 32 };

static const struct message_fault bad_request = {400, ""};

static const struct stream_ops ops = {
    .read = h1_stream_read,
    .respond = h1_stream_respond,
    .inform = h1_stream_inform,
    .write = h1_stream_write,
    .cut = h1_stream_cut,
};

/* The first byte of a request is there: its stream begins, and its clocks. */
static void begin(struct h1_conn *c)
{
    const struct server *server = c->base.server;
    struct arena arena;

    arena_init(&arena, server->cache);
    struct h1_stream *s = arena_zalloc(&arena, sizeof(*s));
    s->arena = arena;
    s->conn = c;
    s->base.ops = &ops;
    s->base.peer = &c->base.peer;
    s->base.arena = &s->arena;
    s->base.started = server->env->now;
    buf_init(&s->queue, SIZE_MAX);
    h1_parser_init(&s->parser, false, &s->arena, server->options.max_head, server->options.max_target);
    s->read_deadline = h1_deadline_in(c, server->options.read_timeout);
    s->write_deadline = INT64_MAX;
    c->stream = s;
    c->state = H1_HEAD;
    int64_t head = h1_deadline_in(c, server->options.read_header_timeout);
    h1_set_deadline(c, head < s->read_deadline ? head : s->read_deadline);
    if (server->draining)
        h1_hurry(c, LAST_HEAD_TIME);
}

static void refuse(struct h1_conn *c, const struct message_fault *fault)
{
    h1_send_fault(c, fault);
    h1_linger(c);
}

static void ignore(struct stream *s)
{
    (void)s;
}

static void ignore_why(struct stream *s, const char *why)
{
    (void)s;
    (void)why;
}

/* OPTIONS * is about the server itself (RFC 9110 section 9.3.7): it never gets to the owner. */
static void answer_options(struct h1_stream *s)
{
    static const struct stream_events events = {
        .on_writable = ignore, .on_done = ignore, .on_abort = ignore_why};
    struct fields none;

    fields_init(&none, &s->arena);
    s->base.events = &events;
    h1_stream_respond(&s->base, &(struct server_response){.status = 200, .fields = &none, .length = 0}, NULL,
                      0, true);
}

/* The head is complete and right: the owner gets it. */
static void dispatch(struct h1_conn *c)
{
    struct server *server = c->base.server;
    struct h1_stream *s = c->stream;
    const struct request *r = &s->base.request;

    c->state = H1_BUSY;
    s->content_ended = r->framing == FRAMING_NONE;
    s->left = r->length;
    s->wants_continue = r->expects_continue;
    chunked_init(&s->chunked);
    s->write_deadline = h1_deadline_in(c, server->options.write_timeout);
    h1_update_deadline(c);
    if (str_equal(r->parts.path, STR("*")))
        answer_options(s);
    else
        server->on_request(server->owner, &s->base);
}

static void give_if_empty(struct h1_conn *c)
{
    if (recv_buf_is_empty(&c->in))
        recv_buf_give(&c->in, &c->base.server->buffers);
}

/* A complete head is copied to where its stream lives. Requests under way need no buffer then: all of them
 * come through the one that is hot. */
void h1_read_head(struct h1_conn *c)
{
    if (c->stream == NULL)
        begin(c);
    struct h1_stream *s = c->stream;
    const char *data = c->in.data + c->in.start;
    enum h1_result result = h1_parse(&s->parser, data, c->in.end - c->in.start);

    if (result == H1_DONE) {
        data = arena_copy(&s->arena, (struct str){data, s->parser.head_len}).ptr;
        c->in.start += s->parser.head_len;
        give_if_empty(c);
        result = h1_parser_request(&s->parser, data, &s->base.request);
    }
    switch (result) {
    case H1_MORE: return;
    case H1_DONE: dispatch(c); return;
    case H1_BAD:
        s->base.request.method = (struct str){data + s->parser.method.start, s->parser.method.len};
        refuse(c, &s->parser.fault);
        return;
    }
}

/* The client sends nothing more. Whether it still listens only a write can tell. */
static void half_close(struct h1_conn *c)
{
    struct h1_stream *s = c->stream;

    s->close = s->half_closed = true;
    sock_want(c->sock, c->sock->want & ~(unsigned)SOCK_READ);
    h1_update_deadline(c);
}

/* No byte comes any more. Before a request, even behind the empty line that may stand there, that is no
 * fault. */
static void lost(struct h1_conn *c, bool reset)
{
    struct h1_stream *s = c->stream;

    switch (c->state) {
    case H1_HEAD:
        if (s->parser.has_start_line || s->parser.scanned > s->parser.line)
            h1_send_fault(c, &bad_request);
        h1_close(c, false);
        return;
    case H1_BUSY:
        if (s->content_ended && !reset)
            half_close(c);
        else
            h1_abort(c, "context canceled", s->content_ended ? NULL : &bad_request);
        return;
    case H1_IDLE:
    case H1_DRAIN:
    case H1_LINGER: h1_close(c, false); return;
    case H1_CLOSED: return;
    }
}

/* Does anybody want what the sock has? Not while bytes wait. While a response is awaited an end of the stream
 * is of interest, further bytes are not: those that come are the next request. */
static bool wants_bytes(const struct h1_conn *c)
{
    if (c->state != H1_BUSY)
        return true;
    const struct h1_stream *s = c->stream;
    return recv_buf_is_empty(&c->in) && (s->content_ended || (s->reading && !s->ended));
}

static void receive_lingering(struct h1_conn *c)
{
    char dropped[4096];
    size_t got;

    switch (sock_read(c->sock, dropped, sizeof(dropped), &got)) {
    case IO_OK:
    case IO_AGAIN: return; /* LINGER_TIME ends it */
    case IO_EOF:
    case IO_ERROR: h1_close(c, false); return;
    }
}

static void on_bytes(struct h1_conn *c)
{
    switch (c->state) {
    case H1_IDLE:
    case H1_HEAD: h1_read_head(c); return;
    case H1_BUSY: h1_deliver(c); return;
    case H1_DRAIN: h1_drop(c); return;
    case H1_LINGER:
    case H1_CLOSED: return;
    }
}

void h1_receive(struct h1_conn *c)
{
    size_t got;

    if (c->state == H1_LINGER) {
        receive_lingering(c);
        return;
    }
    if (!wants_bytes(c)) {
        sock_want(c->sock, c->sock->want & ~(unsigned)SOCK_READ);
        return;
    }
    recv_buf_make_room(&c->in, &c->base.server->buffers);
    switch (sock_read(c->sock, c->in.data + c->in.end, c->in.cap - c->in.end, &got)) {
    case IO_OK:
        c->in.end += got;
        on_bytes(c);
        break;
    case IO_AGAIN: break;
    case IO_EOF: lost(c, false); break;
    case IO_ERROR: lost(c, true); break;
    }
    give_if_empty(c);
}

/* Takes content off the buffer. False: its framing is broken. */
static bool take_content(struct h1_conn *c, struct iovec iov[SPANS_MAX], int *n)
{
    struct h1_stream *s = c->stream;
    char *data = c->in.data + c->in.start;
    size_t len = c->in.end - c->in.start, used;

    *n = 0;
    if (s->base.request.framing == FRAMING_CHUNKED) {
        enum chunked_result result = chunked_read(&s->chunked, data, len, &used, iov, SPANS_MAX, n);
        s->content_ended = result == CHUNKED_DONE;
        c->in.start += used;
        return result != CHUNKED_BAD;
    }
    used = len < s->left ? len : (size_t)s->left;
    if (used > 0)
        iov[(*n)++] = (struct iovec){data, used};
    s->left -= used;
    s->content_ended = s->left == 0;
    c->in.start += used;
    return true;
}

void h1_deliver(struct h1_conn *c)
{
    struct h1_stream *s = c->stream;
    struct iovec iov[SPANS_MAX];
    int n = 0;

    while (c->state == H1_BUSY && s->reading && !s->end_told && !s->ended && s->failure == NULL) {
        if (!s->content_ended) {
            if (recv_buf_is_empty(&c->in))
                return;
            if (!take_content(c, iov, &n)) {
                h1_abort(c, "malformed chunked encoding", &bad_request);
                return;
            }
        }
        if (n == 0 && !s->content_ended)
            continue;
        for (int i = 0; i < n; i++)
            s->base.received += iov[i].iov_len;
        s->end_told = s->content_ended;
        if (s->content_ended)
            h1_update_deadline(c);
        s->base.events->on_body(&s->base, iov, n, s->content_ended);
        n = 0;
    }
}

void h1_drop(struct h1_conn *c)
{
    struct iovec iov[SPANS_MAX];
    int n;

    while (!c->stream->content_ended) {
        if (recv_buf_is_empty(&c->in))
            return;
        size_t before = c->in.start;
        if (!take_content(c, iov, &n)) {
            h1_linger(c);
            return;
        }
        c->dropped += c->in.start - before;
        if (c->dropped > STREAM_DROP_MAX) {
            h1_linger(c);
            return;
        }
    }
    h1_next(c);
}

void h1_stream_read(struct stream *base, bool on)
{
    struct h1_stream *s = container_of(base, struct h1_stream, base);
    struct h1_conn *c = s->conn;

    s->reading = on;
    if (!on || s->end_told)
        return;
    if (s->wants_continue && !s->responded && recv_buf_is_empty(&c->in))
        h1_send_continue(s);
    s->wants_continue = false; /* content that is on its way was not waited for */
    sock_want(c->sock, c->sock->want | SOCK_READ);
    if (s->content_ended || !recv_buf_is_empty(&c->in))
        env_defer(c->base.server->env, &c->task);
}
