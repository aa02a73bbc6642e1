/* Targets, queries and URLs: what is made of any bytes may stand on a request line, and means the same when
 * read again. */
#include "http/target.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool may_be_sent(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= 0x20 || (unsigned char)s.ptr[i] >= 0x7f)
            return false;
    }
    return s.len > 0;
}

static void check_path(struct arena *a, struct str text)
{
    struct str path, again, bad;

    if (percent_decode(a, text, &path, &bad)) {
        struct str encoded = path_encode(a, path, text);
        assert(encoded.len == 0 || may_be_sent(encoded));
        assert(percent_decode(a, encoded, &again, &bad) && str_equal(again, path));
    } else {
        assert(bad.len >= 1 && bad.len <= 3 && bad.ptr[0] == '%');
    }
    struct str clean = path_clean(a, text);
    assert(clean.ptr[0] == '/' && str_equal(path_clean(a, clean), clean));
}

static void check_query(struct arena *a, struct str text)
{
    struct query q, again;

    query_parse(a, text, &q);
    struct str formatted = query_format(a, &q);
    assert(formatted.len == 0 || may_be_sent(formatted));
    query_parse(a, formatted, &again);
    assert(again.count == q.count && str_equal(query_format(a, &again), formatted));
}

static void check_url(struct arena *a, struct str text, struct error *err)
{
    struct url base, url, again;
    struct target target;

    assert(url_parse(a, STR("http://user:x@base.test/a/b?c"), &base, err));
    bool ok = url_parse(a, text, &url, err);
    for (int i = 0; i < 2; i++) {
        if (ok) {
            assert(may_be_sent(url.target) && url.target.ptr[0] == '/');
            assert(target_parse(&target, STR("GET"), url.target));
            assert(authority_is_valid(url.authority) && url.host.len > 0);
            if (url.userinfo.len == 0)
                assert(url_parse(a, url.text, &again, err) && str_equal(again.target, url.target));
        }
        ok = url_resolve(a, &base, text, &url, err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct error *err = malloc(sizeof(*err));
    struct target target;
    char *copy = malloc(size + 1);

    memcpy(copy, data, size);
    char *exact = realloc(copy, size > 0 ? size : 1);
    struct str text = {exact, size};
    arena_init(&arena, NULL);
    for (int i = 0; i < 3; i++) {
        struct str method = i == 0 ? STR("GET") : i == 1 ? STR("CONNECT") : STR("OPTIONS");
        if (target_parse(&target, method, text))
            assert(authority_is_valid(target.authority));
    }
    check_path(&arena, text);
    check_query(&arena, text);
    check_url(&arena, text, err);
    arena_fini(&arena);
    free(exact);
    free(err);
    return 0;
}
