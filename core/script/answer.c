#include "script/answer.h"

#include "script/api.h"
#include "script/state.h"
#include "script/value.h"
#include <string.h>

/* --- errors ------------------------------------------------------------------------------------- */

/* Pushes where the function of an entry is: "file:line: ". */
static void push_definition(lua_State *L, const struct entry *e)
{
    lua_Debug at;

    lua_rawgeti(L, LUA_REGISTRYINDEX, e->function);
    lua_getinfo(L, ">S", &at);
    lua_pushfstring(L, "%s:%d: ", at.short_src, at.linedefined);
}

/* Is the text of a line of that function's file already? */
static bool says_file(lua_State *L, const struct entry *e, const char *text)
{
    lua_Debug at;

    lua_rawgeti(L, LUA_REGISTRYINDEX, e->function);
    lua_getinfo(L, ">S", &at);
    return strncmp(text, at.short_src, strlen(at.short_src)) == 0;
}

/* Pushes onto L where in Lua the coroutine stands or has failed, "file:line: ", in front of a text that does
 * not say it. After a tail call nothing is left of the plugin's function but where it is. */
static void push_position(lua_State *L, lua_State *coroutine, const struct entry *e, const char *text)
{
    int innermost = lua_gettop(L) + 1;
    lua_Debug at;

    for (int level = 0; lua_getstack(coroutine, level, &at); level++) {
        lua_getinfo(coroutine, "Sl", &at);
        if (at.currentline <= 0)
            continue;
        lua_pushfstring(L, "%s:%d: ", at.short_src, at.currentline);
        if (strncmp(text, lua_tostring(L, -1), lua_objlen(L, -1)) == 0) {
            lua_pushliteral(L, "");
            lua_replace(L, innermost);
            lua_settop(L, innermost);
            return;
        }
        lua_settop(L, innermost);
    }
    if (lua_gettop(L) == innermost)
        return;
    if (says_file(L, e, text))
        lua_pushliteral(L, "");
    else
        push_definition(L, e);
}

/* The text of the value at the top, which may be of any type and may have no text. */
static const char *error_text(lua_State *L)
{
    if (lua_isstring(L, -1))
        return lua_tostring(L, -1);
    if (luaL_callmeta(L, -1, "__tostring") && lua_isstring(L, -1))
        return lua_tostring(L, -1);
    lua_pushfstring(L, "error of type %s", luaL_typename(L, -1));
    return lua_tostring(L, -1);
}

/* Formats what the coroutine failed with; runs protected, for __tostring may raise. On the main stack: the
 * run as light userdata; leaves the line. Nothing is pushed onto the coroutine: its stack may have
 * overflowed. */
static int describe_error(lua_State *L)
{
    struct run *run = lua_touserdata(L, 1);
    const char *text;

    lua_settop(L, 0);
    lua_xmove(run->L, L, 1);
    text = error_text(L);
    push_position(L, run->L, run->entry, text);
    lua_pushstring(L, text);
    lua_concat(L, 2);
    return 1;
}

/* Whose log line it is. */
static struct str place_name(const struct run *run)
{
    struct exchange *x = run->x;

    if (run->c != NULL)
        return arena_printf(x->arena, "[BACKEND: %.*s]", STR_ARG(run->c->backend->url_pattern.text));
    return x->plan != NULL ? x->plan->log_name : STR("[SERVICE: Plugins]");
}

static enum hook_result failed(struct run *run, const struct entry *e, const char *why,
                               struct answer_taken *taken)
{
    struct script *s = run->script;
    struct exchange *x = run->x;

    log_write(s->log, LOG_ERROR, "%.*s plugin %s, %s phase: %s", STR_ARG(place_name(run)), e->name,
              phase_name(run->phase), why);
    *taken = (struct answer_taken){.broken = true};
    taken->text = arena_printf(x->arena, "plugin %s failed in the %s phase", e->name, phase_name(run->phase));
    return HOOK_FAILED;
}

