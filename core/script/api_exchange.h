/* api_exchange - what the two files of the exchange's methods have in common. */
#ifndef SCRIPT_API_EXCHANGE_H
#define SCRIPT_API_EXCHANGE_H

#include "gateway/exchange.h"
#include "script/api.h"

enum { IN_EDIT = 1 << PHASE_REQUEST | 1 << PHASE_PROXY }; /* where the request may still be changed */

/* The exchange that is the first argument. They raise: "exchange is over", or a wrong phase. */
struct exchange *check_exchange(lua_State *L);
struct exchange *check_edit(lua_State *L, const char *function);
/* In the proxy phase the request is what the calls are made from, filtered; elsewhere it is the client's. */
bool sees_filtered(lua_State *L, const struct exchange *x);

/* Method, path and query: api_target.c. */
int exchange_lua_method(lua_State *L);
int exchange_lua_set_method(lua_State *L);
int exchange_lua_path(lua_State *L);
int exchange_lua_set_path(lua_State *L);
int exchange_lua_raw_query(lua_State *L);
int exchange_lua_query(lua_State *L);
int exchange_lua_query_table(lua_State *L);
int exchange_lua_set_query(lua_State *L);

#endif
