#include "http/server_conn.h"

#include "base/mem.h"

struct server *server_new(struct env *env, struct arena_cache *cache, const struct server_options *options,
                          server_request_fn *on_request, void *owner)
{
    struct server *s = mem_zalloc(sizeof(*s));

    s->env = env;
    s->cache = cache;
    s->options = *options;
    s->on_request = on_request;
    s->owner = owner;
    s->date_second = -1;
    if (s->options.read_header_timeout <= 0)
        s->options.read_header_timeout = options->read_timeout;
    if (s->options.idle_timeout == 0)
        s->options.idle_timeout = options->read_timeout;
    list_init(&s->conns);
    recv_cache_init(&s->buffers);
    return s;
}

void server_accept(struct server *s, struct sock *sock)
{
    h1_server_accept(s, sock);
}

static void find_peer(struct peer *p, struct sock *sock)
{
    struct addr addr;

    sock_peer(sock, &addr);
    p->ip = (struct str){p->text, addr_format_ip(&addr, p->text)};
}

void server_add_conn(struct server *s, struct server_conn *c, struct sock *sock,
                     const struct server_conn_ops *ops)
{
    find_peer(&c->peer, sock);
    c->server = s;
    c->ops = ops;
    list_push_back(&s->conns, &c->link);
    s->conn_count++;
}

void server_remove_conn(struct server_conn *c)
{
    list_remove(&c->link);
    c->server->conn_count--;
}

void server_end_keep_alive(struct server *s)
{
    s->draining = true;
}

void server_drain(struct server *s)
{
    server_end_keep_alive(s);
    list_each (&s->conns, link, after) {
        struct server_conn *c = container_of(link, struct server_conn, link);
        c->ops->drain(c);
    }
}

size_t server_conn_count(const struct server *s)
{
    return s->conn_count;
}

void server_free(struct server *s)
{
    if (s == NULL)
        return;
    while (!list_is_empty(&s->conns)) {
        struct server_conn *c = container_of(s->conns.next, struct server_conn, link);
        c->ops->cut(c);
    }
    recv_cache_fini(&s->buffers);
    env_release(s->env, s);
}

const char *server_date(struct server *s)
{
    int64_t second = s->env->wall / SECOND;

    if (second != s->date_second) {
        wall_format_http(s->date, s->env->wall);
        s->date_second = second;
    }
    return s->date;
}

void stream_read(struct stream *s, bool on)
{
    s->ops->read(s, on);
}

void stream_respond(struct stream *s, const struct server_response *r, const struct iovec *iov, int n,
                    bool end)
{
    s->ops->respond(s, r, iov, n, end);
}

void stream_inform(struct stream *s, int status, const struct fields *fields)
{
    s->ops->inform(s, status, fields);
}

bool stream_write(struct stream *s, const struct iovec *iov, int n, bool end)
{
    return s->ops->write(s, iov, n, end);
}

void stream_cut(struct stream *s)
{
    s->ops->cut(s);
}
