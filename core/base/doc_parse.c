#include "base/doc_private.h"

#include <assert.h>
#include <string.h>

bool doc_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

void doc_check_reserve(struct doc_check *c, uint32_t more)
{
    if (c->cap - c->count >= more)
        return;
    size_t cap = (size_t)c->cap * 2 + more; /* a text below 4 GiB has less than 2^31 boxes */
    if (cap > UINT32_MAX)
        cap = UINT32_MAX;
    struct doc_box *boxes = arena_alloc(c->arena, cap * sizeof(*boxes));
    if (c->count > 0)
        memcpy(boxes, c->boxes, c->count * sizeof(*boxes));
    c->boxes = boxes;
    c->cap = (uint32_t)cap;
}

static bool is_container(struct str text)
{
    return text.len > 0 && (text.ptr[0] == '{' || text.ptr[0] == '[');
}

static bool check(struct doc_check *c, bool vector, struct error *err)
{
    if (is_container(c->text)) {
        doc_check_reserve(c, (uint32_t)(64 + c->text.len / 128));
        if (vector && doc_has_vector() && doc_check_vector(c))
            return true;
    }
    c->count = 0;
    c->ill_formed = false;
    return doc_check_plain(c, err);
}

static bool check_rest(const struct doc_check *c, struct error *err)
{
    struct doc_check rest = *c;
    size_t at = c->end;

    while (at < c->text.len && doc_is_space(c->text.ptr[at]))
        at++;
    if (at == c->text.len)
        return true;
    rest.text = str_slice(c->text, at, c->text.len);
    return doc_complain(err, rest.text, "after top-level value");
}

/* Strings that are not UTF-8 are rare, so the whole value is copied and what is wrong in it replaced. */
static bool repair(struct doc_check *c, bool vector, struct error *err)
{
    c->text = utf8_repair(c->arena, str_slice(c->text, 0, c->end));
    if (c->text.len >= UINT32_MAX)
        return error_set(err, "a document of 4 GiB or more");
    c->count = 0;
    return check(c, vector, err);
}

static struct node *parse(struct arena *a, struct str text, enum doc_end end, bool vector, struct error *err)
{
    size_t blank = 0;

    if (text.len >= UINT32_MAX) {
        error_set(err, "a document of 4 GiB or more");
        return NULL;
    }
    while (blank < text.len && doc_is_space(text.ptr[blank]))
        blank++;
    if (blank == text.len) {
        error_set(err, "EOF");
        return NULL;
    }
    struct doc_check c = {.arena = a, .text = str_slice(text, blank, text.len)};
    if (!check(&c, vector, err) || (end == DOC_WHOLE && !check_rest(&c, err)))
        return NULL;
    if (c.ill_formed && !repair(&c, vector, err))
        return NULL;
    struct doc *doc = arena_alloc(a, sizeof(*doc));
    *doc = (struct doc){.arena = a, .text = c.text.ptr, .boxes = c.boxes};
    return doc_node_new(doc, str_slice(c.text, 0, c.end), 0);
}

struct node *doc_parse(struct arena *a, struct str text, enum doc_end end, struct error *err)
{
    return parse(a, text, end, true, err);
}

struct node *doc_parse_plain(struct arena *a, struct str text, enum doc_end end, struct error *err)
{
    return parse(a, text, end, false, err);
}

void doc_open(struct doc *doc, struct str text)
{
    struct doc_check c = {.arena = doc->arena, .text = text};
    bool valid = check(&c, true, NULL);

    assert(valid && c.end == text.len);
    (void)valid;
    doc->text = text.ptr;
    doc->boxes = c.boxes;
}
