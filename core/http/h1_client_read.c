/* What comes in on an upstream connection: heads, content, and what should not be there. */
#include "http/h1_client.h"

#include "http/errno_text.h"

enum {
    SPANS = 64,
    PIECES_IN_A_TURN = 16, /* of decoded content: a few bytes may become very many */
    COLLECTED_PIECE = 65536,
    PACKED_RATIO = 4, /* what gzip makes of text, about */
    COLLECTED_WITH_HEAD = 16384,
};

static void fail_reading(struct h1_client *c)
{
    char peer[ADDR_TEXT_MAX], why[ERRNO_TEXT_MAX];
    int len = (int)addr_format(&c->peer, peer);
    struct str text =
        arena_printf(c->arena, "read tcp %.*s: read: %s", len, peer, errno_text(c->sock->error, why));

    h1_client_fail(c, FETCH_CLOSED, text.ptr);
}

/* The content ended with the connection, where it should have gone on. */
static void fail_cut(struct h1_client *c)
{
    h1_client_fail(c, FETCH_CLOSED, c->answered ? "unexpected EOF" : "EOF");
}

static void fail_content(struct h1_client *c, enum content_result result)
{
    if (result == CONTENT_BAD)
        h1_client_fail(c, FETCH_MALFORMED, "malformed chunked encoding");
    else if (result == CONTENT_CUT)
        h1_client_fail(c, FETCH_CUT, "unexpected EOF");
    else if (result == CONTENT_EXCESS)
        h1_client_fail(c, FETCH_CUT, "gzip: invalid data behind it");
    else
        h1_client_fail(c, FETCH_DECODE, "gzip: invalid data");
}

/* The response is complete. The owner is told last: it may free everything, or ask for more on this very
 * connection. */
static void finish(struct h1_client *c, const struct iovec *iov, int n)
{
    const struct h1_client_events *events = c->events;
    struct recv_cache *buffers = &c->context->buffers;
    struct recv_buf spent = c->in;
    void *owner = c->owner;

    if (!recv_buf_is_empty(&spent))
        c->close = true; /* more than we asked for */
    c->in = (struct recv_buf){.data = NULL};
    h1_client_release(c);
    events->on_content(owner, iov, n, true);
    recv_buf_give(&spent, buffers);
}

/* Hands a piece to the owner. False: the connection is closed. */
static bool tell(struct h1_client *c, const struct iovec *iov, int n)
{
    if (n > 0 || !c->told) {
        c->told = true;
        c->events->on_content(c->owner, iov, n, false);
    }
    return c->state != H1_CLIENT_CLOSED;
}

/* What came before the fault, and so the head at least, is told all the same: whether it came at once with
 * the fault must not matter. */
static void end_with_fault(struct h1_client *c, enum content_result result, const struct iovec *iov, int n)
{
    if (tell(c, iov, n))
        fail_content(c, result);
}

/* Spans of the receive buffer. */
static void hand_out(struct h1_client *c)
{
    enum content_result result;
    struct iovec iov[SPANS];
    int n;

    do {
        if (c->paused) {
            c->held = true;
            return;
        }
        result = h1_content_spans(&c->content, &c->in, iov, SPANS, &n);
        if (result == CONTENT_END) {
            finish(c, iov, n);
            return;
        }
        if (result == CONTENT_BAD) {
            end_with_fault(c, result, iov, n);
            return;
        }
        if (!tell(c, iov, n))
            return;
    } while (result == CONTENT_FULL);
    recv_buf_give(&c->in, &c->context->buffers);
}

/* The owner has paused it, or others are to have their turn first. */
static bool waits(struct h1_client *c, int pieces)
{
    if (!c->paused && pieces < PIECES_IN_A_TURN)
        return false;
    c->held = true;
    if (!c->paused)
        env_defer(c->context->env, &c->task);
    return true;
}

/* Decoded pieces, each in the same buffer. */
static void hand_out_decoded(struct h1_client *c, struct recv_buf *piece)
{
    for (int pieces = 0;; pieces++) {
        enum content_result result;
        struct iovec iov;
        size_t got;

        if (waits(c, pieces))
            return;
        result = h1_content_fill(&c->content, &c->in, piece->data, piece->cap, &got);
        iov = (struct iovec){piece->data, got};
        if (result == CONTENT_END) {
            finish(c, &iov, got > 0);
            return;
        }
        if (result != CONTENT_MORE && result != CONTENT_FULL) {
            end_with_fault(c, result, &iov, got > 0);
            return;
        }
        if (!tell(c, &iov, got > 0))
            return;
        if (result == CONTENT_MORE)
            break;
    }
    recv_buf_give(&c->in, &c->context->buffers);
}

