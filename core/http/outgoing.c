#include "http/outgoing.h"

#include <assert.h>
#include <string.h>

enum { IOV_BATCH = 64, WRITE_PARTS = 4 };

static const struct str last_chunk = {"0\r\n\r\n", 5};
static const struct str chunk_end = {"\r\n", 2};
static const struct str chunk_end_and_last = {"\r\n0\r\n\r\n", 7};

static size_t iov_bytes(const struct iovec *iov, int n)
{
    size_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += iov[i].iov_len;
    return sum;
}

void outgoing_init(struct outgoing *o, const struct iovec *iov, int count, bool chunked)
{
    size_t len = iov_bytes(iov, count);

    *o = (struct outgoing){.iov = iov, .count = count, .left = -1, .ended = true};
    buf_init(&o->queue, SIZE_MAX);
    if (!chunked)
        return;
    if (len > 0)
        o->chunk_head_len = h1_write_chunk_head(o->chunk_head, len);
    o->tail = len > 0 ? chunk_end_and_last : last_chunk;
}

void outgoing_init_stream(struct outgoing *o, int64_t length)
{
    *o = (struct outgoing){.streams = true, .chunked = length < 0, .left = length};
    buf_init(&o->queue, SIZE_MAX);
}

void outgoing_fini(struct outgoing *o)
{
    buf_fini(&o->queue);
}

void outgoing_set_head(struct outgoing *o, struct str head)
{
    o->head = head;
    o->head_sent = 0;
    o->at = 0;
    o->at_sent = 0;
}

static struct str part(const struct outgoing *o, int at)
{
    if (at == 0)
        return (struct str){o->chunk_head, o->chunk_head_len};
    if (at <= o->count)
        return (struct str){o->iov[at - 1].iov_base, o->iov[at - 1].iov_len};
    return o->tail;
}

static void iov_add(struct iovec *iov, int *n, const char *ptr, size_t len)
{
    if (len > 0)
        iov[(*n)++] = (struct iovec){(void *)ptr, len};
}

/* The next bytes to go, at most IOV_BATCH spans. */
static int gather(const struct outgoing *o, struct iovec iov[IOV_BATCH])
{
    int n = 0;
    size_t skip = o->at_sent;

    iov_add(iov, &n, o->head.ptr + o->head_sent, o->head.len - o->head_sent);
    if (o->held)
        return n;
    for (int at = o->at; at <= o->count + 1 && n < IOV_BATCH - 1; at++) {
        struct str p = part(o, at);

        iov_add(iov, &n, p.ptr + skip, p.len - skip);
        skip = 0;
    }
    iov_add(iov, &n, buf_head(&o->queue), buf_len(&o->queue));
    return n;
}

static size_t less(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void consume(struct outgoing *o, size_t sent)
{
    size_t step = less(sent, o->head.len - o->head_sent);

    o->head_sent += step;
    sent -= step;
    while (!o->held && o->at <= o->count + 1) {
        size_t rest = part(o, o->at).len - o->at_sent;

        if (sent < rest) {
            o->at_sent += sent;
            return;
        }
        sent -= rest;
        o->at++;
        o->at_sent = 0;
    }
    if (sent > 0)
        buf_consume(&o->queue, sent);
}

enum io outgoing_send(struct outgoing *o, struct sock *s, size_t *sent)
{
    struct iovec iov[IOV_BATCH];
    int n;

    *sent = 0;
    while (!o->dropped && (n = gather(o, iov)) > 0) {
        size_t step = 0, all = iov_bytes(iov, n);
        enum io io = sock_write(s, iov, n, &step);

        if (io != IO_OK)
            return io;
        *sent += step;
        consume(o, step);
        if (step < all)
            return IO_AGAIN;
    }
    return IO_OK;
}

static void queue_add(struct outgoing *o, const void *ptr, size_t len)
{
    if (len > 0 && !buf_append(&o->queue, ptr, len))
        assert(!"the queue has no limit");
}

/* Counts content against the announced length; false if it must not be sent. */
static bool count_content(struct outgoing *o, size_t len, bool end)
{
    if (o->left < 0)
        return true;
    if (len > (uint64_t)o->left || (end && len < (uint64_t)o->left)) {
        o->is_short = true;
        return len <= (uint64_t)o->left;
    }
    o->left -= (int64_t)len;
    return true;
}

/* The framing around len bytes of content: what stands before them, and what behind. */
static struct str frame(struct outgoing *o, size_t len, bool end, char before[H1_CHUNK_HEAD_MAX],
                        struct str *after)
{
    *after = STR_NONE;
    if (!o->chunked)
        return STR_NONE;
    if (len == 0) {
        *after = end ? last_chunk : STR_NONE;
        return STR_NONE;
    }
    *after = end ? chunk_end_and_last : chunk_end;
    return (struct str){before, h1_write_chunk_head(before, len)};
}

/* Queues what a write of these spans left over. */
static void queue_rest(struct outgoing *o, const struct iovec *iov, int n, size_t sent)
{
    for (int i = 0; i < n; i++) {
        size_t skip = less(sent, iov[i].iov_len);

        sent -= skip;
        queue_add(o, (const char *)iov[i].iov_base + skip, iov[i].iov_len - skip);
    }
}

enum io outgoing_write(struct outgoing *o, struct sock *s, const struct iovec *iov, int n, bool end,
                       size_t *sent)
{
    struct iovec all[IOV_BATCH + WRITE_PARTS];
    char chunk_head[H1_CHUNK_HEAD_MAX];
    size_t len = iov_bytes(iov, n), head;
    struct str before, after;
    enum io io = IO_AGAIN;
    int count = 0, first;

    *sent = 0;
    if (o->ended || o->dropped)
        return IO_OK;
    o->ended = end;
    if (!count_content(o, len, end))
        return IO_OK;
    before = frame(o, len, end, chunk_head, &after);
    if (s == NULL || o->held || n > IOV_BATCH || buf_len(&o->queue) > 0) {
        queue_add(o, before.ptr, before.len);
        queue_rest(o, iov, n, 0);
        queue_add(o, after.ptr, after.len);
        return s == NULL ? IO_OK : outgoing_send(o, s, sent);
    }
    head = o->head.len - o->head_sent;
    iov_add(all, &count, o->head.ptr + o->head_sent, head);
    first = count;
    iov_add(all, &count, before.ptr, before.len);
    for (int i = 0; i < n; i++)
        iov_add(all, &count, iov[i].iov_base, iov[i].iov_len);
    iov_add(all, &count, after.ptr, after.len);
    if (count == 0)
        return IO_OK;
    io = sock_write(s, all, count, sent);
    if (io != IO_OK)
        *sent = 0; /* all is queued: another connection may still take it */
    o->head_sent += less(*sent, head);
    queue_rest(o, all + first, count - first, *sent - less(*sent, head));
    return io == IO_OK && *sent < iov_bytes(all, count) ? IO_AGAIN : io;
}

bool outgoing_is_complete(const struct outgoing *o)
{
    return o->ended && !o->is_short && !o->dropped && !o->held && o->head_sent == o->head.len &&
           (o->streams || o->at > o->count + 1) && buf_len(&o->queue) == 0;
}

bool outgoing_has_content(const struct outgoing *o)
{
    return o->streams || o->tail.len > 0 || iov_bytes(o->iov, o->count) > 0;
}

bool outgoing_is_full(const struct outgoing *o)
{
    return buf_len(&o->queue) > OUTGOING_MARK;
}

void outgoing_drop(struct outgoing *o)
{
    o->dropped = true;
    buf_clear(&o->queue);
}
