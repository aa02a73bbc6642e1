/* The server in the simulator: a client sends any bytes in pieces, the owner of the streams does what the
 * first bytes say. Every stream ends once, nothing spins, and nothing is left. */
#include "http/server.h"
#include "net/sim/sim.h"
#include "split.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct world {
    struct env *env;
    struct server *server;
    struct sock *client;
    uint8_t plan;
    bool slow; /* the client reads only after it has sent everything */
    int open;  /* streams */
    char content[100000];
};

static struct world *world_of(struct stream *s)
{
    return s->owner;
}

static void answer(struct stream *s)
{
    struct world *w = world_of(s);
    struct fields fields;
    struct iovec iov[3] = {
        {w->content, 3}, {NULL, 0}, {w->content, (w->plan & 8) != 0 ? sizeof(w->content) : 5}};
    struct server_response r = {.status = (w->plan & 16) != 0 ? 204 : 200, .fields = &fields, .length = -1};

    fields_init(&fields, s->arena);
    field_add_id(&fields, FIELD_CONTENT_TYPE, STR("text/plain"));
    if ((w->plan & 4) == 0) {
        stream_respond(s, &r, iov, 3, true);
        return;
    }
    stream_respond(s, &r, iov, 3, false);
    stream_write(s, iov, 3, false);
    if ((w->plan & 32) != 0)
        stream_cut(s);
    else
        stream_write(s, iov, 3, true);
}

static void on_body(struct stream *s, const struct iovec *iov, int n, bool end)
{
    uint64_t sum = 0;

    for (int i = 0; i < n; i++) {
        for (size_t j = 0; j < iov[i].iov_len; j++)
            sum += ((const unsigned char *)iov[i].iov_base)[j];
    }
    assert(sum < UINT64_MAX);
    if (end || (world_of(s)->plan & 64) != 0) {
        stream_read(s, false);
        answer(s);
    }
}

static void on_writable(struct stream *s)
{
    assert(s->request.method.len > 0);
}

static void on_done(struct stream *s)
{
    assert(--world_of(s)->open == 0);
}

static void on_abort(struct stream *s, const char *why)
{
    assert(why != NULL && --world_of(s)->open == 0);
}

static void on_request(void *owner, struct stream *s)
{
    static const struct stream_events events = {on_body, on_writable, on_done, on_abort};
    struct world *w = owner;

    assert(++w->open == 1);
    s->owner = w;
    s->events = &events;
    if ((w->plan & 1) != 0)
        stream_read(s, true);
    else if ((w->plan & 2) == 0)
        answer(s);
}

static void on_accept(struct listener *l, struct sock *s)
{
    struct world *w = l->owner;

    if (w->slow)
        sim_fault_sock(s, &(struct sim_fault){.window = 1000});
    server_accept(w->server, s);
}

static void on_client(struct sock *s, unsigned ready)
{
    char bytes[4096];
    size_t got;

    if ((ready & SOCK_READ) != 0 && sock_read(s, bytes, sizeof(bytes), &got) >= IO_EOF)
        sock_want(s, 0);
}

static void play(struct world *w, const uint8_t *data, size_t size, struct split *split)
{
    size_t at = 0;

    while (at < size) {
        size_t end = split_next(split, at, size), sent;
        struct iovec iov = {(char *)(uintptr_t)(data + at), end - at};
        if (sock_write(w->client, &iov, 1, &sent) != IO_OK)
            break;
        at += sent;
        sim_advance(w->env, 1000000);
    }
    sock_want(w->client, SOCK_READ);
    if ((w->plan & 128) != 0)
        sock_shutdown(w->client);
    sim_advance(w->env, 5000000000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server_options options = {.read_timeout = 3000000000, .max_head = 4096};
    struct arena_cache cache;
    struct addr at;
    int error = 0;

    if (size < 2)
        return 0;
    struct world *w = calloc(1, sizeof(*w));
    struct split split = split_of(data[0]);
    w->plan = data[1];
    w->slow = data[0] % 2 != 0;
    w->env = sim_new(1);
    arena_cache_init(&cache);
    w->server = server_new(w->env, &cache, &options, on_request, w);
    assert(addr_parse(&at, STR("10.0.0.1"), 80));
    struct listener *l = sim_listen(w->env, &at, on_accept, w, NULL);
    w->client = env_connect(w->env, &at, NULL, &error);
    w->client->on_ready = on_client;
    sock_want(w->client, SOCK_READ);
    sim_advance(w->env, 1000000);
    sock_want(w->client, w->slow ? 0 : SOCK_READ);
    play(w, data + 2, size - 2, &split);
    server_drain(w->server);
    sim_advance(w->env, 1000000);
    server_free(w->server);
    assert(w->open == 0);
    sock_close(w->client);
    listener_close(l);
    sim_free(w->env);
    arena_cache_fini(&cache);
    free(w);
    return 0;
}
