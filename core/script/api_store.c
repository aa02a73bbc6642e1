/* The store as one place sees it: its keys are behind the place's own name. */
#include "base/siphash.h"
#include "http/server.h"
#include "script/api.h"
#include "script/ffi.h"
#include "script/state.h"
#include <math.h>
#include <string.h>

struct store_box {
    struct box_head head;
    struct store_key scope; /* of the place */
};

/* Token buckets of one rate: what each take needs is made ready once. */
struct bucket_box {
    struct box_head head;
    struct script *script;
    struct store_key scope; /* the store's */
    struct store_key own;   /* of the bucket without a name */
    bool has_own;
    double rate, capacity;
    int64_t ttl;
};

static const double default_ttl = 3600; /* seconds */

static struct store *store_of(struct script *s)
{
    return s->worker != NULL ? s->worker->store : NULL;
}

/* While settings are checked there is no store, and no key is needed. */
static struct store_key check_key(lua_State *L, const struct store *store)
{
    const struct store_box *box = check_box(L, 1, BOX_STORE);
    struct str key = check_str(L, 2);

    return store != NULL ? store_key_within(box->scope, store_key(store, key)) : (struct store_key){0};
}

static int64_t check_ttl_or(lua_State *L, int index, double otherwise, double least)
{
    double ttl = luaL_optnumber(L, index, otherwise);

    luaL_argcheck(L, ttl > 0, index, "a time to live is above 0");
    if (ttl < least)
        ttl = least;
    return ttl >= 9e9 ? INT64_MAX / 2 : (int64_t)(ttl * 1e9);
}

static int64_t check_ttl(lua_State *L, int index)
{
    return check_ttl_or(L, index, default_ttl, 0);
}

/* Once a bucket is full again nobody can tell it from a new one, so it may go; not before. One second more is
 * for the clocks of the workers. */
static int64_t check_bucket_ttl(lua_State *L, int index, double rate, double capacity)
{
    double full = capacity / rate + 1;

    return check_ttl_or(L, index, full, full);
}

static void check_rate(lua_State *L, double rate, double capacity, int index)
{
    luaL_argcheck(L, rate > 0 && isfinite(rate), index, "a rate is above 0");
    luaL_argcheck(L, capacity >= 1, index + 1, "a capacity is 1 or more");
}

/* store:take(key, rate, capacity[, ttl]) -> 0 | seconds until a token is there */
static int store_lua_take(lua_State *L)
{
    struct script *s = script_of(L);
    struct store *store = store_of(s);
    struct store_key key = check_key(L, store);
    double rate = luaL_checknumber(L, 3), capacity = luaL_checknumber(L, 4);

    check_rate(L, rate, capacity, 3);
    int64_t ttl = check_bucket_ttl(L, 5, rate, capacity);
    if (store == NULL)
        lua_pushinteger(L, 0);
    else
        lua_pushnumber(L, (double)store_take(store, key, rate, capacity, ttl, script_now(s)) / 1e9);
    return 1;
}

/* --- buckets -------------------------------------------------------------------------------------- */

/* store:bucket(rate, capacity[, ttl]) -> bucket */
static int store_lua_bucket(lua_State *L)
{
    const struct store_box *store = check_box(L, 1, BOX_STORE);
    double rate = luaL_checknumber(L, 2), capacity = luaL_checknumber(L, 3);
    struct bucket_box *bucket;

    check_rate(L, rate, capacity, 2);
    int64_t ttl = check_bucket_ttl(L, 4, rate, capacity);
    bucket = push_box(script_of(L), L, BOX_BUCKET, sizeof(*bucket));
    bucket->script = script_of(L);
    bucket->scope = store->scope;
    bucket->has_own = false;
    bucket->rate = rate;
    bucket->capacity = capacity;
    bucket->ttl = ttl;
    return 1;
}

/* Of the bucket of all. */
static struct store_key own_key(struct bucket_box *bucket, const struct store *store)
{
    if (!bucket->has_own)
        bucket->own = store_key_within(bucket->scope, store_key(store, STR_NONE));
    bucket->has_own = true;
    return bucket->own;
}

static double take(const struct bucket_box *bucket, struct store *store, struct store_key key)
{
    int64_t now = script_now(bucket->script);

    return (double)store_take(store, key, bucket->rate, bucket->capacity, bucket->ttl, now) / 1e9;
}

/* The store, if that is a bucket and there is one. */
static struct store *bucket_store(struct bucket_box *bucket)
{
    return bucket != NULL ? store_of(bucket->script) : NULL;
}

double bucket_take_own(void *userdata)
{
    struct bucket_box *bucket = box_as(userdata, BOX_BUCKET);
    struct store *store = bucket_store(bucket);

    return store != NULL ? take(bucket, store, own_key(bucket, store)) : -1;
}

/* The key of a connection's peer is made once. */
static struct store_key client_key(const struct store *store, const struct exchange *x)
{
    struct peer *peer = x->stream->peer;
    struct store_key key;

    if (peer == NULL || x->client_ip.ptr != peer->ip.ptr)
        return store_key(store, x->client_ip);
    if (!peer->is_marked) {
        key = store_key(store, peer->ip);
        memcpy(peer->mark, key.half, sizeof(peer->mark));
        peer->is_marked = true;
    }
    return (struct store_key){{peer->mark[0], peer->mark[1]}};
}

/* A limit for each client runs for each request, and a string of its address would be made for this alone: so
 * an exchange stands for it. */
