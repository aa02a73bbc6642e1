#include "net/sim/stream.h"

#include "base/mem.h"
#include <errno.h>
#include <string.h>

enum { WINDOW_DEFAULT = 256 * 1024 };

/* --- arriving ---------------------------------------------------------------------------------- */

/* Lets arrive what is due, and waits for the next. */
static void advance(struct sim_stream *s)
{
    while (s->arrived < s->count && s->pieces[s->arrived].at <= s->env->now)
        s->on_arrival(s, s->pieces[s->arrived++].kind);
    if (s->arrived < s->count && s->pieces[s->arrived].at != INT64_MAX)
        timer_start(s->env, &s->timer, s->pieces[s->arrived].at - s->env->now);
}

static void on_timer(struct timer *t)
{
    advance(container_of(t, struct sim_stream, timer));
}

/* --- life -------------------------------------------------------------------------------------- */

void sim_stream_init(struct sim_stream *s, struct env *env,
                     void (*on_arrival)(struct sim_stream *s, enum piece_kind kind))
{
    *s = (struct sim_stream){.env = env, .on_arrival = on_arrival};
    buf_init(&s->bytes, SIZE_MAX);
    timer_init(&s->timer, on_timer);
}

void sim_stream_fini(struct sim_stream *s)
{
    timer_fini(s->env, &s->timer);
    buf_fini(&s->bytes);
    mem_free(s->pieces);
}

void sim_stream_set_fault(struct sim_stream *s, const struct sim_fault *fault)
{
    s->fault = fault ? *fault : (struct sim_fault){0};
    s->counted = 0;
}

/* --- writing ----------------------------------------------------------------------------------- */

static void push(struct sim_stream *s, enum piece_kind kind, size_t len, int64_t at)
{
    struct piece *last = s->count > s->first ? &s->pieces[s->count - 1] : NULL;

    s->last_at = at;
    if (last && kind == PIECE_DATA && last->kind == PIECE_DATA && last->at == at && !s->fault.split) {
        last->len += len;
        if (s->arrived == s->count)
            s->on_arrival(s, kind);
        return;
    }
    if (s->count == s->cap && s->first > s->cap / 2) {
        memmove(s->pieces, s->pieces + s->first, (s->count - s->first) * sizeof(*s->pieces));
        s->arrived -= s->first;
        s->count -= s->first;
        s->first = 0;
    } else if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 4;
        s->pieces = mem_realloc(s->pieces, s->cap * sizeof(*s->pieces));
    }
    s->pieces[s->count++] = (struct piece){kind, len, at};
}

/* When a piece written now arrives. */
static int64_t arrival(const struct sim_stream *s)
{
    int64_t now = s->env->now, at = now + s->fault.delay;

    if (s->fault.stall_at && s->counted >= s->fault.stall_at)
        return INT64_MAX;
    if (s->last_at == INT64_MAX)
        return s->last_at;
    if (s->fault.split && s->last_at > now)
        return s->last_at + s->fault.delay;
    return at > s->last_at ? at : s->last_at;
}

static size_t at_most(size_t len, size_t limit)
{
    return len < limit ? len : limit;
}

static void finish_at(struct sim_stream *s, enum piece_kind kind, int64_t at)
{
    s->ended = true;
    s->reset = kind == PIECE_RESET;
    push(s, kind, 0, at);
}

/* The bytes of one write, which are in the buffer already, as pieces. */
static void cut(struct sim_stream *s, size_t len)
{
    const struct sim_fault *f = &s->fault;

    while (len > 0 && !s->ended) {
        size_t piece = f->split ? at_most(len, f->split) : len;

        if (f->stall_at > s->counted)
            piece = at_most(piece, f->stall_at - s->counted);
        if (f->reset_at > s->counted)
            piece = at_most(piece, f->reset_at - s->counted);
        push(s, PIECE_DATA, piece, arrival(s));
        s->counted += piece;
        len -= piece;
        if (s->counted == f->reset_at)
            finish_at(s, PIECE_RESET, s->last_at);
    }
}

static size_t room(const struct sim_stream *s)
{
    size_t window = s->fault.window ? s->fault.window : WINDOW_DEFAULT;
    size_t queued = buf_len(&s->bytes);

    return queued < window ? window - queued : 0;
}

bool sim_stream_is_writable(const struct sim_stream *s)
{
    return s->broken || s->ended || room(s) > 0;
}

/* Bytes of a write behind a reset are taken too, as a kernel would, and lost. */
static size_t buffer(struct sim_stream *s, const struct iovec *iov, int count)
{
    const struct sim_fault *f = &s->fault;
    size_t left = room(s), taken = 0;
    size_t kept = f->reset_at > s->counted ? f->reset_at - s->counted : SIZE_MAX;

    for (int i = 0; i < count && left > 0; i++) {
        size_t len = at_most(iov[i].iov_len, left);

        (void)!buf_append(&s->bytes, iov[i].iov_base, at_most(len, kept));
        kept -= at_most(len, kept);
        left -= len;
        taken += len;
    }
    return taken;
}

enum io sim_stream_write(struct sim_stream *s, const struct iovec *iov, int count, size_t *sent, int *error)
{
    *sent = 0;
    if (s->broken || s->ended) {
        *error = s->broken ? ECONNRESET : EPIPE;
        return IO_ERROR;
    }
    if (room(s) == 0)
        return IO_AGAIN;
    *sent = buffer(s, iov, count);
    cut(s, *sent);
    advance(s);
    return IO_OK;
}

void sim_stream_finish(struct sim_stream *s, enum piece_kind kind)
{
    if (s->broken || s->reset || (s->ended && kind == PIECE_END))
        return;
    finish_at(s, kind, arrival(s));
    advance(s);
}

/* --- reading ----------------------------------------------------------------------------------- */

bool sim_stream_is_readable(const struct sim_stream *s)
{
    return s->first < s->arrived;
}

bool sim_stream_has_data(const struct sim_stream *s)
{
    return s->first < s->arrived && s->pieces[s->first].kind == PIECE_DATA;
}

static void consume(struct sim_stream *s, size_t len)
{
    struct piece *p = &s->pieces[s->first];

    buf_consume(&s->bytes, len);
    p->len -= len;
    if (p->len == 0)
        s->first++;
    if (s->first == s->count)
        s->first = s->arrived = s->count = 0;
}

enum io sim_stream_read(struct sim_stream *s, void *dst, size_t cap, size_t *got, int *error)
{
    *got = 0;
    if (!sim_stream_is_readable(s))
        return IO_AGAIN;
    switch (s->pieces[s->first].kind) {
    case PIECE_DATA: break;
    case PIECE_END: return IO_EOF;
    case PIECE_RESET: *error = ECONNRESET; return IO_ERROR;
    }
    while (*got < cap && sim_stream_has_data(s)) {
        size_t len = at_most(cap - *got, s->pieces[s->first].len);

        memcpy((char *)dst + *got, buf_head(&s->bytes), len);
        *got += len;
        consume(s, len);
        if (s->fault.split)
            break;
    }
    return IO_OK;
}

void sim_stream_discard(struct sim_stream *s)
{
    while (sim_stream_has_data(s))
        consume(s, s->pieces[s->first].len);
}

void sim_stream_break(struct sim_stream *s)
{
    if (s->broken)
        return;
    s->broken = s->ended = true;
    timer_stop(s->env, &s->timer);
    s->count = s->arrived;
    /* As in Linux, an end that has arrived stays what reading sees. */
    if (s->count > s->first && s->pieces[s->count - 1].kind != PIECE_DATA)
        return;
    push(s, PIECE_RESET, 0, s->env->now);
    advance(s);
}
