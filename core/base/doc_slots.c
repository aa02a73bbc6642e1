/* The members of an object or the elements of an array, found when somebody asks for them. */
#include "base/doc_private.h"

#include <string.h>

enum {
    FEW = 16,    /* so many are compared one by one, more have a table */
    AT_ONCE = 32 /* collected on the stack before their number is known */
};

bool doc_slot_is_free(const struct doc_slot *slot)
{
    return slot->node == NULL && slot->value.ptr == NULL;
}

void doc_slot_free(struct doc_slots *slots, struct doc_slot *slot)
{
    slot->node = NULL;
    slot->value = STR_NONE;
    slots->live--;
}

enum doc_type doc_slot_type(const struct doc_slot *slot)
{
    return slot->node != NULL ? (enum doc_type)slot->node->type : doc_type_at(slot->value.ptr[0]);
}

struct node *doc_slot_node(struct node *container, struct doc_slot *slot)
{
    if (slot->node == NULL) {
        slot->node = doc_node_new(container->doc, slot->value, slot->box);
        slot->node->parent = container;
    }
    return slot->node;
}

/* Both halves of the product: what a bit of a does to them depends on all of b, and the other way round. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Mixes a name into 32 bits. The seed comes from an address, which no client knows. It is a factor of each
 * step: were it only added, names could be made that differ in the highest bits of a word and collide with
 * any seed. */
static uint32_t hash(struct str name, uint64_t seed)
{
    uint64_t h = seed ^ name.len;
    uint64_t word;
    size_t at = 0;

    for (; name.len - at >= 8; at += 8) {
        memcpy(&word, name.ptr + at, 8);
        h = fold(h ^ word, seed);
    }
    word = 0;
    if (at < name.len)
        memcpy(&word, name.ptr + at, name.len - at);
    h = fold(h ^ word, seed);
    return (uint32_t)(h ^ h >> 32);
}

static uint64_t seed_of(const struct doc_slots *slots)
{
    return (uint64_t)(uintptr_t)slots * 0x9e3779b97f4a7c15u | 1;
}

/* The entry of a name, or the empty one where it would be. A name has one entry however often it comes, so
 * that a row of entries is short whatever a document repeats. */
static uint32_t *find_entry(const struct doc_slots *slots, struct str name, uint32_t h)
{
    uint32_t i = h & slots->mask;

    for (; slots->table[i] != 0; i = (i + 1) & slots->mask) {
        const struct doc_slot *slot = &slots->items[slots->table[i] - 1];
        if (slot->hash == h && str_equal(slot->name, name))
            break;
    }
    return &slots->table[i];
}

static struct doc_slot *find_in_table(const struct doc_slots *slots, struct str name)
{
    uint32_t entry = *find_entry(slots, name, hash(name, seed_of(slots)));

    return entry == 0 || doc_slot_is_free(&slots->items[entry - 1]) ? NULL : &slots->items[entry - 1];
}

struct doc_slot *doc_slot_find(const struct doc_slots *slots, struct str name)
{
    if (slots->table != NULL)
        return find_in_table(slots, name);
    for (uint32_t i = slots->count; i > 0; i--) {
        struct doc_slot *slot = &slots->items[i - 1];
        if (slot->name.len == name.len && !doc_slot_is_free(slot) && str_equal(slot->name, name))
            return slot;
    }
    return NULL;
}

static void enter(struct doc_slots *slots, uint32_t index)
{
    struct doc_slot *slot = &slots->items[index];

    slot->hash = hash(slot->name, seed_of(slots));
    uint32_t *entry = find_entry(slots, slot->name, slot->hash);
    if (*entry != 0 && !doc_slot_is_free(&slots->items[*entry - 1]))
        doc_slot_free(slots, &slots->items[*entry - 1]);
    *entry = index + 1;
}

static void build_table(struct arena *a, struct doc_slots *slots)
{
    uint32_t size = FEW * 4;

    while (size < slots->cap * 2)
        size *= 2;
    slots->table = arena_zalloc(a, size * sizeof(*slots->table));
    slots->mask = size - 1;
    for (uint32_t i = 0; i < slots->count; i++)
        if (!doc_slot_is_free(&slots->items[i]))
            enter(slots, i);
}

/* A bit that names share only seldom. */
static uint64_t sign_of(struct str name)
{
    if (name.len == 0)
        return 1;
    return 1ull << ((name.len * 7 + (unsigned char)name.ptr[0] * 3 + (unsigned char)name.ptr[name.len - 1]) &
                    63);
}

