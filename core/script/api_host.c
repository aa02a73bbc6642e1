/* host: what lua/cuttle/boot.lua needs of C to find, check and attach plugins. Plugins never see it. */
#include "base/doc.h"
#include "gateway/worker.h"
#include "script/api.h"
#include "script/state.h"
#include "script/value.h"
#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

/* host.list(path) -> {name = "file" | "folder"} | nil if path is no folder */
static int host_list(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    DIR *folder = opendir(path);
    struct dirent *item;

    if (folder == NULL) {
        lua_pushnil(L);
        return 1;
    }
    lua_newtable(L);
    while ((item = readdir(folder)) != NULL) {
        struct stat st;

        if (item->d_name[0] == '.' || fstatat(dirfd(folder), item->d_name, &st, 0) == -1)
            continue;
        lua_pushstring(L, S_ISDIR(st.st_mode) ? "folder" : "file");
        lua_setfield(L, -2, item->d_name);
    }
    closedir(folder);
    return 1;
}

/* The list of a str_list. */
static void push_list(lua_State *L, const struct str_list *list)
{
    lua_createtable(L, (int)list->count, 0);
    for (size_t i = 0; i < list->count; i++) {
        push_str(L, list->items[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

static void set_str(lua_State *L, const char *key, struct str value)
{
    push_str(L, value);
    lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, size_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, key);
}

static void set_boolean(lua_State *L, const char *key, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, key);
}

/* extra_config as a list of {namespace, settings} in the order of the file; null is as good as absent. */
static void set_extra(struct script *s, lua_State *L, struct node *extra)
{
    struct node_cursor cursor = {0};
    struct node *settings;
    struct str name;
    int count = 0;

    lua_newtable(L);
    while (node_next(extra, &cursor, &name, &settings)) {
        if (node_type(settings) == DOC_NULL)
            continue;
        lua_createtable(L, 2, 0);
        push_str(L, name);
        lua_rawseti(L, -2, 1);
        push_table(s, L, settings);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, ++count);
    }
    lua_setfield(L, -2, "extra");
}

/* The fields of a backend that say how its data is manipulated; nothing if there are none. */
static void set_manipulation(lua_State *L, const struct backend *b)
{
    if (b->encoding == ENCODING_NOOP)
        return;
    if (b->target.len + b->group.len + b->allow.count + b->deny.count + b->mapping_count == 0)
        return;
    lua_newtable(L);
    set_str(L, "target", b->target);
    set_str(L, "group", b->group);
    push_list(L, &b->allow);
    lua_setfield(L, -2, "allow");
    push_list(L, &b->deny);
    lua_setfield(L, -2, "deny");
    lua_createtable(L, 0, (int)b->mapping_count);
    for (size_t i = 0; i < b->mapping_count; i++) {
        struct str to = b->mapping[i].to;
        push_str(L, b->mapping[i].from);
        push_str(L, str_slice(to, 0, str_find_char(to, '.'))); /* of a path only its first name counts */
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "mapping");
    lua_setfield(L, -2, "manipulation");
}

static void set_seconds(lua_State *L, const char *name, int64_t ns)
{
    lua_pushnumber(L, (double)ns / 1e9);
    lua_setfield(L, -2, name);
}

/* No call takes longer: a shadow may outlive its endpoint's time (core.md R-SH-2). */
static int64_t longest_call(const struct backend *b)
{
    int64_t timeout = b->endpoint->timeout;

    return b->shadow && b->shadow_timeout > timeout ? b->shadow_timeout : timeout;
}

static void push_backend(struct script *s, lua_State *L, const struct backend *b)
{
    lua_newtable(L);
    set_seconds(L, "timeout", longest_call(b));
    set_integer(L, "id", b->id);
    set_str(L, "method", b->method_sent);
    set_str(L, "url_pattern", b->url_pattern.text);
    set_extra(s, L, b->extra);
    set_manipulation(L, b);
}

static void push_endpoint(struct script *s, lua_State *L, const struct endpoint *e)
{
    lua_newtable(L);
    set_integer(L, "id", e->id);
    set_str(L, "path", e->path);
    set_str(L, "route", e->route);
    set_str(L, "method", e->method);
    set_seconds(L, "timeout", e->timeout);
    set_boolean(L, "static", e->static_strategy != STATIC_NONE);
    set_extra(s, L, e->extra);
    lua_createtable(L, (int)e->backend_count, 0);
    for (size_t i = 0; i < e->backend_count; i++) {
        push_backend(s, L, &e->backends[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "backends");
}

static void set_plugin_options(struct script *s, lua_State *L)
{
    const struct plugin_options *options = &s->config->plugin;
    struct node *block = s->config->root != NULL ? node_get(s->config->root, STR("plugin")) : NULL;
    struct node *grants = block != NULL ? node_get(block, STR("grants")) : NULL;

    lua_newtable(L);
    set_boolean(L, "present", options->present);
    push_list(L, &options->folders);
    lua_setfield(L, -2, "folders");
    set_str(L, "pattern", options->pattern);
    if (grants != NULL)
        push_table(s, L, grants);
    else
        lua_newtable(L);
    lua_setfield(L, -2, "grants");
    lua_setfield(L, -2, "plugin");
}

/* host.service() -> {extra, plugin} */
static int host_service(lua_State *L)
{
    struct script *s = script_of(L);

    lua_newtable(L);
    set_extra(s, L, s->config->extra);
    set_plugin_options(s, L);
    return 1;
}

/* host.endpoint(index) -> {id, path, route, method, timeout, static, extra, backends} | nil beyond the last;
 * from 0
 */
static int host_endpoint(lua_State *L)
{
    struct script *s = script_of(L);
    size_t index = (size_t)luaL_checkinteger(L, 1);

    if (index < s->config->endpoint_count)
        push_endpoint(s, L, &s->config->endpoints[index]);
    else
        lua_pushnil(L);
    return 1;
}

static struct place *check_place(struct script *s, lua_State *L, int index, enum scope *scope)
{
    static const char *const scopes[] = {"service", "endpoint", "backend", NULL};
    struct place *place;

    *scope = (enum scope)luaL_checkoption(L, index, NULL, scopes);
    place = chains_place(&s->chains, *scope, (size_t)luaL_optinteger(L, index + 1, 0));
    luaL_argcheck(L, place != NULL, index + 1, "no such place");
    return place;
}

/* host.layers(scope, id, count): how many layers the place has */
static int host_layers(lua_State *L)
{
    enum scope scope;

    check_place(script_of(L), L, 1, &scope)->layers = (unsigned)luaL_checkinteger(L, 3);
    return 0;
}

/* host.add(scope, id, phase, layer, name, instance, function, number, ours, outer): appends to the place's
 * chain of the phase. Without a function: proxy.static is applied here. */
static int host_add(lua_State *L)
{
    struct script *s = script_of(L);
    struct entry e = {.function = LUA_NOREF, .instance = LUA_NOREF};
    struct str phase_text = check_str(L, 3);
    enum scope scope;
    enum phase phase;
    struct place *place = check_place(s, L, 1, &scope);
    struct str name = arena_copy(&s->chains.arena, check_str(L, 5));

    luaL_argcheck(L, phase_by_name(phase_text, &phase), 3, "no such phase");
    e.layer = (unsigned)luaL_checkinteger(L, 4);
    e.name = name.ptr;
    e.where = chain_where(&s->chains, name, phase);
    e.plugin = (int)luaL_optinteger(L, 8, -1);
    e.ours = lua_toboolean(L, 9);
    e.outer = lua_toboolean(L, 10);
    if (!lua_isnoneornil(L, 7)) {
        lua_pushvalue(L, 6);
        e.instance = luaL_ref(L, LUA_REGISTRYINDEX);
        lua_pushvalue(L, 7);
        e.function = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    chain_add(&s->chains, place, phase, &e);
    return 0;
}

static void want_all_bodies(struct chains *c)
{
    c->service_wants_body = true;
    for (size_t i = 0; i < c->endpoint_count; i++)
        c->wants_body[i] = 1;
}

/* host.wants(scope, id, what): what "body": requests are collected for the plugins of this place; "content":
 * replies of a no-op backend are */
static int host_wants(lua_State *L)
{
    static const char *const kinds[] = {"body", "content", NULL};
    struct script *s = script_of(L);
    int kind = luaL_checkoption(L, 3, NULL, kinds);
    size_t id = (size_t)luaL_optinteger(L, 2, 0);
    enum scope scope;

    check_place(s, L, 1, &scope);
    if (kind == 1)
        luaL_argcheck(L, scope == SCOPE_BACKEND, 1, "expected a backend");
    if (scope == SCOPE_BACKEND)
        s->chains.wants_content[id] = 1;
    else if (scope == SCOPE_ENDPOINT)
        s->chains.wants_body[id] = 1;
    else
        want_all_bodies(&s->chains);
    return 0;
}

/* host.enter(plugin, where): a plugin is loaded or built from here on; the watchdog tells where */
static int host_enter(lua_State *L)
{
    struct script *s = script_of(L);
    int plugin = (int)luaL_checkinteger(L, 1);
    const char *where = luaL_checkstring(L, 2);

    if (s->beat == NULL)
        return 0;
    snprintf(s->beat->where, sizeof(s->beat->where), "%s", where);
    atomic_store_explicit(&s->beat->plugin, plugin, memory_order_release);
    atomic_store_explicit(&s->beat->turn, ++s->loading_steps, memory_order_relaxed);
    return 0;
}

/* host.leave(): it has returned */
static int host_leave(lua_State *L)
{
    struct script *s = script_of(L);

    if (s->beat == NULL)
        return 0;
    atomic_store_explicit(&s->beat->turn, 0, memory_order_relaxed);
    atomic_store_explicit(&s->beat->plugin, -1, memory_order_release);
    return 0;
}

static const luaL_Reg functions[] = {
    {"enter", host_enter},     {"leave", host_leave},       {"list", host_list},
    {"service", host_service}, {"endpoint", host_endpoint}, {"layers", host_layers},
    {"add", host_add},         {"wants", host_wants},       {NULL, NULL},
};

void api_host_open(struct script *s)
{
    luaL_setfuncs(s->L, functions, 0);
}
