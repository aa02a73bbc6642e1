/* The operations of response manipulation. */
#include "base/doc_private.h"

#include <string.h>

/* A step of dotted paths: the names that may come next. */
struct step {
    struct str name;
    struct step *steps; /* sorted once the tree is built */
    size_t count;
    size_t cap;
    bool last; /* a path ends here */
};

struct doc_paths {
    struct step keep; /* of overlapping paths the later decides */
    struct step drop; /* of overlapping paths the shorter decides */
};

/* By length first: names seldom have the same. */
static int compare(struct str a, struct str b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len > 0 ? memcmp(a.ptr, b.ptr, a.len) : 0;
}

static const struct step *find_step(const struct step *step, struct str name)
{
    size_t low = 0;
    size_t high = step->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(name, step->steps[middle].name);
        if (order == 0)
            return &step->steps[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* The step of that name, added where it belongs if it is new. */
static struct step *take_step(struct arena *a, struct step *step, struct str name)
{
    size_t at = 0;

    while (at < step->count && compare(step->steps[at].name, name) < 0)
        at++;
    if (at < step->count && compare(step->steps[at].name, name) == 0)
        return &step->steps[at];
    if (step->count == step->cap) {
        struct step *steps = arena_alloc(a, (step->cap * 2 + 2) * sizeof(*steps));
        if (step->count > 0)
            memcpy(steps, step->steps, step->count * sizeof(*steps));
        step->steps = steps;
        step->cap = step->cap * 2 + 2;
    }
    memmove(&step->steps[at + 1], &step->steps[at], (step->count - at) * sizeof(*step));
    step->steps[at] = (struct step){.name = name};
    step->count++;
    return &step->steps[at];
}

static void add_keep(struct arena *a, struct step *step, struct str dotted)
{
    for (struct str rest = dotted;;) {
        step = take_step(a, step, str_split(&rest, '.'));
        if (rest.ptr == NULL)
            break;
        step->last = false;
    }
    step->last = true;
    step->count = 0;
}

static void add_drop(struct arena *a, struct step *step, struct str dotted)
{
    for (struct str rest = dotted; !step->last;) {
        step = take_step(a, step, str_split(&rest, '.'));
        if (rest.ptr == NULL)
            step->last = true;
    }
}

struct doc_paths *doc_paths_new(struct arena *a, const struct str *dotted, size_t count)
{
    struct doc_paths *paths = arena_zalloc(a, sizeof(*paths));

    for (size_t i = 0; i < count; i++) {
        struct str copy = arena_copy(a, dotted[i]);
        add_keep(a, &paths->keep, copy);
        add_drop(a, &paths->drop, copy);
    }
    return paths;
}

/* False if nothing is left. It goes as deep as the paths do. */
static bool keep(struct node *object, const struct step *step)
{
    struct doc_slots *slots = doc_slots_of(object);
    uint32_t before = slots->live;

    for (uint32_t i = 0; i < slots->count; i++) {
        struct doc_slot *slot = &slots->items[i];
        if (doc_slot_is_free(slot))
            continue;
        const struct step *next = find_step(step, slot->name);
        if (next != NULL && next->last)
            continue;
        if (next == NULL || doc_slot_type(slot) != DOC_OBJECT || !keep(doc_slot_node(object, slot), next))
            doc_slot_free(slots, slot);
    }
    if (slots->live < before)
        doc_node_changed(object);
    return slots->live > 0;
}

void node_keep(struct node *object, const struct doc_paths *paths)
{
    if (object->type == DOC_OBJECT)
        keep(object, &paths->keep);
}

static void drop(struct node *object, const struct step *step)
{
    struct doc_slots *slots = doc_slots_of(object);

    for (size_t i = 0; i < step->count; i++) {
        const struct step *next = &step->steps[i];
        struct doc_slot *slot = doc_slot_find(slots, next->name);
        if (slot == NULL)
            continue;
        if (next->last) {
            doc_slot_free(slots, slot);
            doc_node_changed(object);
        } else if (doc_slot_type(slot) == DOC_OBJECT) {
            drop(doc_slot_node(object, slot), next);
        }
    }
}

void node_drop(struct node *object, const struct doc_paths *paths)
{
    if (object->type == DOC_OBJECT)
        drop(object, &paths->drop);
}

/* Takes the members that are to be renamed out, as they are. Returns how many. */
static size_t take_renamed(struct doc_slots *slots, const struct doc_rename *renames, size_t count,
                           struct doc_slot *taken)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        struct doc_slot *slot = doc_slot_find(slots, renames[i].from);
        taken[i] = (struct doc_slot){0};
        if (slot == NULL)
            continue;
        taken[i] = *slot;
        doc_slot_free(slots, slot);
        found++;
    }
    return found;
}

void node_rename(struct node *object, const struct doc_rename *renames, size_t count)
{
    if (object->type != DOC_OBJECT || count == 0)
        return;
    struct doc_slots *slots = doc_slots_of(object);
    struct arena *a = object->doc->arena;
    struct doc_slot *taken = arena_alloc(a, count * sizeof(*taken));
    if (take_renamed(slots, renames, count, taken) == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if (doc_slot_is_free(&taken[i]) || str_equal(renames[i].from, renames[i].to))
            continue;
        struct doc_slot *slot = doc_slot_add(object);
        *slot = taken[i];
        slot->name = utf8_repair(a, renames[i].to);
        slot->start = NULL;
    }
    doc_slots_index(a, slots);
    doc_node_changed(object);
}

void node_merge(struct node *object, struct node *source)
{
    if (object->type != DOC_OBJECT || source->type != DOC_OBJECT || object == source)
        return;
    struct doc_slots *moved = doc_slots_of(source);
    doc_slots_of(object);
    if (moved->live == 0)
        return;
    for (uint32_t i = 0; i < moved->count; i++) {
        struct doc_slot *from = &moved->items[i];
        if (doc_slot_is_free(from))
            continue;
        struct doc_slot *slot = doc_slot_add(object);
        *slot = *from;
        if (slot->node == NULL && doc_slot_type(slot) >= DOC_ARRAY)
            slot->node = doc_slot_node(source, from);
        if (slot->node != NULL)
            slot->node->parent = object;
        doc_slot_free(moved, from);
    }
    doc_slots_index(object->doc->arena, object->slots);
    doc_node_changed(object);
    doc_node_changed(source);
}