/* Adds a piece to the collection; at its limit only one byte is asked for, to see whether there is more. */
static enum content_result collect_some(struct h1_client *c, bool *too_large)
{
    enum content_result result;
    char probe;
    size_t got, room;

    if (!collect_grow(&c->collect)) {
        result = h1_content_fill(&c->content, &c->in, &probe, 1, &got);
        *too_large = got > 0;
        return result;
    }
    room = c->collect.cap - c->collect.len;
    result = h1_content_fill(&c->content, &c->in, c->collect.data + c->collect.len,
                             room < COLLECTED_PIECE ? room : COLLECTED_PIECE, &got);
    c->collect.len += got;
    return result;
}

static void fail_too_large(struct h1_client *c)
{
    struct str text = arena_printf(c->arena, "content is larger than %zu bytes", c->collect.max);

    h1_client_fail(c, FETCH_TOO_LARGE, text.ptr);
}

static void finish_collection(struct h1_client *c)
{
    struct iovec iov = {c->collect.data, c->collect.len};

    finish(c, &iov, c->collect.len > 0);
}

static void collect_content(struct h1_client *c)
{
    enum content_result result = CONTENT_FULL;
    bool too_large = false;

    for (int pieces = 0; result == CONTENT_FULL; pieces++) {
        if (waits(c, pieces))
            return;
        result = collect_some(c, &too_large);
        if (too_large) {
            fail_too_large(c);
            return;
        }
    }
    if (result == CONTENT_END)
        finish_collection(c);
    else if (result == CONTENT_MORE)
        recv_buf_give(&c->in, &c->context->buffers);
    else
        fail_content(c, result);
}

void h1_client_go_on(struct h1_client *c)
{
    struct recv_cache *buffers = &c->context->buffers;
    struct recv_buf piece = {.data = NULL};

    c->held = false;
    if (c->collects) {
        collect_content(c);
    } else if (c->content.gunzip == NULL) {
        hand_out(c);
    } else {
        recv_buf_make_room(&piece, buffers);
        hand_out_decoded(c, &piece);
        recv_buf_give(&piece, buffers);
    }
}

/* Prepares memory for the whole content, as far as its size is known. False: it is too large, and that was
 * told. */
static bool start_collecting(struct h1_client *c, size_t max)
{
    const struct response *r = c->response;
    size_t waiting = c->in.end - c->in.start, size = waiting;

    c->collect = (struct collect){.data = NULL};
    if (r->framing == FRAMING_LENGTH) {
        size = r->length < max ? (size_t)r->length : max;
        c->collect.max = max;
        if (c->content.gunzip == NULL && r->length > max) {
            fail_too_large(c);
            return false;
        }
    }
    if (c->content.gunzip != NULL)
        size = size < max / PACKED_RATIO ? size * PACKED_RATIO : max;
    collect_init(&c->collect, c->arena, size, max);
    return true;
}

/* The final head is complete. */
static void begin_content(struct h1_client *c)
{
    const struct response *r = c->response;
    bool gunzip = false;
    size_t collect = 0;

    timer_stop(c->context->env, &c->timer);
    c->state = H1_CLIENT_CONTENT;
    if (!r->keep_alive)
        c->close = true;
    if ((r->status >= 300 || c->out->held) && !outgoing_is_complete(c->out)) {
        outgoing_drop(c->out); /* it has its answer without the rest */
        c->blocked = false;
    }
    if (!c->events->on_head(c->owner, &gunzip, &collect))
        return;
    h1_content_init(&c->content, c->response, gunzip);
    c->collects = collect > 0 && r->framing != FRAMING_NONE;
    if (c->collects && !start_collecting(c, collect))
        return;
    if (gunzip) { /* as the owner sees it, the length is not known */
        c->response->framing = FRAMING_CHUNKED;
        c->response->length = 0;
    }
    h1_client_go_on(c);
}

/* An informational response: 100 (Continue) is for us, the others are the owner's. False: too many of them,
 * or the owner wants no more. */
