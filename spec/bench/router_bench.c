/* router_bench - nanoseconds per lookup, the best of many runs, on tables as users have them.
 *
 *     make lib LAYERS="base net http gateway" OUT=build/bench
 *     cc -O2 -D_GNU_SOURCE -Icore -o build/router_bench spec/bench/router_bench.c build/bench/core.so
 *     LD_LIBRARY_PATH=build/bench build/router_bench */
#include "gateway/router.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 50, LOOKUPS = 100000, PATHS_MAX = 4096 };

struct table {
    const char *name;
    unsigned services, resources; /* four endpoints for each resource of each service */
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct str make_config(struct arena *a, const struct table *t, struct str *paths, size_t *count)
{
    static const char *const shapes[] = {"", "/{id}", "/{id}/items", "/{id}/items/{item}"};
    static const char *const examples[] = {"", "/8675309", "/8675309/items", "/8675309/items/42"};
    struct str text = STR("{\"version\": 3, \"host\": [\"http://b.test\"], \"endpoints\": [");

    for (unsigned s = 0; s < t->services; s++)
        for (unsigned r = 0; r < t->resources; r++)
            for (unsigned k = 0; k < 4; k++) {
                text = arena_printf(
                    a, "%.*s%s{\"endpoint\": \"/api/v1/service%u/resource%u%s\", \"backend\": [{}]}",
                    STR_ARG(text), *count > 0 ? "," : "", s, r, shapes[k]);
                paths[(*count)++] = arena_printf(a, "/api/v1/service%u/resource%u%s", s, r, examples[k]);
            }
    return arena_join(a, text, STR("]}"));
}

static void measure(const struct table *t)
{
    struct route_match match;
    struct error err = {""};
    struct arena a;
    size_t count = 0;
    double best = 1e18;

    arena_init(&a, NULL);
    struct str *paths = arena_alloc(&a, PATHS_MAX * sizeof(*paths));
    struct config *c = config_parse(make_config(&a, t, paths, &count), "bench", NULL, &err);
    struct router *r = c != NULL ? router_new(c, &err) : NULL;
    if (r == NULL) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    for (int run = 0; run < RUNS; run++) {
        double start = now();
        for (size_t i = 0; i < LOOKUPS; i++)
            if (router_match(r, &a, STR("GET"), paths[i * 7 % count], &match) != MATCH_FOUND)
                abort();
        double each = (now() - start) / LOOKUPS;
        best = each < best ? each : best;
    }
    printf("%-8s %5zu endpoints  %6.1f ns\n", t->name, count, best);
    router_free(r);
    config_free(c);
    arena_fini(&a);
}

int main(void)
{
    static const struct table tables[] = {
        {"small", 1, 2}, {"median", 3, 3}, {"large", 10, 10}, {"huge", 25, 40}};

    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        measure(&tables[i]);
    return 0;
}
