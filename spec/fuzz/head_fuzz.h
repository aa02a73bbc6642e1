/* head_fuzz - what the fuzzers of both kinds of heads share. */
#ifndef FUZZ_HEAD_FUZZ_H
#define FUZZ_HEAD_FUZZ_H

#include "http/h1_parser.h"
#include "http/h1_writer.h"
#include "split.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static inline bool is_inside(struct str s, const char *data, size_t len)
{
    return s.len == 0 || (s.ptr >= data && s.ptr + s.len <= data + len);
}

/* Valid spans; the same after a way over the wire. */
static inline void check_fields(struct fields *f, const char *data, size_t len)
{
    struct h1_parser p;

    for (unsigned i = 0; i < f->count; i++) {
        assert(is_inside(f->items[i].name, data, len) && is_inside(f->items[i].value, data, len));
        assert(field_name_is_valid(f->items[i].name) && field_value_is_valid(f->items[i].value));
        assert(f->items[i].id == field_id(f->items[i].name));
        field_canonical(f->arena, f->items[i].name);
    }
    fields_remove_hop_by_hop(f);
    char *head = malloc(h1_response_size(f));
    size_t size = h1_write_response(head, 200, f, "Sun, 06 Nov 1994 08:49:37 GMT", -1, true, false, false);
    assert(size <= h1_response_size(f));
    h1_parser_init(&p, true, f->arena, 0, 0);
    assert(h1_parse(&p, head, size) == H1_DONE && p.head_len == size);
    free(head);
}

static inline int fuzz_head(const uint8_t *data, size_t size, bool is_response,
                            void (*check)(struct h1_parser *p, const char *data, size_t len))
{
    struct arena arena;
    struct h1_parser whole, pieces;
    enum h1_result result = H1_MORE, once;
    char *buffer = NULL;
    size_t len = 0;

    if (size < 1)
        return 0;
    struct split split = split_of(data[0]);
    size_t max_head = data[0] % 4 == 0 ? 300 : 0, max_target = data[0] % 8 == 1 ? 20 : 0;
    data++, size--;
    arena_init(&arena, NULL);
    h1_parser_init(&whole, is_response, &arena, max_head, max_target);
    h1_parser_init(&pieces, is_response, &arena, max_head, max_target);
    while (result == H1_MORE && len < size) {
        len = split_next(&split, len, size);
        free(buffer);
        buffer = malloc(len); /* moves, and ends where the bytes end */
        memcpy(buffer, data, len);
        result = h1_parse(&pieces, buffer, len);
    }
    once = h1_parse(&whole, (const char *)data, size);
    if (max_head == 0 && max_target == 0)
        assert(size == 0 || (result == once && whole.head_len == pieces.head_len));
    if (result == H1_DONE)
        check(&pieces, buffer, len);
    free(buffer);
    arena_fini(&arena);
    return 0;
}

#endif
