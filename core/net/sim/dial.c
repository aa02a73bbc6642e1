#include "net/sim/wire.h"

#include "base/mem.h"
#include <errno.h>

/* Where ports that nobody chose begin. */
enum { FIRST_PORT = 40000 };

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

uint16_t sim_draw_port(struct sim *sim)
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
        addr_set_port(&address, sim_draw_port(sim));
    l = find_listener(sim, &address);
    if (l && addr_equal(&l->at, &address)) {
        addr_format(&address, text);
        error_set(err, "listen tcp %s: bind: address already in use", text);
        return NULL;
    }
    l = mem_zalloc(sizeof(*l));
    l->listener =
        (struct listener){.env = env, .ops = &sim_listener_ops, .on_accept = on_accept, .owner = owner};
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
        struct end *server = wire_end_new(w, 1, END_OPEN);

        list_push_back(&l->backlog, &server->backlog);
        source_mark(w->sim, &l->source);
    }
    wire_end_mark(client);
}

static void on_establish(struct timer *t)
{
    establish(container_of(t, struct wire, establish));
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
    w = wire_new(sim, from, to, on_establish);
    client = wire_end_new(w, 0, END_CONNECTING);
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

struct sock *dial_connect(struct env *env, const struct addr *to, const struct dial_options *options,
                          int *error)
{
    (void)options;
    return sim_connect_from(env, NULL, to, error);
}

void dial_free(struct sim *sim)
{
    while (!list_is_empty(&sim->listeners))
        listener_close(&container_of(sim->listeners.next, struct sim_listener, link)->listener);
    while (!list_is_empty(&sim->socks))
        sock_close(&container_of(sim->socks.next, struct end, link)->sock);
    list_each (&sim->faults, link, after)
        mem_free(container_of(link, struct fault, link));
}
