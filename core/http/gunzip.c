#include "http/gunzip.h"

#include "base/mem.h"
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15, GZIP_WRAPPED = 16 };

struct gunzip {
    z_stream z;
    bool inside; /* a member has begun and is not over */
    bool behind; /* one is over, and the next has given nothing yet */
};

static void *zlib_alloc(void *owner, unsigned count, unsigned size)
{
    (void)owner;
    return mem_alloc((size_t)count * size);
}

static void zlib_free(void *owner, void *ptr)
{
    (void)owner;
    mem_free(ptr);
}

struct gunzip *gunzip_new(void)
{
    struct gunzip *g = mem_zalloc(sizeof(*g));

    g->z.zalloc = zlib_alloc;
    g->z.zfree = zlib_free;
    if (inflateInit2(&g->z, GZIP_WINDOW + GZIP_WRAPPED) != Z_OK)
        abort(); /* a zlib of another version than its header */
    return g;
}

void gunzip_free(struct gunzip *g)
{
    if (g == NULL)
        return;
    inflateEnd(&g->z);
    mem_free(g);
}

static unsigned clamp(size_t len)
{
    return len > UINT_MAX ? UINT_MAX : (unsigned)len;
}

/* One step of zlib. False: the input is broken. */
static bool inflate_some(struct gunzip *g, struct str *packed, char *dst, size_t cap, size_t *got)
{
    unsigned in = clamp(packed->len), out = clamp(cap);
    int result;

    g->z.next_in = (Bytef *)packed->ptr;
    g->z.avail_in = in;
    g->z.next_out = (Bytef *)dst;
    g->z.avail_out = out;
    if (in > 0)
        g->inside = true;
    result = inflate(&g->z, Z_NO_FLUSH);
    packed->ptr += in - g->z.avail_in;
    packed->len -= in - g->z.avail_in;
    *got = out - g->z.avail_out;
    if (*got > 0)
        g->behind = false;
    if (result == Z_STREAM_END) {
        g->inside = false;
        g->behind = true;
        return inflateReset(&g->z) == Z_OK;
    }
    return result == Z_OK || result == Z_BUF_ERROR;
}

enum gunzip_result gunzip_read(struct gunzip *g, struct str *packed, char *dst, size_t cap, size_t *got)
{
    size_t piece;

    *got = 0;
    while (*got < cap) {
        size_t before = packed->len;

        bool good = inflate_some(g, packed, dst + *got, cap - *got, &piece);

        *got += piece;
        if (!good)
            return g->behind ? GUNZIP_GARBAGE : GUNZIP_BAD;
        if (piece == 0 && packed->len == before)
            return before == 0 ? GUNZIP_MORE : GUNZIP_BAD;
    }
    return GUNZIP_FULL;
}

bool gunzip_is_whole(const struct gunzip *g)
{
    return !g->inside;
}
