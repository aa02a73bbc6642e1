#include "http/h1_client.h"

#include "base/mem.h"
#include "base/util.h"

static void evict(struct pool_entry *e)
{
    h1_client_close(container_of(e, struct h1_client, kept));
}

void h1_context_init(struct h1_context *x, struct env *env, const struct client_options *options)
{
    long all = options->max_idle_connections, per_host = options->max_idle_connections_per_host;

    x->env = env;
    x->options = options;
    list_init(&x->conns);
    recv_cache_init(&x->buffers);
    pool_init(&x->pool, all > 0 ? (size_t)all : 0, all < 0 || per_host < 0 ? 0 : (size_t)per_host, evict);
}

void h1_context_fini(struct h1_context *x)
{
    while (!list_is_empty(&x->conns))
        h1_client_close(container_of(x->conns.next, struct h1_client, link));
    pool_fini(&x->pool);
    recv_cache_fini(&x->buffers);
}

static void destroy(void *ptr)
{
    struct h1_client *c = ptr;

    recv_buf_free(&c->in);
    mem_free(c);
}

void h1_client_close(struct h1_client *c)
{
    struct h1_context *x = c->context;

    if (c->state == H1_CLIENT_CLOSED)
        return;
    c->state = H1_CLIENT_CLOSED;
    c->events = NULL;
    list_remove(&c->link);
    pool_entry_fini(&x->pool, &c->kept);
    timer_fini(x->env, &c->timer);
    task_cancel(&c->task);
    h1_content_fini(&c->content);
    sock_close(c->sock);
    env_release_with(x->env, destroy, c); /* the receive buffer too: a caller may still look at its spans */
}

void h1_client_fail(struct h1_client *c, enum fetch_failure why, const char *text)
{
    const struct h1_client_events *events = c->events;
    void *owner = c->owner;

    h1_client_close(c);
    events->on_fail(owner, why, text);
}

void h1_client_release(struct h1_client *c)
{
    struct h1_context *x = c->context;

    if (c->out != NULL && !outgoing_is_complete(c->out))
        c->close = true;
    c->events = NULL;
    c->owner = NULL;
    c->out = NULL;
    c->response = NULL;
    c->arena = NULL;
    h1_content_fini(&c->content);
    task_cancel(&c->task);
    c->state = H1_CLIENT_IDLE;
    if (c->close || !pool_give(&x->pool, &c->kept)) {
        h1_client_close(c);
        return;
    }
    if (x->options->idle_connection_timeout > 0)
        timer_start(x->env, &c->timer, x->options->idle_connection_timeout);
    else
        timer_stop(x->env, &c->timer);
    h1_client_watch(c);
}

void h1_client_watch(struct h1_client *c)
{
    unsigned want = 0;

    switch (c->state) {
    case H1_CLIENT_IDLE:
    case H1_CLIENT_DRAIN: want = SOCK_READ; break;
    case H1_CLIENT_HEAD:
    case H1_CLIENT_CONTENT:
        want = (c->paused || c->held ? 0 : SOCK_READ) | (c->blocked ? SOCK_WRITE : 0);
        break;
    case H1_CLIENT_CLOSED: return;
    }
    sock_want(c->sock, want);
}

enum io h1_client_receive(struct h1_client *c, size_t max)
{
    struct recv_cache *buffers = &c->context->buffers;
    size_t got = 0, room;
    enum io io;

    recv_buf_make_room(&c->in, buffers);
    room = c->in.cap - c->in.end;
    io = sock_read(c->sock, c->in.data + c->in.end, room < max ? room : max, &got);
    if (io == IO_OK)
        c->in.end += got;
    else if (recv_buf_is_empty(&c->in))
        recv_buf_give(&c->in, buffers);
    return io;
}

/* A write took place. The whole request is gone now: the response may take its time from here. */
static void note_sent(struct h1_client *c, enum io io, size_t sent)
{
    struct h1_context *x = c->context;

    if (sent > 0)
        c->touched = true;
    c->blocked = io == IO_AGAIN;
    c->mute = io == IO_ERROR || io == IO_EOF;
    if (c->state != H1_CLIENT_HEAD || x->options->response_header_timeout <= 0 || timer_is_running(&c->timer))
        return;
    if (outgoing_is_complete(c->out))
        timer_start(x->env, &c->timer, x->options->response_header_timeout);
}

void h1_client_flush(struct h1_client *c)
{
    size_t sent = 0;
    enum io io;

    if (c->mute)
        return;
    io = outgoing_send(c->out, c->sock, &sent);
    note_sent(c, io, sent);
}

static void tell_writable(struct h1_client *c)
{
    if (!c->out->starved || c->out->held || c->blocked || c->mute)
        return;
    c->out->starved = false;
    c->events->on_writable(c->owner);
}

