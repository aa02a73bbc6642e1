/* value - JSON nodes as Lua values and back.
 *
 *     null                  json.null          (light userdata NULL)
 *     true, false           boolean
 *     string                string
 *     number                number; an integer beyond 2^53: int64_t or uint64_t cdata
 *     object, array         a proxy (BOX_DOC), or tables where push_table says so
 */
#ifndef SCRIPT_VALUE_H
#define SCRIPT_VALUE_H

#include "base/doc.h"
#include "script/box.h"

enum { VALUE_MAX_DEPTH = 1000 }; /* of Lua tables that become JSON */

/* One value; containers as proxies of x's memory. n NULL pushes nil. */
void push_node(struct script *s, lua_State *L, struct exchange *x, struct node *n);
/* The whole value as Lua tables; arrays carry the metatable of json.array. */
void push_table(struct script *s, lua_State *L, struct node *n);
/* The value at index (absolute) as a node of arena a: scalars, tables, proxies (copied). Raises what is not
 * JSON. */
struct node *take_value(struct script *s, lua_State *L, int index, struct arena *a);

/* A copy of a container of x's memory for arena a, which may outlive x. */
struct node *copy_node(struct script *s, lua_State *L, struct exchange *x, struct node *n, struct arena *a);

/* The functions of lua/cuttle/int64.lua that carry big integers; the module's table is at the top and stays.
 */
void value_use_int64(struct script *s, lua_State *L);

#endif