/* The function returned, but not what it may. */
static enum hook_result failed_by_return(struct run *run, const struct entry *e, const char *why,
                                         struct answer_taken *taken)
{
    lua_State *L = run->script->L;

    push_definition(L, e);
    lua_pushstring(L, why);
    lua_concat(L, 2);
    failed(run, e, lua_tostring(L, -1), taken);
    lua_pop(L, 1);
    return HOOK_FAILED;
}

/* Calls function(data) on the main state, which leaves its one result there; false: what it raised. */
static bool call_protected(lua_State *L, lua_CFunction function, void *data)
{
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, data);
    return lua_pcall(L, 1, 1, 0) == 0;
}

static enum hook_result failed_by_error(struct run *run, const struct entry *e, struct answer_taken *taken)
{
    lua_State *L = run->script->L;

    if (call_protected(L, describe_error, run))
        failed(run, e, lua_tostring(L, -1), taken);
    else
        failed_by_return(run, e, "an error without a text", taken);
    lua_pop(L, 1);
    return HOOK_FAILED;
}

/* --- answers ------------------------------------------------------------------------------------ */

/* Everything that may raise while a table becomes an answer; called protected on the main state. */
struct reading {
    struct script *s;
    struct run *run;
    struct answer_taken *taken;
};

static void read_status(lua_State *L, int table, struct answer_taken *taken)
{
    lua_Number status;

    lua_getfield(L, table, "status");
    if (lua_type(L, -1) != LUA_TNUMBER)
        luaL_error(L, "the answer's status: expected a number, got %s", luaL_typename(L, -1));
    status = lua_tonumber(L, -1);
    if (!(status >= 200 && status <= 999) || status != (int)status)
        luaL_error(L, "the answer's status %s is none", lua_tostring(L, -1));
    taken->status = (int)status;
    lua_pop(L, 1);
}

static void read_body(struct reading *r, lua_State *L, int table)
{
    struct arena *arena = r->run->x->arena;

    lua_getfield(L, table, "body");
    switch (lua_type(L, -1)) {
    case LUA_TNIL: break;
    case LUA_TSTRING:
    case LUA_TNUMBER: {
        size_t len;
        const char *text = lua_tolstring(L, -1, &len);

        r->taken->body = arena_copy(arena, (struct str){text, len});
        break;
    }
    default:
        r->taken->body = doc_text(arena, take_value(r->s, L, lua_gettop(L), arena));
        if (field_find_id(&r->taken->fields, FIELD_CONTENT_TYPE) == NULL)
            field_add_id(&r->taken->fields, FIELD_CONTENT_TYPE, STR("application/json"));
    }
    lua_pop(L, 1);
}

/* What somebody took for one of the four would be lost without a word. */
static void check_keys(lua_State *L, int table)
{
    static const char *const keys[] = {"status", "fields", "body", "reason"};

    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        bool known = false;

        for (size_t i = 0; i < ARRAY_LEN(keys) && lua_type(L, -2) == LUA_TSTRING; i++)
            known |= strcmp(lua_tostring(L, -2), keys[i]) == 0;
        if (!known && lua_type(L, -2) == LUA_TSTRING)
            luaL_error(L, "the answer has no \"%s\": it may have status, fields, body, reason",
                       lua_tostring(L, -2));
        if (!known)
            luaL_error(L, "the answer has a %s for a name: it may have status, fields, body, reason",
                       luaL_typename(L, -2));
    }
}

static int read_answer(lua_State *L)
{
    struct reading *r = lua_touserdata(L, 1);

    lua_settop(L, 0);
    lua_xmove(r->run->L, L, 1);
    check_keys(L, 1);
    read_status(L, 1, r->taken);
    lua_getfield(L, 1, "fields");
    take_fields(L, lua_gettop(L), &r->taken->fields);
    read_body(r, L, 1);
    lua_getfield(L, 1, "reason");
    if (!lua_isnil(L, -1) && !lua_isstring(L, -1))
        luaL_error(L, "the answer's reason: expected a text, got %s", luaL_typename(L, -1));
    if (!lua_isnil(L, -1))
        r->taken->text = arena_copy(r->run->x->arena, str_of(lua_tostring(L, -1)));
    return 0;
}

