#include "gateway/sequence.h"

#include "gateway/go_text.h"
#include "gateway/proxy.h"

struct str sequence_text(struct arena *a, struct node *n)
{
    return node_type(n) == DOC_ARRAY ? go_text_elements(a, n, STR(",")) : go_text(a, n);
}

/* Steps into objects; where a step is missing the walk stays, and the last step is looked up there (R-SQ-5).
 */
static struct node *walk(struct node *data, struct str path)
{
    struct str rest = path;

    for (;;) {
        struct str step = str_split(&rest, '.');
        struct node *next = node_get(data, step);

        if (rest.ptr == NULL)
            return next;
        if (next == NULL || node_type(next) != DOC_OBJECT) {
            while (rest.ptr != NULL)
                step = str_split(&rest, '.');
            return node_get(data, step);
        }
        data = next;
    }
}

static bool find_text(struct exchange *x, const struct reference *r, struct str *text)
{
    const struct call *c = x->parts[r->from].result;
    struct node *value;

    if (c == NULL || c->failed)
        return false;
    if (r->path.len == 0) {
        *text = c->content;
        return c->backend->encoding == ENCODING_NOOP && c->has_content;
    }
    value = c->data != NULL ? walk(c->data, r->path) : NULL;
    if (value != NULL) /* a list that is null has no elements, as an empty one (R-SQ-7) */
        *text = value == c->null_list ? STR("") : sequence_text(x->arena, value);
    return value != NULL;
}

/* Once there is a text it stays; an empty one is none (R-SQ-6). */
static void resolve(struct exchange *x, const struct reference *r, size_t i)
{
    const struct param *known = exchange_param_by_key(x, r->key);
    struct str text;

    if (r->from >= i || (known != NULL && known->settled) || !find_text(x, r, &text))
        return;
    exchange_set_param(x, r->key, text)->settled = text.len > 0;
}

void sequence_resolve(struct exchange *x, size_t i)
{
    const struct backend_plan *plan = x->parts[i].plan;

    for (size_t k = 0; k < plan->reference_count; k++)
        resolve(x, &plan->references[k], i);
    for (size_t k = 0; k < x->plan->propagated_count; k++)
        resolve(x, &x->plan->propagated[k], i);
}
