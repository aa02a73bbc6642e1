/* Writing: what was not changed as it stands in its text, the rest from its slots. */
#include "base/doc_private.h"

#include <string.h>

enum {
    SHORT = 256,   /* pieces up to this length are copied and joined rather than listed */
    GATHER = 1024, /* the room taken at once for such copies */
};

/* A container that is being written. */
struct frame {
    struct node *node;
    uint32_t next; /* the slot that comes next */
    bool empty;    /* nothing written yet */
};

struct writer {
    struct arena *arena;
    struct doc_spans *out;
    size_t cap;   /* of the spans */
    char *gather; /* room for short pieces */
    char *gather_end;
    struct str run; /* neighbours in the text that were not written yet */
    struct frame *frames;
    size_t depth;
    size_t frames_cap;
};

static void add_span(struct writer *w, const char *ptr, size_t len)
{
    struct doc_spans *out = w->out;

    if (out->count == w->cap) {
        struct iovec *spans = arena_alloc(w->arena, w->cap * 2 * sizeof(*spans));
        memcpy(spans, out->spans, out->count * sizeof(*spans));
        out->spans = spans;
        w->cap *= 2;
    }
    out->spans[out->count++] = (struct iovec){.iov_base = (char *)ptr, .iov_len = len};
}

static void put(struct writer *w, struct str s)
{
    struct iovec *last = w->out->count > 0 ? &w->out->spans[w->out->count - 1] : NULL;
    const char *ptr = s.ptr;

    w->out->bytes += s.len;
    if (s.len <= SHORT) {
        if ((size_t)(w->gather_end - w->gather) < s.len) {
            w->gather = arena_bytes(w->arena, GATHER);
            w->gather_end = w->gather + GATHER;
        }
        ptr = memcpy(w->gather, s.ptr, s.len);
        w->gather += s.len;
    }
    if (last != NULL && (const char *)last->iov_base + last->iov_len == ptr)
        last->iov_len += s.len;
    else
        add_span(w, ptr, s.len);
}

static void flush_run(struct writer *w)
{
    if (w->run.ptr != NULL)
        put(w, w->run);
    w->run = STR_NONE;
}

static void push_frame(struct writer *w, struct node *container)
{
    if (w->depth == w->frames_cap) {
        struct frame *frames = arena_alloc(w->arena, w->frames_cap * 2 * sizeof(*frames));
        memcpy(frames, w->frames, w->depth * sizeof(*frames));
        w->frames = frames;
        w->frames_cap *= 2;
    }
    w->frames[w->depth++] = (struct frame){.node = container, .empty = true};
    put(w, container->type == DOC_OBJECT ? STR("{") : STR("["));
}

static void write_node(struct writer *w, struct node *n)
{
    if (!n->changed)
        put(w, n->text);
    else if (n->type == DOC_STRING)
        put(w, doc_quote(w->arena, n->bytes));
    else
        push_frame(w, n);
}

/* The text of a slot whose value nobody touched. */
static struct str text_of(const struct doc_slot *slot)
{
    if (slot->value.ptr == NULL || slot->start == NULL || (slot->node != NULL && slot->node->changed))
        return STR_NONE;
    return (struct str){slot->start, (size_t)(slot->value.ptr + slot->value.len - slot->start)};
}

/* Does text follow the run after nothing but a comma? A run never ends its text: a bracket closes around it.
 */
static bool continues_run(const struct writer *w, struct str text)
{
    if (w->run.ptr == NULL)
        return false;
    const char *ptr = doc_skip_space(w->run.ptr + w->run.len);
    return *ptr == ',' && doc_skip_space(ptr + 1) == text.ptr;
}

static void write_name(struct writer *w, const struct doc_slot *slot)
{
    if (slot->start != NULL)
        put(w, (struct str){slot->start, slot->name_len});
    else
        put(w, doc_quote(w->arena, slot->name));
    put(w, STR(":"));
}

static void write_slot(struct writer *w, struct frame *frame, const struct doc_slot *slot)
{
    struct str text = text_of(slot);
    bool object = frame->node->type == DOC_OBJECT;

    if (text.ptr != NULL && continues_run(w, text)) {
        w->run.len = (size_t)(text.ptr + text.len - w->run.ptr);
        return;
    }
    flush_run(w);
    if (!frame->empty)
        put(w, STR(","));
    frame->empty = false;
    if (text.ptr != NULL) {
        w->run = text;
        return;
    }
    if (object)
        write_name(w, slot);
    if (slot->value.ptr != NULL && (slot->node == NULL || !slot->node->changed))
        put(w, slot->value);
    else
        write_node(w, slot->node); /* may move the frames */
}

static void write_frames(struct writer *w)
{
    while (w->depth > 0) {
        struct frame *frame = &w->frames[w->depth - 1];
        const struct doc_slots *slots = frame->node->slots;
        if (frame->next < slots->count) {
            const struct doc_slot *slot = &slots->items[frame->next++];
            if (!doc_slot_is_free(slot))
                write_slot(w, frame, slot);
            continue;
        }
        flush_run(w);
        put(w, frame->node->type == DOC_OBJECT ? STR("}") : STR("]"));
        w->depth--;
    }
}

void doc_write(struct arena *a, struct node *n, struct doc_spans *out)
{
    struct frame frames[16];
    struct writer w = {
        .arena = a, .out = out, .cap = 8, .frames = frames, .frames_cap = sizeof(frames) / sizeof(frames[0])};

    *out = (struct doc_spans){.spans = arena_alloc(a, w.cap * sizeof(*out->spans))};
    if (!n->changed) {
        add_span(&w, n->text.ptr, n->text.len);
        out->bytes = n->text.len;
        return;
    }
    write_node(&w, n);
    write_frames(&w);
}

struct str doc_text(struct arena *a, struct node *n)
{
    struct doc_spans written;
    size_t at = 0;

    doc_write(a, n, &written);
    if (written.count == 1)
        return (struct str){written.spans[0].iov_base, written.bytes};
    char *text = arena_bytes(a, written.bytes);
    for (size_t i = 0; i < written.count; i++) {
        memcpy(text + at, written.spans[i].iov_base, written.spans[i].iov_len);
        at += written.spans[i].iov_len;
    }
    return (struct str){text, at};
}