enum {
    MAY_ANSWER = 1 << PHASE_REQUEST | 1 << PHASE_PROXY | 1 << PHASE_CALL | 1 << PHASE_MERGED,
};

static enum hook_result answered(struct run *run, const struct entry *e, struct answer_taken *taken)
{
    lua_State *L = run->script->L;
    struct reading reading = {run->script, run, taken};
    enum hook_result result = HOOK_ANSWERED;

    if ((MAY_ANSWER & 1 << run->phase) == 0)
        return failed_by_return(run, e, "returned an answer (only in: request, proxy, call, merged)", taken);
    *taken = (struct answer_taken){0};
    fields_init(&taken->fields, run->x->arena);
    lua_settop(run->L, 1);
    if (!call_protected(L, read_answer, &reading))
        result = failed_by_return(run, e, lua_isstring(L, -1) ? lua_tostring(L, -1) : "an impossible answer",
                                  taken);
    lua_pop(L, 1);
    return result;
}

/* The function returned something. */
static enum hook_result take_value_returned(struct run *run, const struct entry *e,
                                            struct answer_taken *taken)
{
    lua_State *L = run->L;

    if (lua_isnil(L, 1) && lua_isnoneornil(L, 2)) {
        lua_settop(L, 0);
        return HOOK_NEXT;
    }
    if (lua_istable(L, 1))
        return answered(run, e, taken);
    if (run->failing && lua_islightuserdata(L, 1) && lua_touserdata(L, 1) == run) {
        *taken = (struct answer_taken){.text = run->failure};
        lua_settop(L, 0);
        return HOOK_FAILED;
    }
    if (lua_isnil(L, 1)) /* how functions tell a failure: it must not let the request pass */
        lua_pushfstring(L, "returned nil and a %s (expected nothing, an answer or call:fail)",
                        luaL_typename(L, 2));
    else
        lua_pushfstring(L, "returned a %s (expected nothing, an answer or call:fail)", luaL_typename(L, 1));
    return failed_by_return(run, e, lua_tostring(L, -1), taken);
}

enum hook_result answer_take(struct run *run, const struct entry *e, int status, struct answer_taken *taken)
{
    if (status == 0 && run->failing && lua_isnoneornil(run->L, 1))
        return failed_by_return(
            run, e, "called call:fail without returning what it gives: `return call:fail(text)`", taken);
    if (status == 0)
        return lua_gettop(run->L) == 0 ? HOOK_NEXT : take_value_returned(run, e, taken);
    if (status == LUA_YIELD)
        return failed_by_return(run, e, "yielded outside of a coroutine of its own", taken);
    return failed_by_error(run, e, taken);
}

enum hook_result answer_stopped(struct run *run, const struct entry *e, struct answer_taken *taken)
{
    struct arena *arena = run->x->arena;

    if (run->phase == PHASE_LOG)
        return HOOK_NEXT;
    *taken = (struct answer_taken){.status = 503};
    fields_init(&taken->fields, arena);
    taken->text = arena_printf(arena, "plugin %s is stopped: workers hung in it", e->name);
    return run->c != NULL ? HOOK_FAILED : HOOK_ANSWERED;
}

void answer_apply(struct exchange *x, struct call *c, enum hook_result result,
                  const struct answer_taken *taken)
{
    switch (result) {
    case HOOK_NEXT:
    case HOOK_WAIT: break;
    case HOOK_ANSWERED:
        if (c != NULL)
            call_answer(c, taken->status, &taken->fields, taken->body);
        else
            exchange_answer(x, taken->status, &taken->fields, taken->body, taken->text.ptr);
        break;
    case HOOK_FAILED:
        if (c != NULL)
            call_error(c, taken->status, taken->text, STR_NONE);
        else
            exchange_fail(x, taken->text.ptr);
        break;
    }
}
