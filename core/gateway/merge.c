#include "gateway/merge.h"

void merge_init(struct merge *m, struct arena *arena, bool keeps_sources)
{
    *m = (struct merge){.arena = arena, .complete = true, .keeps_sources = keeps_sources};
}

static bool is_null(const struct node *n)
{
    return node_type(n) == DOC_NULL;
}

void merge_add(struct merge *m, struct node *data, bool complete)
{
    m->complete = m->complete && complete;
    if (m->data == NULL) {
        m->data = data;
        return;
    }
    if (is_null(m->data) || is_null(data)) {
        m->complete = false;
        if (is_null(m->data))
            m->data = is_null(data) ? node_new_object(m->arena) : data;
        return;
    }
    node_merge(m->data, m->keeps_sources ? node_clone(m->arena, data) : data);
}

void merge_miss(struct merge *m)
{
    m->complete = false;
}
