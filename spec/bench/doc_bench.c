/* doc_bench - microseconds per operation on documents, the best of many runs.
 *
 *     cc -O2 -Icore -D_GNU_SOURCE -o build/doc_bench spec/bench/doc_bench.c core/base/{doc,utf8}*.c \
 *        core/base/{arena,mem,str,error}.c
 *     build/doc_bench FILE...
 *
 * An array counts as its own; of an object the first three members are kept. */
#include "base/doc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 25, BYTES_PER_RUN = 4 << 20 };

struct bench {
    struct str text;
    struct doc_paths *paths;
    struct arena_cache cache;
};

typedef size_t (*bench_fn)(struct bench *b, struct arena *a);

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static size_t parse(struct bench *b, struct arena *a)
{
    return doc_parse(a, b->text, DOC_FIRST, NULL) != NULL;
}

static size_t parse_plain(struct bench *b, struct arena *a)
{
    return doc_parse_plain(a, b->text, DOC_FIRST, NULL) != NULL;
}

static size_t keep(struct bench *b, struct arena *a)
{
    struct node *n = doc_parse(a, b->text, DOC_FIRST, NULL);
    struct doc_spans out;

    node_keep(n, b->paths);
    doc_write(a, n, &out);
    return out.bytes;
}

static size_t walk_node(struct node *n)
{
    struct node_cursor cursor = {0};
    struct node *child;
    struct str name;
    size_t sum = node_string(n).len + node_number(n).len;

    while (node_next(n, &cursor, &name, &child))
        sum += name.len + walk_node(child);
    return sum;
}

static size_t walk(struct bench *b, struct arena *a)
{
    return walk_node(doc_parse(a, b->text, DOC_FIRST, NULL));
}

static size_t edit(struct bench *b, struct arena *a)
{
    struct node *n = doc_parse(a, b->text, DOC_FIRST, NULL);
    struct doc_spans out;

    node_set(n, STR("id"), node_new_string(a, STR("changed")));
    doc_write(a, n, &out);
    return out.bytes;
}

static void measure(const char *name, bench_fn run, struct bench *b)
{
    size_t times = BYTES_PER_RUN / (b->text.len + 500) + 1;
    double best = 1e30;
    size_t result = 0;

    for (int i = 0; i < RUNS; i++) {
        double start = now();
        for (size_t k = 0; k < times; k++) {
            struct arena a;
            arena_init(&a, &b->cache);
            result = run(b, &a);
            arena_fini(&a);
        }
        double took = (now() - start) / (double)times;
        best = took < best ? took : best;
    }
    printf("  %-28s %9.3f us  %6.2f GB/s   (%zu)\n", name, best, (double)b->text.len / best / 1e3, result);
}

static struct str read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct str text = STR_NONE;
    char *bytes;

    if (file == NULL)
        return text;
    fseek(file, 0, SEEK_END);
    text.len = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(text.len + 1);
    text.len = fread(bytes, 1, text.len, file);
    text.ptr = bytes;
    fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    const struct str kept[] = {STR("id"), STR("meta"), STR("facets")};

    for (int i = 1; i < argc; i++) {
        struct arena a;
        struct bench b = {.text = read_file(argv[i])};
        arena_init(&a, NULL);
        arena_cache_init(&b.cache);
        b.paths = doc_paths_new(&a, kept, 3);
        printf("%s, %zu bytes\n", argv[i], b.text.len);
        if (doc_parse(&a, b.text, DOC_FIRST, NULL) == NULL)
            return 1;
        measure("parse", parse, &b);
        measure("parse, plain", parse_plain, &b);
        measure("parse, keep 3, write", keep, &b);
        measure("parse, set one, write", edit, &b);
        measure("parse, walk all", walk, &b);
        arena_cache_fini(&b.cache);
        arena_fini(&a);
        free((char *)b.text.ptr);
    }
    return 0;
}
