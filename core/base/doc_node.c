#include "base/doc_private.h"

#include <assert.h>
#include <string.h>

enum doc_type doc_type_at(char first)
{
    switch (first) {
    case '{': return DOC_OBJECT;
    case '[': return DOC_ARRAY;
    case '"': return DOC_STRING;
    case 't': return DOC_TRUE;
    case 'f': return DOC_FALSE;
    case 'n': return DOC_NULL;
    default: return DOC_NUMBER;
    }
}

struct node *doc_node_new(struct doc *doc, struct str text, uint32_t box)
{
    struct node *n = arena_alloc(doc->arena, sizeof(*n));

    *n = (struct node){.doc = doc, .text = text, .box = box, .type = (uint8_t)doc_type_at(text.ptr[0])};
    return n;
}

void doc_node_changed(struct node *n)
{
    for (; n != NULL && !n->changed; n = n->parent)
        n->changed = true;
}

/* --- reading ---------------------------------------------------------------------------------- */

enum doc_type node_type(const struct node *n)
{
    return (enum doc_type)n->type;
}

const char *doc_type_name(enum doc_type type)
{
    static const char *const names[] = {
        [DOC_NULL] = "null",     [DOC_FALSE] = "bool",  [DOC_TRUE] = "bool",     [DOC_NUMBER] = "number",
        [DOC_STRING] = "string", [DOC_ARRAY] = "array", [DOC_OBJECT] = "object",
    };

    return names[type];
}

size_t node_count(struct node *n)
{
    struct doc_slots *slots = doc_slots_of(n);

    return slots != NULL ? slots->live : 0;
}

struct node *node_get(struct node *n, struct str name)
{
    if (n->type != DOC_OBJECT)
        return NULL;
    struct doc_slot *slot = doc_slot_find(doc_slots_of(n), name);
    return slot != NULL ? doc_slot_node(n, slot) : NULL;
}

struct node *node_at(struct node *n, size_t index)
{
    if (n->type != DOC_ARRAY)
        return NULL;
    struct doc_slots *slots = doc_slots_of(n);
    return index < slots->count ? doc_slot_node(n, &slots->items[index]) : NULL;
}

bool node_next(struct node *n, struct node_cursor *cursor, struct str *name, struct node **child)
{
    struct doc_slots *slots = doc_slots_of(n);

    while (slots != NULL && cursor->index < slots->count) {
        struct doc_slot *slot = &slots->items[cursor->index++];
        if (doc_slot_is_free(slot))
            continue;
        *name = slot->name;
        *child = doc_slot_node(n, slot);
        return true;
    }
    return false;
}

struct str node_string(struct node *n)
{
    if (n->type != DOC_STRING)
        return STR("");
    if (n->bytes.ptr == NULL) {
        n->bytes = str_slice(n->text, 1, n->text.len - 1);
        if (str_find_char(n->bytes, '\\') < n->bytes.len)
            n->bytes = doc_unescape(n->doc->arena, n->bytes);
    }
    return n->bytes;
}

struct node *node_find(struct node *n, struct str dotted)
{
    struct str rest = dotted;

    do {
        struct str step = str_split(&rest, '.');
        n = node_get(n, step);
    } while (n != NULL && rest.ptr != NULL);
    return n;
}

/* --- editing ---------------------------------------------------------------------------------- */

static struct node *new_scalar(struct arena *a, struct str text)
{
    struct node *n = arena_alloc(a, sizeof(*n));

    *n = (struct node){.text = text, .type = (uint8_t)doc_type_at(text.ptr[0])};
    return n;
}

struct node *node_new_null(struct arena *a)
{
    return new_scalar(a, STR("null"));
}

struct node *node_new_bool(struct arena *a, bool value)
{
    return new_scalar(a, value ? STR("true") : STR("false"));
}

struct node *node_new_number(struct arena *a, struct str text)
{
    return new_scalar(a, text);
}

struct node *node_new_string(struct arena *a, struct str bytes)
{
    struct node *n = arena_alloc(a, sizeof(*n));
    *n = (struct node){.type = DOC_STRING, .bytes = bytes, .changed = true};
    if (n->bytes.ptr == NULL)
        n->bytes = STR("");
    return n;
}

static struct doc *new_doc(struct arena *a)
{
    struct doc *doc = arena_alloc(a, sizeof(*doc));

    *doc = (struct doc){.arena = a};
    return doc;
}

static struct node *new_container(struct arena *a, enum doc_type type)
{
    struct node *n = arena_alloc(a, sizeof(*n));

    *n = (struct node){.doc = new_doc(a),
                       .slots = arena_zalloc(a, sizeof(*n->slots)),
                       .type = (uint8_t)type,
                       .changed = true};
    return n;
}

struct node *node_new_object(struct arena *a)
{
    return new_container(a, DOC_OBJECT);
}

struct node *node_new_array(struct arena *a)
{
    return new_container(a, DOC_ARRAY);
}

struct node *node_new_raw(struct arena *a, struct str text)
{
    while (text.len > 0 && doc_is_space(text.ptr[0]))
        text = str_slice(text, 1, text.len);
    while (text.len > 0 && doc_is_space(text.ptr[text.len - 1]))
        text.len--;
    assert(text.len > 0);
    return doc_node_new(new_doc(a), text, 0);
}

struct node *node_clone(struct arena *a, struct node *n)
{
    return node_new_raw(a, n->changed ? doc_text(a, n) : n->text);
}

static void put(struct node *container, struct doc_slot *slot, struct node *value)
{
    slot->node = value;
    slot->value = STR_NONE;
    value->parent = container;
    doc_node_changed(container);
}

void node_set(struct node *object, struct str name, struct node *value)
{
    if (object->type != DOC_OBJECT)
        return;
    struct doc_slots *slots = doc_slots_of(object);
    struct arena *a = object->doc->arena;
    struct str valid = utf8_repair(a, name);
    struct doc_slot *slot = doc_slot_find(slots, valid);
    if (slot == NULL) {
        slot = doc_slot_add(object);
        slot->name = valid;
        slot->node = value;
        doc_slot_added(a, slots);
    }
    put(object, slot, value);
}

bool node_remove(struct node *object, struct str name)
{
    if (object->type != DOC_OBJECT)
        return false;
    struct doc_slots *slots = doc_slots_of(object);
    struct doc_slot *slot = doc_slot_find(slots, name);
    if (slot == NULL)
        return false;
    doc_slot_free(slots, slot);
    doc_node_changed(object);
    return true;
}

void node_append(struct node *array, struct node *value)
{
    if (array->type != DOC_ARRAY)
        return;
    doc_slots_of(array);
    put(array, doc_slot_add(array), value);
}

bool node_put(struct node *array, size_t index, struct node *value)
{
    if (array->type != DOC_ARRAY || index >= doc_slots_of(array)->count)
        return false;
    put(array, &array->slots->items[index], value);
    return true;
}

bool node_cut(struct node *array, size_t index)
{
    if (array->type != DOC_ARRAY || index >= doc_slots_of(array)->count)
        return false;
    struct doc_slots *slots = array->slots;
    memmove(&slots->items[index], &slots->items[index + 1],
            (slots->count - index - 1) * sizeof(slots->items[0]));
    slots->count--;
    slots->live--;
    doc_node_changed(array);
    return true;
}
