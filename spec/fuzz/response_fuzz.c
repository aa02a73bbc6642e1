/* Heads of responses: in pieces they are read as in one, spans lie inside, and what is accepted is what it
 * should be. */
#include "head_fuzz.h"

static void check_response(struct h1_parser *p, const char *data, size_t len)
{
    struct response r = {.status = 0};

    if (h1_parser_response(p, data, len % 2 == 0 ? STR("GET") : STR("HEAD"), &r) != H1_DONE)
        return;
    assert(r.status >= 100 && r.status <= 999 && r.status != 101);
    assert(is_inside(r.reason, data, len) && field_value_is_valid(r.reason));
    assert(r.framing != FRAMING_CLOSE || !r.keep_alive);
    assert((r.framing == FRAMING_LENGTH) == (r.length > 0));
    check_fields(&r.fields, data, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_head(data, size, true, check_response);
}
