/* doc_private - what the files of doc share: the checked text, its boxes, and the nodes over it. */
#ifndef BASE_DOC_PRIVATE_H
#define BASE_DOC_PRIVATE_H

#include "base/doc.h"

/* A container of a checked text. All of them, in the order in which they open, are the tape: the boxes inside
 * of box i are i + 1 up to, but without, boxes[i].next. */
struct doc_box {
    uint32_t open;  /* offset of its bracket */
    uint32_t close; /* offset of the bracket that closes it */
    uint32_t next;  /* while it is open: the box around it */
};

/* The work of a check: the text from the first byte of a value in, the extent of that value out. */
struct doc_check {
    struct arena *arena;
    struct str text;
    struct doc_box *boxes;
    uint32_t count;
    uint32_t cap;
    uint32_t end;    /* one past the value */
    bool ill_formed; /* strings hold bytes that are not UTF-8 */
};

/* Makes room for more boxes. */
void doc_check_reserve(struct doc_check *c, uint32_t more);

/* Byte by byte, with an explanation of what is wrong. */
bool doc_check_plain(struct doc_check *c, struct error *err);

/* 64 bytes at a time. The text must begin with a bracket. False if it is not valid, without saying why. */
bool doc_check_vector(struct doc_check *c);
bool doc_has_vector(void); /* can this machine run doc_check_vector? */

/* "unexpected EOF", or that the first character of rest is invalid there. Returns false. */
bool doc_complain(struct error *err, struct str rest, const char *where);

/* The text that nodes lie in. */
struct doc {
    struct arena *arena;
    const char *text;            /* what the offsets of boxes count from */
    const struct doc_box *boxes; /* NULL: valid, but not looked at yet */
};

/* A member or an element. It is free when it was taken out or lost against a later one of its name. */
struct doc_slot {
    struct str name;   /* unescaped; empty for elements */
    const char *start; /* where the member's name or the element begins in the text; NULL if that was not read
                          there */
    struct str value;  /* the text it was read from; {NULL, 0} if it was put here */
    struct node *node; /* NULL until somebody asks for it */
    uint32_t name_len; /* of the name in the text, with its quotes */
    uint32_t box;
    uint32_t hash;
};

struct doc_slots {
    struct doc_slot *items; /* in order */
    uint32_t count;
    uint32_t cap;
    uint32_t live;   /* those that are not free */
    uint32_t *table; /* from names to index + 1 by open addressing; NULL while there are few */
    uint32_t mask;
};

struct node {
    struct doc *doc; /* NULL for scalars that were made */
    struct node *parent;
    struct str text; /* where it was read; {NULL, 0} for what has no text: made containers and strings */
    union {
        struct str bytes;        /* a string, unescaped; ptr is NULL until it is asked for */
        struct doc_slots *slots; /* of a container; NULL until it is asked for */
    };
    uint32_t box;
    uint8_t type;
    bool changed; /* text is not what it is now; then so is its parent's */
};

/* Finds the boxes of a valid text. */
void doc_open(struct doc *doc, struct str text);

/* A value that lies in a text. box is its container's box. */
struct node *doc_node_new(struct doc *doc, struct str text, uint32_t box);

void doc_node_changed(struct node *n);

struct doc_slots *doc_slots_of(struct node *n); /* of a container, else NULL */
bool doc_slot_is_free(const struct doc_slot *slot);
enum doc_type doc_slot_type(const struct doc_slot *slot);
struct node *doc_slot_node(struct node *container, struct doc_slot *slot);
struct doc_slot *doc_slot_find(const struct doc_slots *slots, struct str name); /* NULL: none */
struct doc_slot *doc_slot_add(struct node *container);         /* at the end; not named yet */
void doc_slot_added(struct arena *a, struct doc_slots *slots); /* the last one has got its name and value */
void doc_slot_free(struct doc_slots *slots, struct doc_slot *slot);

/* Frees what a later slot of the same name replaces; to be called when slots were renamed. */
void doc_slots_index(struct arena *a, struct doc_slots *slots);

/* Reading a valid text. */
bool doc_is_space(char c);
const char *doc_skip_space(const char *ptr);
const char *doc_skip_string(const char *quote,
                            bool *escaped); /* from the opening to behind the closing quote */
enum doc_type doc_type_at(char first);
struct str doc_unescape(struct arena *a, struct str inner); /* what stands between the quotes */

#endif
