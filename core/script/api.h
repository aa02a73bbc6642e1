/* api - what plugins see of the gateway: one file per type, and what they share.
 *
 * The Lua side of the contract, with units and errors, is written down in lua/cuttle/meta.lua.
 */
#ifndef SCRIPT_API_H
#define SCRIPT_API_H

#include "http/field.h"
#include "script/box.h"
#include <lauxlib.h>
#include <lua.h>

struct script;

/* Makes every type, and leaves the table of C functions for lua/cuttle/boot.lua on the stack: `host`. */
void api_open(struct script *s);

/* Makes the metatable of a kind. methods become its __index unless the metamethods say otherwise; both lists
 * may be NULL. */
void api_type(struct script *s, enum box_kind kind, const luaL_Reg *methods, const luaL_Reg *metamethods);

void api_exchange_open(struct script *s);
void api_call_open(struct script *s);
void api_response_open(struct script *s);
void api_doc_open(struct script *s);
/* These add a table or functions to `host` at the top of the stack. */
void api_json_open(struct script *s);
void api_runtime_open(struct script *s);
void api_store_open(struct script *s);
void api_http_open(struct script *s);
void api_host_open(struct script *s);

/* --- fields: what exchange, call and responses have in common ------------------------------------- */

/* Each reads its arguments from index 2 on. */
int fields_lua_field(lua_State *L, const struct fields *f);
int fields_lua_lines(lua_State *L, const struct fields *f);
int fields_lua_names(lua_State *L, const struct fields *f);
int fields_lua_set(lua_State *L, struct fields *f);
int fields_lua_add(lua_State *L, struct fields *f);
/* The table {name = value | {value, ...}} at index (or nil) into f, copied; names sorted. Raises. */
void take_fields(lua_State *L, int index, struct fields *f);

#endif
