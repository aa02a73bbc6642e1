/* list - an intrusive, doubly linked list.
 *
 * A struct that is to be listed embeds a `struct list` as its link; the owner of
 * the list holds another one as its head. An initialised link that is on no list
 * points at itself, so list_remove may be called twice.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

struct list {
    struct list *prev;
    struct list *next;
};

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert_after(struct list *where, struct list *link)
{
    link->prev = where;
    link->next = where->next;
    where->next->prev = link;
    where->next = link;
}

static inline void list_push_front(struct list *head, struct list *link)
{
    list_insert_after(head, link);
}

static inline void list_push_back(struct list *head, struct list *link)
{
    list_insert_after(head->prev, link);
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* The body may remove the current link, and no other. */
#define list_each(head, link, after)                                                                         \
    for (struct list *link = (head)->next, *after = link->next; link != (head);                              \
         link = after, after = link->next)

#endif
