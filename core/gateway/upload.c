#include "gateway/upload.h"

#include "gateway/answer.h"
#include "gateway/proxy.h"
#include "http/server.h"
#include <string.h>

enum {
    BODY_IN_ARENA_MAX = 64 * 1024
}; /* a content of announced length up to this goes straight into the arena */

static bool begin_collecting(struct exchange *x)
{
    const struct request *r = &x->stream->request;

    x->upload_begun = true;
    if (r->framing == FRAMING_LENGTH && r->length > BODY_MAX)
        return false;
    if (r->framing == FRAMING_LENGTH && r->length <= BODY_IN_ARENA_MAX)
        x->body.ptr = arena_bytes(x->arena, (size_t)r->length + 1);
    else
        buf_init(&x->upload, BODY_MAX);
    stream_read(x->stream, true);
    return true;
}

static void refuse_content(struct exchange *x)
{
    stream_read(x->stream, false);
    answer_set(x, 413, STR("text/plain; charset=utf-8"), STR("Request Entity Too Large"));
    x->answered = true;
}

bool upload_collect(struct exchange *x)
{
    if (!x->has_body || x->body_collected)
        return true;
    if (!x->upload_begun && !begin_collecting(x))
        refuse_content(x);
    return x->body_collected;
}

static bool keep_content(struct exchange *x, const struct iovec *iov)
{
    if (x->body.ptr == NULL)
        return buf_append(&x->upload, iov->iov_base, iov->iov_len);
    memcpy((char *)x->body.ptr + x->body.len, iov->iov_base, iov->iov_len);
    x->body.len += iov->iov_len;
    return true;
}

static void collect_content(struct exchange *x, const struct iovec *iov, int n, bool end)
{
    for (int i = 0; i < n && !x->answered; i++) {
        if (iov[i].iov_len > 0 && !keep_content(x, &iov[i]))
            refuse_content(x);
    }
    if (end && !x->answered) {
        x->body_collected = true;
        if (x->body.ptr == NULL)
            x->body = (struct str){buf_head(&x->upload), buf_len(&x->upload)};
    }
    if (end || x->answered)
        exchange_run(x);
}

static void pass_content(struct call *c, const struct iovec *iov, int n, bool end)
{
    struct exchange *x = c->exchange;

    if (end)
        c->uploading = false;
    if (!fetch_write(c->fetch, iov, n, end) && !end)
        stream_read(x->stream, false);
}

void upload_take(struct exchange *x, const struct iovec *iov, int n, bool end)
{
    if (x->gone)
        return;
    if (x->upload_begun && !x->body_collected && !x->answered)
        collect_content(x, iov, n, end);
    else if (x->part_count > 0 && x->parts[0].calls[0].uploading)
        pass_content(&x->parts[0].calls[0], iov, n, end);
}
