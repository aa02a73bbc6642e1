#include "http/h1_content.h"

#include <string.h>

void h1_content_init(struct h1_content *c, const struct response *r, bool gunzip)
{
    *c = (struct h1_content){.framing = r->framing, .left = r->length};
    if (r->framing == FRAMING_CHUNKED)
        chunked_init(&c->chunked);
    if (gunzip)
        c->gunzip = gunzip_new();
}

void h1_content_fini(struct h1_content *c)
{
    gunzip_free(c->gunzip);
    *c = (struct h1_content){.framing = FRAMING_NONE};
}

static enum content_result take_plain(struct h1_content *c, struct recv_buf *in, size_t len,
                                      struct iovec *iov, int *n)
{
    if (len > 0)
        iov[(*n)++] = (struct iovec){in->data + in->start, len};
    in->start += len;
    return c->ended ? CONTENT_END : CONTENT_MORE;
}

static enum content_result take_length(struct h1_content *c, struct recv_buf *in, struct iovec *iov, int *n)
{
    size_t len = in->end - in->start;

    if (len > c->left)
        len = (size_t)c->left;
    c->left -= len;
    c->ended = c->left == 0;
    return take_plain(c, in, len, iov, n);
}

static enum content_result take_chunks(struct h1_content *c, struct recv_buf *in, struct iovec *iov, int max,
                                       int *n)
{
    size_t used = 0;
    enum chunked_result result;

    if (in->start == in->end)
        return CONTENT_MORE;
    result = chunked_read(&c->chunked, in->data + in->start, in->end - in->start, &used, iov, max, n);
    in->start += used;
    switch (result) {
    case CHUNKED_MORE: return CONTENT_MORE;
    case CHUNKED_FULL: return CONTENT_FULL;
    case CHUNKED_BAD: return CONTENT_BAD;
    case CHUNKED_DONE: c->ended = true; return CONTENT_END;
    }
    return CONTENT_BAD;
}

enum content_result h1_content_spans(struct h1_content *c, struct recv_buf *in, struct iovec *iov, int max,
                                     int *n)
{
    *n = 0;
    if (c->ended)
        return CONTENT_END;
    switch (c->framing) {
    case FRAMING_NONE: c->ended = true; return CONTENT_END;
    case FRAMING_LENGTH: return take_length(c, in, iov, n);
    case FRAMING_CHUNKED: return take_chunks(c, in, iov, max, n);
    case FRAMING_CLOSE: return take_plain(c, in, in->end - in->start, iov, n);
    }
    return CONTENT_BAD;
}

/* Moves what waits to dst. CONTENT_FULL: there is more, or may be. */
static enum content_result move(struct h1_content *c, char *dst, size_t cap, size_t *got)
{
    if (c->gunzip != NULL) {
        switch (gunzip_read(c->gunzip, &c->waiting, dst, cap, got)) {
        case GUNZIP_MORE: return CONTENT_MORE;
        case GUNZIP_FULL: return CONTENT_FULL;
        case GUNZIP_BAD: return CONTENT_BROKEN;
        case GUNZIP_GARBAGE: return CONTENT_EXCESS;
        }
    }
    *got = c->waiting.len < cap ? c->waiting.len : cap;
    if (*got > 0)
        memcpy(dst, c->waiting.ptr, *got);
    c->waiting.ptr += *got;
    c->waiting.len -= *got;
    return c->waiting.len > 0 ? CONTENT_FULL : CONTENT_MORE;
}

enum content_result h1_content_fill(struct h1_content *c, struct recv_buf *in, char *dst, size_t cap,
                                    size_t *got)
{
    *got = 0;
    for (;;) {
        enum content_result result;
        size_t step = 0;

        if (c->waiting.len == 0 && !c->ended) {
            struct iovec span;
            int n;

            if (h1_content_spans(c, in, &span, 1, &n) == CONTENT_BAD)
                return CONTENT_BAD;
            if (n > 0)
                c->waiting = (struct str){span.iov_base, span.iov_len};
        }
        result = move(c, dst + *got, cap - *got, &step);
        *got += step;
        if (result != CONTENT_MORE)
            return result;
        if (c->ended)
            return c->gunzip != NULL && !gunzip_is_whole(c->gunzip) ? CONTENT_CUT : CONTENT_END;
        if (recv_buf_is_empty(in))
            return CONTENT_MORE;
    }
}

bool h1_content_close(struct h1_content *c)
{
    if (c->framing != FRAMING_CLOSE)
        return false;
    c->ended = true;
    return true;
}
