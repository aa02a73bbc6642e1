/* Any text as a configuration; if it is one, its routes, and paths made of the text's end against them.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Icore ... */
#include "gateway/config.h"
#include "gateway/config_dump.h"
#include "gateway/router.h"
#include <stdio.h>
#include <stdlib.h>

enum { PATH_MAX_BYTES = 64 };

static void match_path(const struct router *r, struct str method, struct str path)
{
    struct route_match match;
    struct arena a;

    arena_init(&a, NULL);
    enum match verdict = router_match(r, &a, method, path, &match);
    if (verdict == MATCH_FOUND && match.route->param_count > ROUTE_PARAMS_MAX)
        abort();
    /* never another host */
    if (verdict == MATCH_REDIRECT && (match.location.len == 0 || match.location.ptr[0] != '/' ||
                                      (match.location.len > 1 && match.location.ptr[1] == '/')))
        abort();
    arena_fini(&a);
}

static void match_some(const struct config *c, const struct router *r, struct str text)
{
    size_t from = text.len > PATH_MAX_BYTES ? text.len - PATH_MAX_BYTES : 0;
    struct arena a;

    arena_init(&a, NULL);
    struct str tail = arena_join(&a, STR("/"), str_slice(text, from, text.len));
    match_path(r, STR("GET"), tail);
    for (size_t i = 0; i < c->endpoint_count && i < 16; i++) {
        struct str route = c->endpoints[i].route;
        match_path(r, STR("GET"), route);
        match_path(r, c->endpoints[i].method, arena_join(&a, route, STR("/")));
        match_path(r, STR("POST"), arena_join(&a, route, tail));
        match_path(r, STR("OPTIONS"), arena_join(&a, tail, route));
    }
    arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct error err = {""};
    struct config *c = config_parse(text, "fuzz.json", NULL, &err);

    if (c == NULL)
        return 0;
    struct router *r = router_new(c, &err);
    if (r != NULL)
        match_some(c, r, text);
    router_free(r);
    FILE *nowhere = fopen("/dev/null", "w");
    if (nowhere != NULL) {
        config_dump(c, 3, " ", false, nowhere);
        fclose(nowhere);
    }
    config_free(c);
    return 0;
}
