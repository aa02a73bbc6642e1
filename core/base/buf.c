#include "base/buf.h"

#include "base/mem.h"
#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { SMALLEST = 512 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){0};
}

static void move_to_front(struct buf *b)
{
    if (b->head == 0)
        return;
    memmove(b->data, b->data + b->head, b->tail - b->head);
    b->tail -= b->head;
    b->head = 0;
}

/* Doubles, so that n appended bytes cost O(n); never beyond max. */
static size_t grown_cap(const struct buf *b, size_t need)
{
    size_t cap = b->cap < SMALLEST / 2 ? SMALLEST : b->cap > SIZE_MAX / 2 ? SIZE_MAX : b->cap * 2;

    if (cap > b->max)
        cap = b->max;
    return cap > need ? cap : need;
}

char *buf_reserve(struct buf *b, size_t len)
{
    size_t held = b->tail - b->head;

    if (len > b->max - held)
        return NULL;
    if (len > b->cap - b->tail || b->data == NULL) {
        move_to_front(b);
        /* grows also when it is more than half full: moving much for each few bytes would be O(n * n) */
        if (held + len > b->cap || b->data == NULL || (held > b->cap / 2 && b->cap < b->max)) {
            b->cap = grown_cap(b, held + len);
            b->data = mem_realloc(b->data, b->cap);
        }
    }
    return b->data + b->tail;
}

void buf_commit(struct buf *b, size_t len)
{
    assert(len <= b->cap - b->tail);
    b->tail += len;
}

bool buf_append(struct buf *b, const void *src, size_t len)
{
    char *room = buf_reserve(b, len);

    if (room == NULL)
        return false;
    if (len > 0)
        memcpy(room, src, len);
    b->tail += len;
    return true;
}

void buf_consume(struct buf *b, size_t len)
{
    assert(len <= b->tail - b->head);
    b->head += len;
    if (b->head == b->tail)
        b->head = b->tail = 0;
}

void buf_clear(struct buf *b)
{
    b->head = b->tail = 0;
}

const char *buf_head(const struct buf *b)
{
    return b->head > 0 ? b->data + b->head : b->data;
}

size_t buf_len(const struct buf *b)
{
    return b->tail - b->head;
}