static void compare_few(struct doc_slots *slots)
{
    uint64_t seen = 0;

    for (uint32_t i = 0; i < slots->count; i++) {
        struct doc_slot *slot = &slots->items[i];
        uint64_t sign = sign_of(slot->name);
        for (uint32_t k = 0; k < i && (seen & sign) != 0; k++)
            if (!doc_slot_is_free(&slots->items[k]) && !doc_slot_is_free(slot) &&
                str_equal(slots->items[k].name, slot->name))
                doc_slot_free(slots, &slots->items[k]);
        seen |= sign;
    }
}

void doc_slots_index(struct arena *a, struct doc_slots *slots)
{
    slots->table = NULL;
    if (slots->count > FEW)
        build_table(a, slots);
    else
        compare_few(slots);
}

void doc_slot_added(struct arena *a, struct doc_slots *slots)
{
    if (slots->table != NULL && slots->count <= (slots->mask + 1) / 2)
        enter(slots, slots->count - 1);
    else if (slots->count > FEW)
        build_table(a, slots);
}

static void grow(struct arena *a, struct doc_slots *slots)
{
    uint32_t cap = slots->cap > 0 ? slots->cap * 2 : 4;
    struct doc_slot *items = arena_alloc(a, cap * sizeof(*items));

    if (slots->count > 0)
        memcpy(items, slots->items, slots->count * sizeof(*items));
    slots->items = items;
    slots->cap = cap;
}

static struct doc_slot *push(struct arena *a, struct doc_slots *slots)
{
    if (slots->count == slots->cap)
        grow(a, slots);
    struct doc_slot *slot = &slots->items[slots->count++];
    *slot = (struct doc_slot){0};
    slots->live++;
    return slot;
}

struct doc_slot *doc_slot_add(struct node *container)
{
    return push(container->doc->arena, container->slots);
}

static const char *read_name(struct arena *a, struct doc_slot *slot, const char *quote)
{
    bool escaped;
    const char *end = doc_skip_string(quote, &escaped);

    slot->name_len = (uint32_t)(end - quote);
    slot->name = (struct str){quote + 1, slot->name_len - 2};
    if (escaped)
        slot->name = doc_unescape(a, slot->name);
    return doc_skip_space(doc_skip_space(end) + 1);
}

/* *box is the next box that opens at ptr or behind it. */
static const char *read_value(const struct doc *doc, struct doc_slot *slot, const char *ptr, uint32_t *box)
{
    const char *end = ptr;
    bool escaped;

    if (*ptr == '{' || *ptr == '[') {
        slot->box = *box;
        end = doc->text + doc->boxes[*box].close + 1;
        *box = doc->boxes[*box].next;
    } else if (*ptr == '"') {
        end = doc_skip_string(ptr, &escaped);
    } else {
        while (*end != ',' && *end != '}' && *end != ']' && !doc_is_space(*end))
            end++;
    }
    slot->value = (struct str){ptr, (size_t)(end - ptr)};
    return doc_skip_space(end);
}

static struct doc_slots *read_slots(const struct node *n)
{
    struct doc_slot first[AT_ONCE];
    struct doc_slots found = {.items = first, .cap = AT_ONCE};
    struct arena *a = n->doc->arena;
    const char *ptr = doc_skip_space(n->text.ptr + 1);
    uint32_t box = n->box + 1;

    while (*ptr != '}' && *ptr != ']') {
        struct doc_slot *slot = push(a, &found);
        slot->start = ptr;
        if (n->type == DOC_OBJECT)
            ptr = read_name(a, slot, ptr);
        ptr = read_value(n->doc, slot, ptr, &box);
        if (*ptr == ',')
            ptr = doc_skip_space(ptr + 1);
    }
    struct doc_slots *slots = arena_alloc(a, sizeof(*slots));
    *slots = found;
    if (found.items == first) {
        slots->cap = found.count;
        slots->items = arena_alloc(a, found.count * sizeof(first[0]));
        memcpy(slots->items, first, found.count * sizeof(first[0]));
    }
    return slots;
}

struct doc_slots *doc_slots_of(struct node *n)
{
    if (n->type != DOC_OBJECT && n->type != DOC_ARRAY)
        return NULL;
    if (n->slots != NULL)
        return n->slots;
    if (n->doc->boxes == NULL)
        doc_open(n->doc, n->text);
    n->slots = read_slots(n);
    if (n->type == DOC_OBJECT)
        doc_slots_index(n->doc->arena, n->slots);
    return n->slots;
}
