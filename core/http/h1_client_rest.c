/* An upstream connection when nobody waits for it: draining what is left of a response, and kept. */
#include "http/h1_client.h"

#include "base/clock.h"

#define DRAIN_TIME SECOND

enum { SPANS = 64, DRAIN_MAX = 65536 /* bytes that are read only to keep a connection */ };

static void drain(struct h1_client *c)
{
    enum content_result result;
    struct iovec iov[SPANS];
    int n;

    do {
        result = h1_content_spans(&c->content, &c->in, iov, SPANS, &n);
        for (int i = 0; i < n; i++)
            c->drained += iov[i].iov_len;
    } while (result == CONTENT_FULL);
    if (result == CONTENT_BAD || c->drained > DRAIN_MAX ||
        (result == CONTENT_END && !recv_buf_is_empty(&c->in))) {
        h1_client_close(c);
        return;
    }
    recv_buf_give(&c->in, &c->context->buffers);
    if (result == CONTENT_END)
        h1_client_release(c);
}

void h1_client_drain(struct h1_client *c)
{
    const struct response *r = c->response;

    if (c->close || !outgoing_is_complete(c->out) ||
        (r->framing == FRAMING_LENGTH && r->length > DRAIN_MAX)) {
        h1_client_close(c);
        return;
    }
    h1_content_init(&c->content, r, false);
    task_cancel(&c->task);
    c->events = NULL;
    c->out = NULL;
    c->drained = 0;
    c->state = H1_CLIENT_DRAIN;
    timer_start(c->context->env, &c->timer, DRAIN_TIME);
    drain(c);
}

void h1_client_read_drained(struct h1_client *c)
{
    switch (h1_client_receive(c, SIZE_MAX)) {
    case IO_AGAIN: return;
    case IO_OK: drain(c); return;
    case IO_EOF:
    case IO_ERROR: h1_client_close(c); return;
    }
}

/* A kept connection has nothing to say: whatever comes ends it. */
void h1_client_read_idle(struct h1_client *c)
{
    char byte;
    size_t got = 0;

    if (sock_read(c->sock, &byte, 1, &got) != IO_AGAIN)
        h1_client_close(c);
}
