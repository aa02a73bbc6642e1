/* Chunked content: in pieces it is read as in one, and spans lie inside, one behind the other. */
#include "http/h1_chunked.h"
#include "split.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct outcome {
    enum chunked_result result;
    size_t used, content;
    uint32_t hash;
};

static void take(struct outcome *o, const struct iovec *iov, int count, const char *data, size_t used)
{
    const char *behind = data;

    for (int i = 0; i < count; i++) {
        const char *span = iov[i].iov_base;
        assert(span >= behind && span + iov[i].iov_len <= data + used && iov[i].iov_len > 0);
        behind = span + iov[i].iov_len;
        for (size_t j = 0; j < iov[i].iov_len; j++)
            o->hash = (o->hash ^ (unsigned char)span[j]) * 16777619u;
        o->content += iov[i].iov_len;
    }
}

static struct outcome read_pieces(const uint8_t *data, size_t size, struct split *split, int max)
{
    struct outcome o = {.result = CHUNKED_MORE};
    struct chunked c;
    struct iovec iov[16];

    chunked_init(&c);
    while (o.used < size && o.result != CHUNKED_DONE && o.result != CHUNKED_BAD) {
        size_t end = split != NULL ? split_next(split, o.used, size) : size, len = end - o.used, used;
        char *piece = malloc(len);
        int count;
        memcpy(piece, data + o.used, len);
        o.result = chunked_read(&c, piece, len, &used, iov, max, &count);
        assert(used <= len && count <= max);
        assert(o.result != CHUNKED_MORE || used == len);
        assert(o.result != CHUNKED_FULL || (count == max && used < len));
        take(&o, iov, count, piece, used);
        o.used += used;
        free(piece);
    }
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct split split = split_of(data[0]);
    struct outcome whole = read_pieces(data + 1, size - 1, NULL, 16);
    struct outcome pieces = read_pieces(data + 1, size - 1, &split, 1 + data[0] % 3);
    assert(whole.used == pieces.used && whole.content == pieces.content && whole.hash == pieces.hash);
    assert((whole.result == CHUNKED_BAD) == (pieces.result == CHUNKED_BAD));
    assert((whole.result == CHUNKED_DONE) == (pieces.result == CHUNKED_DONE));
    return 0;
}
