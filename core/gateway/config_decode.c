#include "gateway/config_decode.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/config.h"
#include "gateway/config_scalar.h"

/* Where a value stands, innermost first; it becomes text only when there is something to say. */
struct place {
    const struct place *up;
    struct str name; /* of a member; without bytes: an element */
    size_t index;
    bool in_map; /* written as map[name] */
};

struct decoder {
    struct arena *arena;
    struct error *err;
    unsigned failures;
};

static struct str place_text(struct arena *a, const struct place *p)
{
    struct str up = p->up != NULL ? place_text(a, p->up) : STR_NONE;

    if (p->in_map)
        return arena_printf(a, "%.*s[%.*s]", STR_ARG(up), STR_ARG(p->name));
    if (p->name.ptr == NULL)
        return arena_printf(a, "%.*s[%zu]", STR_ARG(up), p->index);
    return arena_printf(a, "%.*s%s%.*s", STR_ARG(up), up.len > 0 ? "." : "", STR_ARG(p->name));
}

static void complain(struct decoder *d, const struct place *p, const char *reason)
{
    error_add(d->err, "%s'%.*s' %s", d->failures++ > 0 ? "\n" : "", STR_ARG(place_text(d->arena, p)), reason);
}

struct node *config_member(struct node *object, struct str name)
{
    struct node *found = node_get(object, name);
    struct node_cursor cursor = {0};
    struct str key;
    struct node *child;

    while (found == NULL && node_next(object, &cursor, &key, &child))
        if (str_equal_nocase(key, name))
            found = child;
    return found != NULL && node_type(found) == DOC_NULL ? NULL : found;
}

/* The values of a list: its elements, none of an empty object, otherwise the value itself. */
static size_t list_count(struct node *n)
{
    switch (node_type(n)) {
    case DOC_ARRAY: return node_count(n);
    case DOC_OBJECT: return node_count(n) > 0 ? 1 : 0;
    case DOC_NULL:
    case DOC_FALSE:
    case DOC_TRUE:
    case DOC_NUMBER:
    case DOC_STRING: break;
    }
    return 1;
}

static struct node *list_next(struct node *n, struct node_cursor *cursor)
{
    struct node *child;
    struct str name;

    if (node_type(n) != DOC_ARRAY)
        return n;
    return node_next(n, cursor, &name, &child) ? child : NULL;
}

static void decode_list(struct decoder *d, const struct place *at, struct node *n, struct str_list *list)
{
    size_t count = list_count(n);
    struct str *items = arena_zalloc(d->arena, (count + 1) * sizeof(*items));
    struct node_cursor cursor = {0};
    struct error why;

    for (size_t i = 0; i < count; i++) {
        struct place here = {at, STR_NONE, i, false};
        if (!config_text(d->arena, list_next(n, &cursor), &items[i], &why))
            complain(d, &here, why.text);
    }
    list->items = items;
    list->count = count;
}

static void not_a_map(struct decoder *d, const struct place *at, struct node *n)
{
    complain(d, at, arena_printf(d->arena, "expected a map or struct, got \"%s\"", config_kind(n)).ptr);
}

static void unconvertible(struct decoder *d, const struct place *at, const char *type, struct node *n)
{
    struct str why =
        arena_printf(d->arena, "expected type '%s', got unconvertible type '%s'", type, config_kind(n));

    complain(d, at, why.ptr);
}

/* type: what is expected, in Go's words. What a configuration may nest is bounded by the depth of a document;
 * so is this. */
static void gather_members(struct decoder *d, const struct place *at, const char *type, struct node *n,
                           struct node *all)
{
    struct node_cursor cursor = {0};
    struct node *child;
    struct str name;

    switch (node_type(n)) {
    case DOC_NULL: return;
    case DOC_OBJECT:
        while (node_next(n, &cursor, &name, &child))
            node_set(all, arena_copy(d->arena, name), child);
        return;
    case DOC_ARRAY:
        for (size_t i = 0; node_next(n, &cursor, &name, &child); i++)
            gather_members(d, &(struct place){at, STR_NONE, i, false}, type, child, all);
        return;
    case DOC_FALSE:
    case DOC_TRUE:
    case DOC_NUMBER:
    case DOC_STRING: unconvertible(d, at, type, n); return;
    }
}

/* An object as it is; a list of objects, or of such lists, is all of them in one, so an empty list is an
 * empty object. */
static struct node *decode_object(struct decoder *d, const struct place *at, const char *type, struct node *n)
{
    if (node_type(n) == DOC_OBJECT)
        return n;
    struct node *all = node_new_object(d->arena);
    gather_members(d, at, type, n, all);
    return all;
}

