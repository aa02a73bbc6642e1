#include "net/sim/wire.h"

#include "base/mem.h"
#include <errno.h>
#include <string.h>

static struct end *end_of(struct sock *s)
{
    return container_of(s, struct end, sock);
}

static struct sim_stream *incoming(const struct end *e)
{
    return &e->wire->streams[1 - e->side];
}

static struct sim_stream *outgoing(const struct end *e)
{
    return &e->wire->streams[e->side];
}

/* --- readiness --------------------------------------------------------------------------------- */

static unsigned end_ready(const struct end *e)
{
    switch (e->state) {
    case END_CONNECTING: return 0;
    case END_REFUSED: return SOCK_READ | SOCK_WRITE;
    case END_OPEN: break;
    }
    return (sim_stream_is_readable(incoming(e)) ? SOCK_READ : 0) |
           (sim_stream_is_writable(outgoing(e)) ? SOCK_WRITE : 0);
}

void wire_end_mark(struct end *e)
{
    if (e && (end_ready(e) & e->sock.want))
        source_mark(e->wire->sim, &e->source);
}

static void run_end(struct source *source)
{
    struct end *e = container_of(source, struct end, source);
    unsigned ready = end_ready(e) & e->sock.want;

    if (!ready)
        return;
    sim_note(sim_of(e->sock.env), ready);
    e->sock.on_ready(&e->sock, ready);
    /* Level-triggered; a closed end wants nothing. */
    if (e->sock.want)
        wire_end_mark(e);
}

/* --- the two streams ----------------------------------------------------------------------------- */

static void on_arrival(struct wire *w, unsigned from, enum piece_kind kind)
{
    struct end *reader = w->ends[1 - from];

    switch (kind) {
    case PIECE_DATA:
        if (!reader) {
            /* Nobody is there to read it. */
            sim_stream_discard(&w->streams[from]);
            sim_stream_finish(&w->streams[1 - from], PIECE_RESET);
        }
        break;
    case PIECE_END: break;
    case PIECE_RESET:
        w->streams[from].broken = true;
        sim_stream_break(&w->streams[1 - from]);
        break;
    }
    wire_end_mark(w->ends[0]);
    wire_end_mark(w->ends[1]);
}

static void on_arrival_up(struct sim_stream *s, enum piece_kind kind)
{
    on_arrival(container_of(s, struct wire, streams[0]), 0, kind);
}

static void on_arrival_down(struct sim_stream *s, enum piece_kind kind)
{
    on_arrival(container_of(s, struct wire, streams[1]), 1, kind);
}

static void note_bytes(struct sim *sim, const unsigned char *bytes, size_t len)
{
    uint64_t hash = len;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    sim_note(sim, hash);
    sim->spins = 0;
}

/* --- socks ------------------------------------------------------------------------------------- */

static enum io refused_or_again(struct end *e)
{
    if (e->state != END_REFUSED)
        return IO_AGAIN;
    e->sock.error = ECONNREFUSED;
    return IO_ERROR;
}

static enum io end_read(struct sock *s, void *dst, size_t cap, size_t *got)
{
    struct end *e = end_of(s);
    enum io io;

    *got = 0;
    if (e->state != END_OPEN)
        return refused_or_again(e);
    io = sim_stream_read(incoming(e), dst, cap, got, &s->error);
    if (io == IO_OK) {
        note_bytes(e->wire->sim, dst, *got);
        wire_end_mark(e->wire->ends[1 - e->side]);
    }
    return io;
}

static enum io end_write(struct sock *s, const struct iovec *iov, int count, size_t *sent)
{
    struct end *e = end_of(s);

    *sent = 0;
    if (e->state != END_OPEN)
        return refused_or_again(e);
    return sim_stream_write(outgoing(e), iov, count, sent, &s->error);
}

static void end_want(struct sock *s, unsigned events)
{
    (void)events;
    wire_end_mark(end_of(s));
}

static void end_shutdown(struct sock *s)
{
    if (end_of(s)->state == END_OPEN)
        sim_stream_finish(outgoing(end_of(s)), PIECE_END);
}

static void wire_free(void *ptr)
{
    struct wire *w = ptr;

    sim_stream_fini(&w->streams[0]);
    sim_stream_fini(&w->streams[1]);
    timer_fini(&w->sim->env, &w->establish);
    mem_free(w);
}

static void wire_release(struct wire *w)
{
    timer_stop(&w->sim->env, &w->streams[0].timer);
    timer_stop(&w->sim->env, &w->streams[1].timer);
    timer_stop(&w->sim->env, &w->establish);
    env_release_with(&w->sim->env, wire_free, w);
}

static void end_close(struct sock *s, bool reset)
{
    struct end *e = end_of(s);
    struct wire *w = e->wire;

    source_unmark(&e->source);
    list_remove(&e->link);
    list_remove(&e->backlog);
    w->ends[e->side] = NULL;
    if (e->state == END_OPEN) {
        bool lost = sim_stream_has_data(incoming(e));

        sim_stream_discard(incoming(e));
        sim_stream_finish(outgoing(e), reset || lost ? PIECE_RESET : PIECE_END);
    }
    if (!w->ends[0] && !w->ends[1])
        wire_release(w);
    env_release(s->env, e);
}

static bool end_connected(struct sock *s)
{
    if (end_of(s)->state == END_REFUSED)
        s->error = ECONNREFUSED;
    return end_of(s)->state == END_OPEN;
}

static void end_addrs(struct sock *s, struct addr *peer, struct addr *local)
{
    struct end *e = end_of(s);

    if (peer)
        *peer = e->wire->addrs[1 - e->side];
    if (local)
        *local = e->wire->addrs[e->side];
}

static const struct sock_ops end_ops = {
    .read = end_read,
    .write = end_write,
    .want = end_want,
    .shutdown = end_shutdown,
    .close = end_close,
    .connected = end_connected,
    .addrs = end_addrs,
};

struct end *wire_end_new(struct wire *w, unsigned side, enum end_state state)
{
    struct end *e = mem_zalloc(sizeof(*e));

    e->sock.env = &w->sim->env;
    e->sock.ops = &end_ops;
    e->wire = w;
    e->side = side;
    e->state = state;
    source_init(w->sim, &e->source, run_end);
    list_push_back(&w->sim->socks, &e->link);
    list_init(&e->backlog);
    w->ends[side] = e;
    return e;
}

void sim_fault_sock(struct sock *s, const struct sim_fault *fault)
{
    sim_stream_set_fault(outgoing(end_of(s)), fault);
}

/* --- life -------------------------------------------------------------------------------------- */

struct wire *wire_new(struct sim *sim, const struct addr *from, const struct addr *to,
                      void (*on_establish)(struct timer *t))
{
    struct wire *w = mem_zalloc(sizeof(*w));

    w->sim = sim;
    sim_stream_init(&w->streams[0], &sim->env, on_arrival_up);
    sim_stream_init(&w->streams[1], &sim->env, on_arrival_down);
    timer_init(&w->establish, on_establish);
    if (from)
        w->addrs[0] = *from;
    else
        addr_parse(&w->addrs[0], to->ss.ss_family == AF_INET ? STR("127.0.0.1") : STR("::1"), 0);
    if (addr_port(&w->addrs[0]) == 0)
        addr_set_port(&w->addrs[0], sim_draw_port(sim));
    w->addrs[1] = *to;
    return w;
}
