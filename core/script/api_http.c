/* runtime.http.request: a request of a plugin's own, over the worker's client. The phase waits for the whole
 * answer. */
#include "base/clock.h"
#include "base/mem.h"
#include "gateway/worker.h"
#include "http/client.h"
#include "script/api.h"
#include "script/run.h"
#include "script/state.h"
#include <ctype.h>

enum {
    CONTENT_MAX_OF_PLUGINS = 8 * 1024 * 1024, /* bytes of an answer */
    DEFAULT_TIMEOUT = 10,                     /* seconds */
};

struct own_request {
    struct run *run;
    struct arena arena;
    struct fetch_request request;
    struct fields fields;
    struct iovec body;
    struct fetch *fetch;
    struct timer timer; /* of the whole request */
};

static void free_request(void *ptr)
{
    struct own_request *own = ptr;

    arena_fini(&own->arena);
    mem_free(own);
}

/* Callers up the stack may still be inside the fetch, so its memory goes after the turn. */
static void end_request(struct own_request *own)
{
    struct env *env = own->run->script->worker->env;

    fetch_cancel(own->fetch);
    timer_fini(env, &own->timer);
    own->run->operation = NULL;
    env_release_with(env, free_request, own);
}

static void fail_request(struct own_request *own, const char *text)
{
    struct run *run = own->run;

    lua_pushnil(run->L);
    lua_pushstring(run->L, text);
    end_request(own);
    run_resume(run, 2);
}

static void cancel_request(struct run *run)
{
    end_request(run->operation);
}

static void on_timeout(struct timer *t)
{
    fail_request(container_of(t, struct own_request, timer), "timeout");
}

static void on_fail(struct fetch *f, enum fetch_failure why, const char *text)
{
    (void)why;
    fail_request(f->owner, text);
}

/* --- the answer --------------------------------------------------------------------------------- */

/* By name in lower case; lines of one name are joined, as RFC 9110 section 5.3 allows, but for Set-Cookie:
 * its first. */
static void push_fields(lua_State *L, const struct fields *f)
{
    lua_newtable(L);
    for (unsigned i = 0; i < f->count; i++) {
        const struct field *field = &f->items[i];
        luaL_Buffer name;

        luaL_buffinit(L, &name);
        for (size_t j = 0; j < field->name.len; j++)
            luaL_addchar(&name, (char)tolower((unsigned char)field->name.ptr[j]));
        luaL_pushresult(&name);
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            push_str(L, field->value);
        } else if (field->id != FIELD_SET_COOKIE) {
            lua_pushliteral(L, ", ");
            push_str(L, field->value);
            lua_concat(L, 3);
        }
        lua_rawset(L, -3);
    }
}

static void push_content(lua_State *L, const struct iovec *iov, int n)
{
    luaL_Buffer content;

    luaL_buffinit(L, &content);
    for (int i = 0; i < n; i++)
        luaL_addlstring(&content, iov[i].iov_base, iov[i].iov_len);
    luaL_pushresult(&content);
}

static void on_response(struct fetch *f, bool head, const struct iovec *iov, int n, bool end)
{
    struct own_request *own = f->owner;
    struct run *run = own->run;
    lua_State *L = run->L;

    (void)head;
    if (!end)
        return;
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, f->response.status);
    lua_setfield(L, -2, "status");
    push_fields(L, &f->response.fields);
    lua_setfield(L, -2, "fields");
    push_content(L, iov, n);
    lua_setfield(L, -2, "body");
    end_request(own);
    run_resume(run, 1);
}

static const struct fetch_events events = {
    .on_response = on_response,
    .on_fail = on_fail,
};

/* --- the request -------------------------------------------------------------------------------- */

/* Raw: a metamethod could use the scratch arena while it is in use here. */
static void push_option(lua_State *L, const char *key)
{
    lua_pushstring(L, key);
    lua_rawget(L, 1);
}

