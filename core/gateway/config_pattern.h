/* config_pattern - placeholders of endpoints and url_patterns: core.md 1.10. */
#ifndef GATEWAY_CONFIG_PATTERN_H
#define GATEWAY_CONFIG_PATTERN_H

#include "gateway/config.h"

/* "/" in front if it is missing. */
struct str pattern_slashed(struct arena *a, struct str path);

/* May no endpoint have this path (R-CFG-10)? */
bool pattern_is_forbidden(struct str path);

/* The names of an endpoint's placeholders in order, repeats included. wide: anywhere in a segment
 * (disable_rest). */
struct str_list pattern_endpoint_names(struct arena *a, struct str path, bool wide);

/* "/u/{id}" with the names ["id"] is "/u/:id". */
struct str pattern_route(struct arena *a, struct str path, const struct str_list *names);

/* The names of the parameters of a route: what stands between ":" and the end of the segment. */
struct str_list pattern_route_names(struct arena *a, struct str route);

/* Takes a url_pattern apart; its text becomes the internal form. names: the distinct placeholders, sorted. */
void pattern_parse(struct arena *a, struct str text, struct pattern *pattern, struct str_list *names);

/* A reference to an earlier reply or to a claim: resp0_x, JWT.sub (R-CFG-9). */
bool pattern_is_reference(struct str name);

/* The key of a parameter is its name with the first letter in upper case (R-CFG-14). */
struct str pattern_param_key(struct arena *a, struct str name);

/* Sorts and drops repeats, in place. */
void pattern_sort(struct str_list *names);

#endif
