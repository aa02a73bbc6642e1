#include "base/mem.h"
#include "net/sim/state.h"
#include "net/sim/stream.h"
#include <errno.h>
#include <string.h>

/* Where ports that nobody chose begin. */
enum { FIRST_PORT = 40000 };

struct end;

/* A connection: side 0 connected, side 1 accepted. It lives as long as one of its ends. */
struct wire {
    struct sim *sim;
    struct end *ends[2];          /* NULL: closed, or not accepted yet */
    struct sim_stream streams[2]; /* [i]: what side i sends */
    struct addr addrs[2];         /* of side i */
    struct timer establish;       /* the end of connecting */
    bool refuse;
};

enum end_state { END_CONNECTING, END_OPEN, END_REFUSED };

struct end {
    struct sock sock;
    struct source source;
    struct list link;    /* of all socks */
    struct list backlog; /* of the listener, until it is accepted */
    struct wire *wire;
    unsigned side;
    enum end_state state;
};

struct sim_listener {
    struct listener listener;
    struct source source;
    struct list link;
    struct list backlog;
    struct addr at;
    bool closed;
};

struct fault {
    struct list link;
    struct addr at;
    struct sim_fault up, down;
};

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

static void end_mark(struct end *e)
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
        end_mark(e);
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
    end_mark(w->ends[0]);
    end_mark(w->ends[1]);
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
        end_mark(e->wire->ends[1 - e->side]);
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
    end_mark(end_of(s));
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

static struct end *end_new(struct wire *w, unsigned side, enum end_state state)
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

/* --- listening --------------------------------------------------------------------------------- */

static bool is_any(const struct addr *a)
{
    char ip[ADDR_TEXT_MAX];
    struct str text = {ip, addr_format_ip(a, ip)};

    return str_equal(text, STR("::")) || str_equal(text, STR("0.0.0.0"));
}

static struct sim_listener *find_listener(struct sim *sim, const struct addr *to)
{
    struct sim_listener *any = NULL;

    list_each (&sim->listeners, link, after) {
        struct sim_listener *l = container_of(link, struct sim_listener, link);

        if (addr_equal(&l->at, to))
            return l;
        if (is_any(&l->at) && addr_port(&l->at) == addr_port(to))
            any = l;
    }
    return any;
}

static void run_listener(struct source *source)
{
    struct sim_listener *l = container_of(source, struct sim_listener, source);

    while (!list_is_empty(&l->backlog)) {
        struct end *e = container_of(l->backlog.next, struct end, backlog);

        list_remove(&e->backlog);
        l->listener.on_accept(&l->listener, &e->sock);
    }
}

static void close_listener(struct listener *listener)
{
    struct sim_listener *l = container_of(listener, struct sim_listener, listener);

    if (l->closed)
        return;
    l->closed = true;
    while (!list_is_empty(&l->backlog))
        sock_reset(&container_of(l->backlog.next, struct end, backlog)->sock);
    source_unmark(&l->source);
    list_remove(&l->link);
    env_release(listener->env, l);
}

static const struct listener_ops sim_listener_ops = {.close = close_listener};

static uint16_t draw_port(struct sim *sim)
{
    if (sim->last_port < FIRST_PORT || sim->last_port == UINT16_MAX)
        sim->last_port = FIRST_PORT - 1;
    return ++sim->last_port;
}

struct listener *sim_listen(struct env *env, const struct addr *at,
                            void (*on_accept)(struct listener *, struct sock *), void *owner,
                            struct error *err)
{
    struct sim *sim = sim_of(env);
    struct addr address = *at;
    struct sim_listener *l;
    char text[ADDR_TEXT_MAX];

    while (addr_port(at) == 0 && (addr_port(&address) == 0 || find_listener(sim, &address)))
        addr_set_port(&address, draw_port(sim));
    l = find_listener(sim, &address);
    if (l && addr_equal(&l->at, &address)) {
        addr_format(&address, text);
        error_set(err, "listen tcp %s: bind: address already in use", text);
        return NULL;
    }
    l = mem_zalloc(sizeof(*l));
    l->listener = (struct listener){env, &sim_listener_ops, on_accept, owner};
    l->at = address;
    source_init(sim, &l->source, run_listener);
    list_init(&l->backlog);
    list_push_back(&sim->listeners, &l->link);
    return &l->listener;
}

void sim_listener_addr(struct listener *l, struct addr *at)
{
    *at = container_of(l, struct sim_listener, listener)->at;
}

/* --- connecting -------------------------------------------------------------------------------- */

static struct fault *find_fault(struct sim *sim, const struct addr *at)
{
    list_each (&sim->faults, link, after) {
        struct fault *f = container_of(link, struct fault, link);

        if (addr_equal(&f->at, at))
            return f;
    }
    return NULL;
}

void sim_fault_addr(struct env *env, const struct addr *at, const struct sim_fault *up,
                    const struct sim_fault *down)
{
    struct sim *sim = sim_of(env);
    struct fault *f = find_fault(sim, at);

    if (!f) {
        f = mem_zalloc(sizeof(*f));
        f->at = *at;
        list_push_back(&sim->faults, &f->link);
    }
    f->up = up ? *up : (struct sim_fault){0};
    f->down = down ? *down : (struct sim_fault){0};
}

static void establish(struct wire *w)
{
    struct end *client = w->ends[0];
    struct sim_listener *l = w->refuse ? NULL : find_listener(w->sim, &w->addrs[1]);

    client->state = l ? END_OPEN : END_REFUSED;
    if (l) {
        struct end *server = end_new(w, 1, END_OPEN);

        list_push_back(&l->backlog, &server->backlog);
        source_mark(w->sim, &l->source);
    }
    end_mark(client);
}

static void on_establish(struct timer *t)
{
    establish(container_of(t, struct wire, establish));
}

static struct wire *wire_new(struct sim *sim, const struct addr *from, const struct addr *to)
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
        addr_set_port(&w->addrs[0], draw_port(sim));
    w->addrs[1] = *to;
    return w;
}

struct sock *sim_connect_from(struct env *env, const struct addr *from, const struct addr *to, int *error)
{
    struct sim *sim = sim_of(env);
    struct fault *f = find_fault(sim, to);
    struct wire *w;
    struct end *client;

    if (to->ss.ss_family != AF_INET && to->ss.ss_family != AF_INET6) {
        if (error)
            *error = EAFNOSUPPORT;
        return NULL;
    }
    w = wire_new(sim, from, to);
    client = end_new(w, 0, END_CONNECTING);
    sim_stream_set_fault(&w->streams[0], f ? &f->up : NULL);
    sim_stream_set_fault(&w->streams[1], f ? &f->down : NULL);
    w->refuse = f && f->up.refuse;
    if (f && f->up.hang)
        return &client->sock;
    if (f && f->up.connect_delay > 0)
        timer_start(env, &w->establish, f->up.connect_delay);
    else
        establish(w);
    return &client->sock;
}

struct sock *wire_connect(struct env *env, const struct addr *to, const struct dial_options *options,
                          int *error)
{
    (void)options;
    return sim_connect_from(env, NULL, to, error);
}

void wires_free(struct sim *sim)
{
    while (!list_is_empty(&sim->listeners))
        listener_close(&container_of(sim->listeners.next, struct sim_listener, link)->listener);
    while (!list_is_empty(&sim->socks))
        sock_close(&container_of(sim->socks.next, struct end, link)->sock);
    list_each (&sim->faults, link, after)
        mem_free(container_of(link, struct fault, link));
}
