/* merge - several responses as one (core.md 6.1): top-level members, in the order they are added; of members
 * with the same name the last stays. */
#ifndef GATEWAY_MERGE_H
#define GATEWAY_MERGE_H

#include "base/doc.h"

struct merge {
    struct arena *arena;
    struct node *data;  /* what there is; NULL before the first response */
    bool complete;      /* every part came, whole and not null */
    bool keeps_sources; /* the nodes that are added stay as they are: later steps read them */
};

void merge_init(struct merge *m, struct arena *arena, bool keeps_sources);
/* A response: an object, or null, which is one all the same but never complete beside others. */
void merge_add(struct merge *m, struct node *data, bool complete);
/* A part of which nothing came. */
void merge_miss(struct merge *m);

#endif
