/* tape_fuzz - any bytes: both checks agree, and what they accept can be walked, edited, written and parsed
 * again.
 *
 *     clang -g -O1 -std=c11 -D_GNU_SOURCE -Icore -fsanitize=fuzzer,address,undefined spec/fuzz/tape_fuzz.c \
 *           core/base/doc*.c core/base/utf8.c core/base/{arena,mem,str,error}.c -lm -o build/tape_fuzz
 */
#include "base/doc.h"
#include "base/mem.h"
#include <assert.h>
#include <string.h>

enum { MAX_DEPTH = 200, MAX_EDITS = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The last bytes of the input decide what is edited. */
struct choices {
    const uint8_t *data;
    size_t left;
};

static unsigned choose(struct choices *c, unsigned count)
{
    return c->left > 0 ? c->data[--c->left] % count : 0;
}

/* parsed: nobody has put strings into it, which may be of any bytes. */
static size_t walk(struct node *n, int depth, bool parsed)
{
    struct node_cursor cursor = {0};
    struct str name;
    struct node *child;
    int64_t integer;
    size_t seen = 0;

    assert(utf8_is_valid(node_string(n)) || !parsed);
    node_to_int64(n, &integer);
    node_to_double(n);
    while (depth < MAX_DEPTH && node_next(n, &cursor, &name, &child)) {
        assert(utf8_is_valid(name));
        assert(node_type(n) == DOC_ARRAY ? node_at(n, seen) == child : node_get(n, name) == child);
        walk(child, depth + 1, parsed);
        seen++;
    }
    assert(depth == MAX_DEPTH || seen == node_count(n));
    return seen;
}

static struct node *pick_child(struct node *n, struct choices *c, struct str *name)
{
    struct node_cursor cursor = {0};
    struct node *child = NULL;
    struct node *found = NULL;
    unsigned skip = choose(c, 8);

    while (node_next(n, &cursor, name, &child)) {
        found = child;
        if (skip-- == 0)
            break;
    }
    return found;
}

static struct node *make(struct arena *a, struct choices *c)
{
    switch (choose(c, 6)) {
    case 0: return node_new_string(a, (struct str){(const char *)c->data, choose(c, 20) % (c->left + 1)});
    case 1: return node_new_double(a, (double)choose(c, 255) / 7);
    case 2: return node_new_object(a);
    case 3: return node_new_array(a);
    case 4: return node_new_raw(a, STR("{\"raw\":[1,{\"a\":2}]}"));
    default: return node_new_int64(a, choose(c, 255));
    }
}

static void edit_object(struct arena *a, struct node *n, struct choices *c, struct str name)
{
    const struct str paths[] = {STR("a"), STR("b.c"), name, STR("a.b")};
    const struct doc_rename renames[] = {{name, STR("a")}, {STR("a"), STR("b")}, {STR("b"), name}};
    struct doc_paths *compiled = doc_paths_new(a, paths, choose(c, 5));

    switch (choose(c, 6)) {
    case 0: node_remove(n, name); break;
    case 1: node_keep(n, compiled); break;
    case 2: node_drop(n, compiled); break;
    case 3: node_rename(n, renames, choose(c, 4)); break;
    case 4: node_merge(n, node_clone(a, n)); break;
    default: node_set(n, choose(c, 2) ? name : STR("new"), make(a, c)); break;
    }
}

static void edit(struct arena *a, struct node *n, struct choices *c)
{
    struct str name = STR("");
    struct node *child;

    for (int i = 0;
         i < 5 && (child = pick_child(n, c, &name)) != NULL && node_count(child) > 0 && choose(c, 3); i++)
        n = child;
    if (node_type(n) == DOC_OBJECT)
        edit_object(a, n, c, name);
    else if (choose(c, 2))
        node_append(n, make(a, c));
    else if (choose(c, 2))
        node_cut(n, choose(c, 9));
    else
        node_put(n, choose(c, 9), make(a, c));
}

/* What is written can be parsed and is written the same again. */
static void write_and_parse(struct arena *a, struct node *n)
{
    struct str text = doc_text(a, n);
    struct error err;
    struct node *again = doc_parse(a, text, DOC_WHOLE, &err);

    assert(again != NULL && utf8_is_valid(text));
    assert(str_equal(doc_text(a, again), text));
    assert(node_type(again) == node_type(n) && node_count(again) == node_count(n));
}

static void compare_checks(struct arena *a, struct str text, enum doc_end end)
{
    struct error vector = {{0}};
    struct error plain = {{0}};
    struct node *n = doc_parse(a, text, end, &vector);
    struct node *p = doc_parse_plain(a, text, end, &plain);

    assert((n == NULL) == (p == NULL) && strcmp(vector.text, plain.text) == 0);
    if (n != NULL)
        assert(str_equal(doc_text(a, n), doc_text(a, p)) && walk(n, 0, true) == walk(p, 0, true));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct choices c = {data, size};
    char *exact = mem_copy(data, size); /* a block of its own, so that reads behind its end are seen */
    struct str text = {exact, size};
    struct error err;

    arena_init(&a, NULL);
    compare_checks(&a, text, DOC_WHOLE);
    compare_checks(&a, text, DOC_FIRST);
    struct node *n = doc_parse(&a, text, DOC_FIRST, &err);
    for (int i = 0; n != NULL && node_count(n) > 0 && i < MAX_EDITS && c.left > 0; i++)
        edit(&a, n, &c);
    if (n != NULL) {
        walk(n, 0, false);
        write_and_parse(&a, n);
        write_and_parse(&a, node_clone(&a, n));
    }
    arena_fini(&a);
    mem_free(exact);
    return 0;
}