static void store_array(void *field, const void *items, size_t count)
{
    memcpy(field, &items, sizeof(items));
    memcpy((char *)field + sizeof(items), &count, sizeof(count));
}

static void decode_renames(struct decoder *d, const struct place *at, struct node *n, void *field)
{
    struct node *object = decode_object(d, at, "map[string]string", n);
    struct node_cursor cursor = {0};
    struct node *child;
    struct str name;
    struct error why;
    size_t count = 0;

    struct doc_rename *renames = arena_zalloc(d->arena, (node_count(object) + 1) * sizeof(*renames));
    while (node_next(object, &cursor, &name, &child)) {
        struct place here = {at, name, 0, true};
        struct doc_rename *rename = &renames[count++];
        rename->from = name;
        if (!config_text(d->arena, child, &rename->to, &why))
            complain(d, &here, why.text);
    }
    store_array(field, renames, count);
}

static void decode_record(struct decoder *d, const struct place *at, const struct config_table *table,
                          struct node *n, void *record);

static void decode_records(struct decoder *d, const struct place *at, const struct config_row *row,
                           struct node *n, void *field)
{
    size_t count = list_count(n), size = row->table->size;
    char *records = arena_zalloc(d->arena, (count + 1) * size);
    struct node_cursor cursor = {0};

    for (size_t i = 0; i < count; i++) {
        struct place here = {at, STR_NONE, i, false};
        struct node *element = list_next(n, &cursor);
        if (node_type(element) == DOC_OBJECT)
            decode_record(d, &here, row->table, element, records + i * size);
        else
            not_a_map(d, &here, element);
    }
    store_array(field, records, count);
}

static void decode_field(struct decoder *d, const struct place *at, const struct config_row *row,
                         struct node *n, void *record)
{
    void *field = (char *)record + row->offset;
    struct error why;
    bool fine = true;

    switch (row->type) {
    case CONFIG_INT: fine = config_int(n, field, &why); break;
    case CONFIG_BOOL: fine = config_bool(n, field, &why); break;
    case CONFIG_TEXT: fine = config_text(d->arena, n, field, &why); break;
    case CONFIG_DURATION: fine = config_duration(n, field, &why); break;
    case CONFIG_LIST: decode_list(d, at, n, field); break;
    case CONFIG_RENAMES: decode_renames(d, at, n, field); break;
    case CONFIG_RECORDS: decode_records(d, at, row, n, field); break;
    case CONFIG_OBJECT: {
        struct node *object = decode_object(d, at, "config.ExtraConfig", n);
        memcpy(field, &object, sizeof(object));
        break;
    }
    case CONFIG_SECTION: /* no map: a list is no object here */
        *(bool *)field = true;
        if (node_type(n) == DOC_OBJECT)
            decode_record(d, at, row->table, n, record);
        else
            not_a_map(d, at, n);
        break;
    }
    if (!fine)
        complain(d, at, why.text);
}

/* What an absent or empty value stands for. */
static void use_fallback(const struct config_row *row, void *field)
{
    struct str text = str_of(row->fallback);

    switch (row->type) {
    case CONFIG_INT:
        if (*(long *)field == 0)
            *(long *)field = strtol(row->fallback, NULL, 10);
        break;
    case CONFIG_TEXT:
        if (((struct str *)field)->len == 0)
            *(struct str *)field = text;
        break;
    case CONFIG_DURATION:
        if (*(int64_t *)field == 0)
            duration_parse(text, field, NULL);
        break;
    case CONFIG_BOOL: /* false is zero */
    case CONFIG_LIST:
    case CONFIG_RENAMES:
    case CONFIG_OBJECT:
    case CONFIG_SECTION:
    case CONFIG_RECORDS: break;
    }
}

static void decode_record(struct decoder *d, const struct place *at, const struct config_table *table,
                          struct node *n, void *record)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        struct place here = {at, str_of(row->name), 0, false};
        struct node *value = config_member(n, here.name);
        if (value != NULL)
            decode_field(d, &here, row, value, record);
        if (row->fallback != NULL)
            use_fallback(row, (char *)record + row->offset);
    }
}

bool config_decode(struct arena *a, const struct config_table *table, struct node *object, void *record,
                   struct error *err)
{
    struct error lines = {""};
    struct decoder d = {a, &lines, 0};

    decode_record(&d, NULL, table, object, record);
    if (d.failures == 0)
        return true;
    return error_set(err, "decoding failed due to the following error(s):\n\n%s", lines.text);
}
