/* config_fields - the keys of a krakend.json: one row is parser, check and manual.
 *
 * A table belongs to a struct of config.h; a section (CONFIG_SECTION) is an object of the file whose values
 * stand in the struct of the table around it.
 */
#ifndef GATEWAY_CONFIG_FIELDS_H
#define GATEWAY_CONFIG_FIELDS_H

#include "base/str.h"

enum config_type {
    CONFIG_INT,      /* long */
    CONFIG_BOOL,     /* bool */
    CONFIG_TEXT,     /* struct str */
    CONFIG_DURATION, /* int64_t, ns */
    CONFIG_LIST,     /* struct str_list */
    CONFIG_RENAMES,  /* a pointer to struct doc_rename and, behind it, their count */
    CONFIG_OBJECT,   /* struct node *: an object, NULL if there is none */
    CONFIG_SECTION,  /* bool: is it there; its values go where `table` says, in the same struct */
    CONFIG_RECORDS,  /* a pointer to structs of `table` and, behind it, their count */
};

struct config_table;

struct config_row {
    const char *name;
    enum config_type type;
    size_t offset;
    const char *fallback; /* used when the key is absent, null, zero or empty; NULL: zero */
    const char *help;
    const struct config_table *table;
};

struct config_table {
    const char *title; /* where the keys stand: "endpoints[]" */
    const struct config_row *rows;
    size_t count;
    size_t size; /* of the struct */
};

/* The root; the other tables hang from it. */
const struct config_table *config_service_table(void);

const char *config_type_name(enum config_type type);

#endif