double bucket_take_exchange(void *userdata, void *exchange)
{
    struct bucket_box *bucket = box_as(userdata, BOX_BUCKET);
    struct store *store = bucket_store(bucket);
    const struct box *box = box_as(exchange, BOX_EXCHANGE);

    if (store == NULL || box == NULL || box->generation != box->life->generation)
        return -1;
    return take(bucket, store, store_key_within(bucket->scope, client_key(store, box->life->x)));
}

double bucket_take_key(void *userdata, const char *text, size_t len)
{
    struct bucket_box *bucket = box_as(userdata, BOX_BUCKET);
    struct store *store = bucket_store(bucket);
    struct str key = {text, len};

    if (store == NULL)
        return -1;
    return take(bucket, store, store_key_within(bucket->scope, store_key(store, key)));
}

/* bucket:take([key | exchange]) -> 0 | seconds until a token is there; lua/cuttle/bucket.lua comes here only
 * where there is no store, or something is wrong or rare. */
static int bucket_lua_take(lua_State *L)
{
    struct bucket_box *bucket = check_box(L, 1, BOX_BUCKET);
    double wait = 0;

    if (bucket_store(bucket) == NULL) {
        lua_pushnumber(L, 0);
        return 1;
    }
    switch (lua_type(L, 2)) {
    case LUA_TNONE:
    case LUA_TNIL: wait = bucket_take_own(bucket); break;
    case LUA_TUSERDATA:
        check_life(L, 2, BOX_EXCHANGE);
        wait = bucket_take_exchange(bucket, lua_touserdata(L, 2));
        break;
    default: {
        struct str key = check_str(L, 2);

        wait = bucket_take_key(bucket, key.ptr, key.len);
    }
    }
    lua_pushnumber(L, wait);
    return 1;
}

/* --- records and sums ------------------------------------------------------------------------------ */

/* store:read(key) -> version, a, b, c, d; version 0: there is nothing */
static int store_lua_read(lua_State *L)
{
    struct script *s = script_of(L);
    struct store *store = store_of(s);
    struct store_record record = {0};
    struct store_key key = check_key(L, store);

    if (store != NULL)
        store_read(store, key, script_now(s), &record);
    lua_pushnumber(L, (lua_Number)record.version);
    for (int i = 0; i < 4; i++)
        lua_pushnumber(L, record.value[i]);
    return 5;
}

/* store:write(key, version, a, b, c, d[, ttl]) -> boolean: false if it changed since that version was read */
static int store_lua_write(lua_State *L)
{
    struct script *s = script_of(L);
    struct store *store = store_of(s);
    struct store_record record;
    struct store_key key = check_key(L, store);
    int64_t ttl = check_ttl(L, 8);
    double version = luaL_checknumber(L, 3);

    luaL_argcheck(L, version >= 0 && version < 9007199254740992.0, 3, "not a version");
    record.version = (uint64_t)version;
    for (int i = 0; i < 4; i++)
        record.value[i] = luaL_optnumber(L, 4 + i, 0);
    lua_pushboolean(L, store == NULL || store_write(store, key, &record, ttl, script_now(s)));
    return 1;
}

/* store:add(key, amount[, ttl]) -> the sum */
static int store_lua_add(lua_State *L)
{
    struct script *s = script_of(L);
    struct store *store = store_of(s);
    struct store_key key = check_key(L, store);
    double amount = luaL_checknumber(L, 3);
    int64_t ttl = check_ttl(L, 4);

    lua_pushnumber(L, store != NULL ? store_add(store, key, amount, ttl, script_now(s)) : amount);
    return 1;
}

/* of: the scope that the name is in. Names come from the configuration, so no secret is needed. */
static void push_store(struct script *s, lua_State *L, const struct store_key *of, struct str name)
{
    struct store_box *box = push_box(s, L, BOX_STORE, sizeof(*box));
    struct siphash hash = siphash_of(of->half, name);

    box->scope = (struct store_key){{hash.half[0], hash.half[1]}};
}

/* store:part(name) -> store: another one, with keys of its own */
static int store_lua_part(lua_State *L)
{
    const struct store_box *box = check_box(L, 1, BOX_STORE);

    push_store(script_of(L), L, &box->scope, check_str(L, 2));
    return 1;
}

/* host.store(name) -> store: of the place that has this name */
static int host_store(lua_State *L)
{
    push_store(script_of(L), L, &(struct store_key){{0}}, check_str(L, 1));
    return 1;
}

static const luaL_Reg methods[] = {
    {"take", store_lua_take},
    {"read", store_lua_read},
    {"write", store_lua_write},
    {"add", store_lua_add},
    {"part", store_lua_part},
    {"bucket", store_lua_bucket},
    {NULL, NULL},
};

static const luaL_Reg bucket_methods[] = {{"take", bucket_lua_take}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"store", host_store}, {NULL, NULL}};

/* Puts lua/cuttle/bucket.lua in front of the bucket's take. */
static void use_ffi(struct script *s)
{
    lua_State *L = s->L;

    lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta_refs[BOX_BUCKET]);
    lua_getfield(L, -1, "__index");
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cuttle.bucket");
    lua_call(L, 1, 1);
    lua_getfield(L, -2, "take");
    lua_call(L, 1, 1);
    lua_setfield(L, -2, "take");
    lua_pop(L, 2);
}

void api_store_open(struct script *s)
{
    api_type(s, BOX_STORE, methods, NULL);
    api_type(s, BOX_BUCKET, bucket_methods, NULL);
    use_ffi(s);
    luaL_setfuncs(s->L, functions, 0);
}
