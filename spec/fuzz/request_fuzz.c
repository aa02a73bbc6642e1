/* Heads of requests: in pieces they are read as in one, spans lie inside, and what is accepted is what it
 * should be. */
#include "head_fuzz.h"

static void check_request(struct h1_parser *p, const char *data, size_t len)
{
    struct request r = {.method = {NULL, 0}};

    if (h1_parser_request(p, data, &r) != H1_DONE) {
        assert(p->fault.status >= 400 && p->fault.text != NULL);
        return;
    }
    assert(field_name_is_valid(r.method));
    assert(is_inside(r.method, data, len) && is_inside(r.target, data, len));
    assert(is_inside(r.parts.query, data, len) && is_inside(r.parts.authority, data, len));
    assert(r.parts.form == TARGET_AUTHORITY || r.parts.path.ptr[0] == '/' || r.parts.path.ptr[0] == '*');
    assert(authority_is_valid(r.host));
    assert(r.framing != FRAMING_CLOSE);
    assert((r.framing == FRAMING_LENGTH) == (r.length > 0));
    check_fields(&r.fields, data, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_head(data, size, false, check_request);
}