static bool take_interim(struct h1_client *c)
{
    c->head_bytes += c->parser.head_len;
    if (c->head_bytes > c->context->options->max_head) {
        h1_client_fail(c, FETCH_MALFORMED, "malformed HTTP response: too many informational responses");
        return false;
    }
    if (c->response->status != 100)
        c->events->on_interim(c->owner);
    else if (c->out->held)
        h1_client_send_held(c);
    if (c->state == H1_CLIENT_CLOSED)
        return false;
    h1_parser_restart(&c->parser);
    return true;
}

static void fail_head(struct h1_client *c)
{
    const char *why = c->parser.fault.status == 431 ? "too large" : c->parser.fault.text;
    const char *colon = why[0] != '\0' ? ": " : "";

    h1_client_fail(c, FETCH_MALFORMED, arena_printf(c->arena, "malformed HTTP response%s%s", colon, why).ptr);
}

/* Takes one head from the buffer and copies it to where it lives: as long as its owner, or for its event if
 * it is informational. */
static enum h1_result take_head(struct h1_client *c, struct arena *brief)
{
    const char *data = c->in.data + c->in.start;
    enum h1_result result = h1_parse(&c->parser, data, c->in.end - c->in.start);
    struct str copy;

    if (result != H1_DONE)
        return result;
    c->parser.arena = c->parser.status < 200 ? brief : c->arena;
    copy = arena_copy(c->parser.arena, (struct str){data, c->parser.head_len});
    c->in.start += c->parser.head_len;
    result = h1_parser_response(&c->parser, copy.ptr, c->method, c->response);
    c->parser.arena = c->arena;
    return result;
}

/* True: the next one may follow. */
static bool read_one_head(struct h1_client *c)
{
    struct arena brief;
    bool more = false;

    arena_init(&brief, NULL);
    switch (take_head(c, &brief)) {
    case H1_MORE: break;
    case H1_BAD: fail_head(c); break;
    case H1_DONE:
        if (c->response->status < 200)
            more = take_interim(c);
        else
            begin_content(c);
        break;
    }
    arena_fini(&brief);
    return more;
}

static void read_heads(struct h1_client *c)
{
    while (!recv_buf_is_empty(&c->in)) {
        if (!read_one_head(c))
            return;
    }
    recv_buf_give(&c->in, &c->context->buffers);
}

/* Content that came with the head is copied to where it is collected; what comes later goes there directly.
 */
static void read_head(struct h1_client *c)
{
    switch (h1_client_receive(c, c->collects ? COLLECTED_WITH_HEAD : SIZE_MAX)) {
    case IO_AGAIN: return;
    case IO_OK:
        c->answered = true;
        read_heads(c);
        return;
    case IO_EOF: fail_cut(c); return;
    case IO_ERROR: fail_reading(c); return;
    }
}

/* Content of known length goes straight to where it is collected. */
static void read_directly(struct h1_client *c)
{
    size_t got = 0;

    switch (sock_read(c->sock, c->collect.data + c->collect.len, (size_t)c->content.left, &got)) {
    case IO_AGAIN: return;
    case IO_OK:
        c->collect.len += got;
        c->content.left -= got;
        if (c->content.left == 0)
            finish_collection(c);
        return;
    case IO_EOF: fail_cut(c); return;
    case IO_ERROR: fail_reading(c); return;
    }
}

static void read_content(struct h1_client *c)
{
    if (c->collects && c->content.framing == FRAMING_LENGTH && c->content.gunzip == NULL) {
        read_directly(c);
        return;
    }
    switch (h1_client_receive(c, SIZE_MAX)) {
    case IO_AGAIN: return;
    case IO_OK: h1_client_go_on(c); return;
    case IO_EOF:
        if (h1_content_close(&c->content))
            h1_client_go_on(c);
        else
            fail_cut(c);
        return;
    case IO_ERROR: fail_reading(c); return;
    }
}

void h1_client_read(struct h1_client *c)
{
    switch (c->state) {
    case H1_CLIENT_IDLE: h1_client_read_idle(c); return;
    case H1_CLIENT_HEAD:
        if (!c->paused)
            read_head(c);
        return;
    case H1_CLIENT_CONTENT:
        if (!c->paused && !c->held)
            read_content(c);
        return;
    case H1_CLIENT_DRAIN: h1_client_read_drained(c); return;
    case H1_CLIENT_CLOSED: return;
    }
}