static struct str optional_text(lua_State *L, struct arena *a, const char *key, struct str otherwise)
{
    struct str text = otherwise;

    push_option(L, key);
    if (!lua_isnil(L, -1)) {
        if (!lua_isstring(L, -1))
            luaL_error(L, "runtime.http: %s: expected a text, got %s", key, luaL_typename(L, -1));
        text = arena_copy(a, check_str(L, lua_gettop(L)));
    }
    lua_pop(L, 1);
    return text;
}

static double check_timeout(lua_State *L)
{
    double seconds;

    push_option(L, "timeout");
    seconds = luaL_optnumber(L, -1, DEFAULT_TIMEOUT);
    if (!(seconds > 0 && seconds <= 3600))
        luaL_error(L, "runtime.http: timeout: expected seconds, above 0 and up to 3600");
    lua_pop(L, 1);
    return seconds;
}

/* Everything that raises, but for the URL, in the scratch arena. */
static void read_request(lua_State *L, struct arena *a, struct fetch_request *r, struct fields *fields,
                         struct iovec *body)
{
    struct str content = optional_text(L, a, "body", STR_NONE);

    r->method = optional_text(L, a, "method", STR("GET"));
    if (!field_name_is_valid(r->method))
        luaL_error(L, "runtime.http: method: not a method");
    fields_init(fields, a);
    push_option(L, "fields");
    take_fields(L, lua_gettop(L), fields);
    lua_pop(L, 1);
    *body = (struct iovec){(void *)(uintptr_t)content.ptr, content.len};
    r->body = content.ptr != NULL ? FETCH_BYTES : FETCH_NO_BODY;
    r->empty_length = content.ptr == NULL && method_sends_length(r->method);
    r->collect = CONTENT_MAX_OF_PLUGINS;
    r->gunzip_always = true;
}

/* request{url, method, fields, body, timeout} -> {status, fields, body} | nil, message */
static int http_request(lua_State *L)
{
    struct script *s = script_of(L);
    struct run *run = check_can_wait(s, L, "runtime.http");
    struct fetch_request read = {0};
    struct own_request *own;
    struct fields fields;
    struct iovec body;
    struct error err;
    struct arena *scratch;
    struct str url;
    double timeout;

    luaL_checktype(L, 1, LUA_TTABLE);
    timeout = check_timeout(L);
    scratch = script_scratch(s);
    url = optional_text(L, scratch, "url", STR_NONE);
    read_request(L, scratch, &read, &fields, &body);
    if (!url_parse(scratch, url, &read.url, &err)) {
        lua_pushnil(L);
        lua_pushstring(L, err.text);
        return 2;
    }
    /* From here on nothing raises: own would be lost. */
    own = mem_zalloc(sizeof(*own));
    own->run = run;
    arena_init(&own->arena, &s->worker->blocks);
    own->request = read;
    fields_init(&own->fields, &own->arena);
    fields_copy(&own->fields, &fields);
    own->request.fields = &own->fields;
    own->request.method = arena_copy(&own->arena, read.method);
    own->body.iov_base =
        (char *)(uintptr_t)arena_copy(&own->arena, (struct str){body.iov_base, body.iov_len}).ptr;
    own->body.iov_len = body.iov_len;
    own->request.iov = &own->body;
    own->request.iov_count = 1;
    url_parse(&own->arena, arena_copy(&own->arena, url), &own->request.url, &err);
    timer_init(&own->timer, on_timeout);
    timer_start(s->worker->env, &own->timer, (int64_t)(timeout * (double)SECOND));
    own->fetch = fetch_start(s->worker->client, &own->arena, &own->request, &events, own);
    run->operation = own;
    return run_wait(run, cancel_request);
}

static const luaL_Reg functions[] = {{"http_request", http_request}, {NULL, NULL}};

void api_http_open(struct script *s)
{
    luaL_setfuncs(s->L, functions, 0);
}
