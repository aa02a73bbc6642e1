#include "http/h1_conn.h"

#include "base/mem.h"

static void free_stream(struct h1_conn *c)
{
    struct h1_stream *s = c->stream;

    if (s == NULL)
        return;
    c->stream = NULL;
    buf_fini(&s->queue);
    struct arena arena = s->arena; /* the stream lies in it */
    arena_fini(&arena);
}

void h1_close(struct h1_conn *c, bool reset)
{
    struct server *server = c->base.server;

    if (c->state == H1_CLOSED)
        return;
    c->state = H1_CLOSED;
    server_remove_conn(&c->base);
    timer_fini(server->env, &c->timer);
    task_cancel(&c->task);
    if (reset)
        sock_reset(c->sock);
    else
        sock_close(c->sock);
    free_stream(c);
    recv_buf_give(&c->in, &server->buffers);
    env_release(server->env, c);
}

void h1_set_deadline(struct h1_conn *c, int64_t deadline)
{
    struct env *env = c->base.server->env;

    if (deadline == INT64_MAX)
        timer_stop(env, &c->timer);
    else
        timer_start(env, &c->timer, deadline - env->now);
}

void h1_hurry(struct h1_conn *c, int64_t delay)
{
    int64_t deadline = c->base.server->env->now + delay;

    if (deadline < c->timer.deadline)
        h1_set_deadline(c, deadline);
}

/* When the response must have gone on: by the client, or by us for a client that may be gone. */
static int64_t response_deadline(const struct h1_conn *c)
{
    const struct h1_stream *s = c->stream;

    if (!h1_is_flushed(s))
        return s->write_deadline;
    return s->half_closed ? h1_deadline_in(c, HALF_CLOSED_TIME) : INT64_MAX;
}

void h1_update_deadline(struct h1_conn *c)
{
    const struct h1_stream *s = c->stream;
    int64_t read = s->content_ended ? INT64_MAX : s->read_deadline, write = response_deadline(c);

    h1_set_deadline(c, read < write ? read : write);
}

void h1_linger(struct h1_conn *c)
{
    free_stream(c);
    c->state = H1_LINGER;
    recv_buf_give(&c->in, &c->base.server->buffers);
    sock_shutdown(c->sock);
    sock_want(c->sock, SOCK_READ);
    h1_set_deadline(c, c->base.server->env->now + LINGER_TIME);
}

int64_t h1_deadline_in(const struct h1_conn *c, int64_t delay)
{
    return delay > 0 ? c->base.server->env->now + delay : INT64_MAX;
}

static void become_idle(struct h1_conn *c)
{
    const struct server *server = c->base.server;

    free_stream(c);
    c->state = H1_IDLE;
    sock_want(c->sock, SOCK_READ);
    if (!recv_buf_is_empty(&c->in)) {
        h1_read_head(c);
        return;
    }
    recv_buf_give(&c->in, &c->base.server->buffers);
    if (server->draining)
        h1_close(c, false);
    else
        h1_set_deadline(c, h1_deadline_in(c, server->options.idle_timeout));
}

void h1_next(struct h1_conn *c)
{
    const struct h1_stream *s = c->stream;

    if (s->cut)
        h1_close(c, s->reset);
    else if (!s->close)
        become_idle(c);
    else if (!s->base.request.keep_alive && s->content_ended && recv_buf_is_empty(&c->in))
        h1_close(c, false); /* the client wanted it, and sends nothing more */
    else
        h1_linger(c);
}

/* The response is out. What is left of the request's content is dropped before the next request, if there
 * may be one. */
static void finish(struct h1_conn *c)
{
    struct h1_stream *s = c->stream;

    s->base.events->on_done(&s->base);
    if (c->state != H1_BUSY)
        return;
    s->close |= !s->content_ended && c->base.server->draining;
    if (s->content_ended || s->close || s->cut) {
        h1_next(c);
        return;
    }
    c->state = H1_DRAIN;
    c->dropped = 0;
    sock_want(c->sock, SOCK_READ);
    h1_drop(c);
}

void h1_abort(struct h1_conn *c, const char *why, const struct message_fault *fault)
{
    struct h1_stream *s = c->stream;
    bool answer = fault != NULL && !s->responded && h1_is_flushed(s), reset = s->reset;

    if (answer)
        h1_send_fault(c, fault);
    s->base.events->on_abort(&s->base, why);
    if (answer && c->state == H1_BUSY)
        h1_linger(c);
    else
        h1_close(c, reset);
}

static void on_task(struct task *t)
{
    struct h1_conn *c = container_of(t, struct h1_conn, task);
    struct h1_stream *s = c->stream;

    if (c->state != H1_BUSY)
        return;
    if (s->failure != NULL)
        h1_abort(c, s->failure, NULL);
    else if (s->ended && h1_is_flushed(s))
        finish(c);
    else
        h1_deliver(c);
}

static void on_ready(struct sock *sock, unsigned ready)
{
    struct h1_conn *c = sock->owner;

    if ((ready & SOCK_WRITE) != 0)
        h1_flush(c);
    if ((ready & SOCK_READ) != 0 && c->state != H1_CLOSED)
        h1_receive(c);
}

/* A request whose content does not come in time ends as one whose client is gone, after an empty 500: as in
 * KrakenD. */
static void on_read_timeout(struct h1_conn *c)
{
    h1_abort(c, "context canceled", &(struct message_fault){500, NULL});
}

static void on_timer(struct timer *t)
{
    struct h1_conn *c = container_of(t, struct h1_conn, timer);

    switch (c->state) {
    case H1_IDLE:
    case H1_HEAD:
    case H1_DRAIN:
    case H1_LINGER: h1_close(c, false); return;
    case H1_BUSY:
        if (!c->stream->content_ended && c->base.server->env->now >= c->stream->read_deadline)
            on_read_timeout(c);
        else
            h1_abort(c, h1_is_flushed(c->stream) ? "context canceled" : "write timeout", NULL);
        return;
    case H1_CLOSED: return;
    }
}

/* What has arrived meanwhile is still answered. What has begun to arrive is waited for, but who stalls does
 * not keep us from ending. */
static void drain(struct server_conn *base)
{
    struct h1_conn *c = container_of(base, struct h1_conn, base);

    if (c->state == H1_IDLE)
        h1_receive(c);
    if (c->state == H1_IDLE)
        h1_close(c, false);
    else if (c->state == H1_HEAD || c->state == H1_DRAIN)
        h1_hurry(c, LAST_HEAD_TIME);
}

static void cut(struct server_conn *base)
{
    struct h1_conn *c = container_of(base, struct h1_conn, base);

    if (c->state == H1_BUSY)
        h1_abort(c, "server closed", NULL);
    else
        h1_close(c, false);
}

static const struct server_conn_ops ops = {.drain = drain, .cut = cut};

void h1_server_accept(struct server *server, struct sock *sock)
{
    struct h1_conn *c = mem_zalloc(sizeof(*c));

    server_add_conn(server, &c->base, sock, &ops);
    timer_init(&c->timer, on_timer);
    task_init(&c->task, on_task);
    c->sock = sock;
    sock->on_ready = on_ready;
    sock->owner = c;
    sock_want(sock, SOCK_READ);
    h1_set_deadline(c, h1_deadline_in(c, server->options.read_header_timeout));
}
