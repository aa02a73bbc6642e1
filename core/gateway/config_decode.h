/* config_decode - values of a file into the structs of config.h, by tables of rows.
 *
 * Types convert as weakly as in KrakenD (core.md 1.2): "8080" is a number, 1 is a bool, a scalar is a list of
 * one. Keys match in any letter case, the exact spelling first. null is absent, unknown keys are not looked
 * at.
 *
 * Errors:  all of them are collected, one line for each: "'endpoints[0].timeout' time: unknown unit".
 */
#ifndef GATEWAY_CONFIG_DECODE_H
#define GATEWAY_CONFIG_DECODE_H

#include "base/arena.h"
#include "base/doc.h"
#include "base/error.h"
#include "gateway/config_fields.h"

/* Fills record, a struct of the table, from an object; texts live in the arena or in the document. */
bool config_decode(struct arena *a, const struct config_table *table, struct node *object, void *record,
                   struct error *err);

/* A member by name in any letter case, the exact spelling first; NULL if there is none or it is null. */
struct node *config_member(struct node *object, struct str name);

#endif
