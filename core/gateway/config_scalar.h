/* config_scalar - weak conversions of single values: core.md 1.2. */
#ifndef GATEWAY_CONFIG_SCALAR_H
#define GATEWAY_CONFIG_SCALAR_H

#include "base/arena.h"
#include "base/doc.h"
#include "base/error.h"

/* Each fails with KrakenD's reason: "cannot parse value as 'int': strconv.ParseInt: invalid syntax". null
 * gives zero. */
bool config_int(struct node *n, long *value, struct error *err);
bool config_bool(struct node *n, bool *value, struct error *err);
bool config_text(struct arena *a, struct node *n, struct str *value, struct error *err);
bool config_duration(struct node *n, int64_t *value, struct error *err);

/* "map", "slice", "string", "float64", "bool", "nil": as reasons call the kinds of values. */
const char *config_kind(const struct node *n);

#endif