static void on_ready(struct sock *s, unsigned ready)
{
    struct h1_client *c = s->owner;

    if ((ready & SOCK_WRITE) != 0 && c->blocked && c->events != NULL) {
        h1_client_flush(c);
        tell_writable(c);
    }
    if ((ready & SOCK_READ) != 0 && c->state != H1_CLIENT_CLOSED)
        h1_client_read(c);
    h1_client_watch(c);
}

void h1_client_send_held(struct h1_client *c)
{
    timer_stop(c->context->env, &c->timer);
    c->out->held = false;
    h1_client_flush(c);
    env_defer(c->context->env, &c->task); /* the writer may wait, and must not be called from here */
}

static void on_timer(struct timer *t)
{
    struct h1_client *c = container_of(t, struct h1_client, timer);

    if (c->state != H1_CLIENT_HEAD)
        h1_client_close(c); /* idle or draining for too long */
    else if (c->out->held)
        h1_client_send_held(c); /* though nobody has asked: the server may not know 100 (Continue) */
    else if (c->paused)
        timer_start(c->context->env, t, c->context->options->response_header_timeout);
    else
        h1_client_fail(c, FETCH_TIMEOUT, "net/http: timeout awaiting response headers");
}

static void on_task(struct task *t)
{
    struct h1_client *c = container_of(t, struct h1_client, task);

    if (c->state == H1_CLIENT_HEAD && !c->blocked)
        h1_client_flush(c);
    tell_writable(c);
    if (c->state == H1_CLIENT_CONTENT && c->held && !c->paused)
        h1_client_go_on(c);
    h1_client_watch(c);
}

struct h1_client *h1_client_new(struct h1_context *x, struct sock *sock, const struct addr *peer,
                                const struct url *url)
{
    struct h1_client *c = mem_zalloc(sizeof(*c));

    c->context = x;
    c->sock = sock;
    c->peer = *peer;
    c->state = H1_CLIENT_IDLE;
    pool_entry_init(&x->pool, &c->kept, url->tls, url->host, url->port);
    list_push_back(&x->conns, &c->link);
    timer_init(&c->timer, on_timer);
    task_init(&c->task, on_task);
    sock->owner = c;
    sock->on_ready = on_ready;
    return c;
}

struct h1_client *h1_client_take(struct h1_context *x, const struct url *url, bool look)
{
    struct pool_entry *e;

    while ((e = pool_take(&x->pool, url->tls, url->host, url->port)) != NULL) {
        struct h1_client *c = container_of(e, struct h1_client, kept);

        if (look)
            h1_client_read_idle(c);
        c->reused = true;
        if (c->state == H1_CLIENT_IDLE)
            return c;
    }
    return NULL;
}

static void begin(struct h1_client *c, const struct h1_client_request *r)
{
    c->events = r->events;
    c->owner = r->owner;
    c->arena = r->arena;
    c->out = r->out;
    c->response = r->response;
    c->method = r->method;
    c->close = r->close;
    c->state = H1_CLIENT_HEAD;
    c->touched = c->answered = c->blocked = c->mute = false;
    c->told = c->held = false;
    c->collects = r->collects;
    c->head_bytes = 0;
    h1_parser_init(&c->parser, true, c->arena, c->context->options->max_head, 0);
}

void h1_client_send(struct h1_client *c, const struct h1_client_request *r, bool paused)
{
    struct h1_context *x = c->context;

    begin(c, r);
    c->paused = paused;
    timer_stop(x->env, &c->timer);
    if (c->out->held)
        timer_start(x->env, &c->timer, x->options->expect_continue_timeout);
    if (c->out->streams && !c->out->ended && buf_len(&c->out->queue) == 0)
        env_defer(x->env, &c->task);
    else
        h1_client_flush(c);
    if (c->out->starved && !c->blocked)
        env_defer(x->env, &c->task);
    h1_client_watch(c);
}

bool h1_client_write(struct h1_client *c, const struct iovec *iov, int n, bool end)
{
    bool can_send = !c->mute && !c->blocked;
    size_t sent = 0;
    enum io io = outgoing_write(c->out, can_send ? c->sock : NULL, iov, n, end, &sent);

    if (can_send)
        note_sent(c, io, sent);
    h1_client_watch(c);
    c->out->starved = outgoing_is_full(c->out);
    return !c->out->starved;
}

void h1_client_pause(struct h1_client *c)
{
    c->paused = true;
    h1_client_watch(c);
}

void h1_client_resume(struct h1_client *c)
{
    c->paused = false;
    if (c->held)
        env_defer(c->context->env, &c->task);
    h1_client_watch(c);
}
