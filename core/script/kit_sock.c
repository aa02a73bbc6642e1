#include "base/buf.h"
#include "base/mem.h"
#include "net/listener.h"
#include "net/sim/sim.h"
#include "script/kit.h"
#include <string.h>
#include <unistd.h>

#define SOCK     "cuttle.kit.sock"
#define LISTENER "cuttle.kit.listener"

enum { QUEUE_MAX = 1 << 30, READ_SIZE = 65536 };

struct kit_sock {
    struct list link;
    struct world *world; /* NULL: closed */
    struct sock *sock;
    struct buf queue; /* written, but not yet taken */
    int fn;           /* on_event(sock, event, data) */
    int self;         /* keeps the userdata alive while it is open */
    bool connecting;
    bool paused;
    bool ended;   /* the peer's end was read */
    bool shut;    /* shutdown when the queue is out */
    bool closing; /* close when the queue is out */
};

struct kit_listener {
    struct list link;
    struct world *world;
    struct listener *listener;
    int fd; /* of a real one, else -1 */
    int fn;
    int self;
};

/* --- events ------------------------------------------------------------------------------------------ */

static void watch(struct kit_sock *s)
{
    unsigned want = 0;

    if (s->connecting || buf_len(&s->queue) > 0)
        want |= SOCK_WRITE;
    if (!s->connecting && !s->paused && !s->ended)
        want |= SOCK_READ;
    sock_want(s->sock, want);
}

static void forget(struct kit_sock *s, bool reset)
{
    lua_State *L = s->world->L;

    if (reset)
        sock_reset(s->sock);
    else
        sock_close(s->sock);
    list_remove(&s->link);
    buf_fini(&s->queue);
    luaL_unref(L, LUA_REGISTRYINDEX, s->fn);
    luaL_unref(L, LUA_REGISTRYINDEX, s->self);
    s->world = NULL;
}

/* Calls on_event(sock, event[, data]). */
static void tell(struct kit_sock *s, const char *event, const char *data, size_t len)
{
    struct world *w = s->world;

    if (s->fn == LUA_REFNIL || s->fn == LUA_NOREF)
        return;
    lua_rawgeti(w->L, LUA_REGISTRYINDEX, s->fn);
    lua_rawgeti(w->L, LUA_REGISTRYINDEX, s->self);
    lua_pushstring(w->L, event);
    if (data)
        lua_pushlstring(w->L, data, len);
    else
        lua_pushnil(w->L);
    kit_call(w, 3);
}

static void fail(struct kit_sock *s)
{
    const char *why = strerror(s->sock->error);

    s->ended = true;
    tell(s, "error", why, strlen(why));
    if (s->world)
        forget(s, false);
}

/* False: the sock is gone. */
static bool flush(struct kit_sock *s)
{
    while (buf_len(&s->queue) > 0) {
        struct iovec iov = {(void *)buf_head(&s->queue), buf_len(&s->queue)};
        size_t sent;

        switch (sock_write(s->sock, &iov, 1, &sent)) {
        case IO_OK: buf_consume(&s->queue, sent); break;
        case IO_AGAIN: watch(s); return true;
        case IO_EOF:
        case IO_ERROR: fail(s); return false;
        }
    }
    if (s->shut)
        sock_shutdown(s->sock);
    s->shut = false;
    if (s->closing) {
        forget(s, false);
        return false;
    }
    watch(s);
    return true;
}

static void receive(struct kit_sock *s)
{
    char data[READ_SIZE];
    size_t got;

    switch (sock_read(s->sock, data, sizeof(data), &got)) {
    case IO_OK: tell(s, "data", data, got); return;
    case IO_AGAIN: return;
    case IO_EOF:
        s->ended = true;
        watch(s);
        tell(s, "end", NULL, 0);
        return;
    case IO_ERROR: fail(s); return;
    }
}

static void on_ready(struct sock *sock, unsigned ready)
{
    struct kit_sock *s = sock->owner;

    if (s->connecting) {
        if (!sock_connected(sock)) {
            fail(s);
            return;
        }
        s->connecting = false;
        tell(s, "open", NULL, 0);
        if (!s->world || !flush(s))
            return;
    }
    if ((ready & SOCK_WRITE) && !flush(s))
        return;
    if ((ready & SOCK_READ) && s->world && !s->paused && !s->ended)
        receive(s);
}

/* --- sock ----------------------------------------------------------------------------------------------- */

/* Leaves the new userdata on the stack. */
static struct kit_sock *push_sock(lua_State *L, struct world *w, struct sock *sock)
{
    struct kit_sock *s = lua_newuserdata(L, sizeof(*s));

    *s = (struct kit_sock){.world = w, .sock = sock, .fn = LUA_NOREF};
    buf_init(&s->queue, QUEUE_MAX);
    list_push_back(&w->socks, &s->link);
    sock->on_ready = on_ready;
    sock->owner = s;
    luaL_getmetatable(L, SOCK);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    s->self = luaL_ref(L, LUA_REGISTRYINDEX);
    return s;
}

static struct kit_sock *check_sock(lua_State *L)
{
    struct kit_sock *s = luaL_checkudata(L, 1, SOCK);

    if (s->world)
        s->world->L = L;
    return s;
}

/* sock:on(fn): fn(sock, "open"|"data"|"end"|"error", bytes or text) */
static int sock_on(lua_State *L)
{
    struct kit_sock *s = check_sock(L);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (!s->world)
        return 0;
    luaL_unref(L, LUA_REGISTRYINDEX, s->fn);
    lua_pushvalue(L, 2);
    s->fn = luaL_ref(L, LUA_REGISTRYINDEX);
    watch(s);
    return 0;
}

/* sock:write(bytes) -> boolean: false when it is closed */
static int sock_write_bytes(lua_State *L)
{
    struct kit_sock *s = check_sock(L);
    size_t len;
    const char *data = luaL_checklstring(L, 2, &len);

    if (s->world && !buf_append(&s->queue, data, len))
        return luaL_error(L, "more than 1 GiB is waiting");
    if (s->world && !s->connecting)
        flush(s);
    lua_pushboolean(L, s->world != NULL);
    return 1;
}

/* sock:shutdown(): no more bytes after those written */
static int sock_end(lua_State *L)
{
    struct kit_sock *s = check_sock(L);

    if (!s->world)
        return 0;
    s->shut = true;
    if (!s->connecting)
        flush(s);
    return 0;
}

/* sock:close(): after the bytes written */
static int sock_finish(lua_State *L)
{
    struct kit_sock *s = check_sock(L);

    if (!s->world)
        return 0;
    s->closing = true;
    if (s->connecting)
        forget(s, false);
    else
        flush(s);
    return 0;
}

/* sock:reset(): at once, so that the peer sees a reset */
static int sock_break(lua_State *L)
{
    struct kit_sock *s = check_sock(L);

    if (s->world)
        forget(s, true);
    return 0;
}

/* sock:pause(boolean): true stops reading, so that the peer feels it */
static int sock_pause(lua_State *L)
{
    struct kit_sock *s = check_sock(L);

    s->paused = lua_toboolean(L, 2);
    if (s->world)
        watch(s);
    return 0;
}

/* sock:queued() -> bytes that the peer has not taken yet */
static int sock_queued(lua_State *L)
{
    struct kit_sock *s = check_sock(L);

    lua_pushnumber(L, s->world ? (lua_Number)buf_len(&s->queue) : 0);
    return 1;
}

/* sock:is_open() -> boolean */
static int sock_is_open(lua_State *L)
{
    lua_pushboolean(L, check_sock(L)->world != NULL);
    return 1;
}

static struct addr check_addr(lua_State *L, int index, int port)
{
    struct str ip;
    struct addr addr;

    ip.ptr = luaL_checklstring(L, index, &ip.len);
    if (!addr_parse(&addr, ip, (uint16_t)port))
        luaL_argerror(L, index, "an address expected");
    return addr;
}

/* world:connect(ip, port, on_event[, from]) -> sock | nil, why: from, in a simulated world: the client's ip
 */
int kit_world_connect(lua_State *L)
{
    struct world *w = kit_check_world(L, 1);
    struct addr to = check_addr(L, 2, luaL_checkint(L, 3)), from = {0};
    bool has_from = !lua_isnoneornil(L, 5);
    struct sock *sock;
    struct kit_sock *s;
    int error;

    luaL_checktype(L, 4, LUA_TFUNCTION);
    luaL_argcheck(L, !has_from || !w->real, 5, "only in a simulated world");
    if (has_from)
        from = check_addr(L, 5, 0);
    w->L = L;
    sock = w->real ? env_connect(w->env, &to, &(struct dial_options){0}, &error)
                   : sim_connect_from(w->env, has_from ? &from : NULL, &to, &error);
    if (!sock) {
        lua_pushnil(L);
        lua_pushstring(L, strerror(error));
        return 2;
    }
    s = push_sock(L, w, sock);
    s->connecting = true;
    lua_pushvalue(L, 4);
    s->fn = luaL_ref(L, LUA_REGISTRYINDEX);
    watch(s);
    return 1;
}

/* --- listener ------------------------------------------------------------------------------------------- */

static void on_accept(struct listener *listener, struct sock *sock)
{
    struct kit_listener *l = listener->owner;
    struct world *w = l->world;

    lua_rawgeti(w->L, LUA_REGISTRYINDEX, l->fn);
    watch(push_sock(w->L, w, sock));
    kit_call(w, 1);
}

static void forget_listener(struct kit_listener *l, lua_State *L)
{
    listener_close(l->listener);
    if (l->fd >= 0)
        close(l->fd);
    list_remove(&l->link);
    luaL_unref(L, LUA_REGISTRYINDEX, l->fn);
    luaL_unref(L, LUA_REGISTRYINDEX, l->self);
    l->world = NULL;
}

static int open_listener(lua_State *L, struct kit_listener *l, struct str ip, uint16_t port, struct addr *at)
{
    struct world *w = l->world;
    struct error err;

    if (w->real) {
        l->fd = listener_open(ip, port, false, &err);
        if (l->fd < 0)
            return luaL_error(L, "%s", err.text);
        addr_set_port(at, listener_port(l->fd));
        l->listener = loop_listen(w->env, l->fd, on_accept, l);
        return 0;
    }
    l->listener = sim_listen(w->env, at, on_accept, l, &err);
    if (!l->listener)
        return luaL_error(L, "%s", err.text);
    sim_listener_addr(l->listener, at);
    return 0;
}

/* world:listen(ip, port, on_accept(sock)) -> listener, port; port 0: any free one */
int kit_world_listen(lua_State *L)
{
    struct world *w = kit_check_world(L, 1);
    struct kit_listener *l;
    struct str ip;
    struct addr at;
    uint16_t port = (uint16_t)luaL_checkint(L, 3);

    ip.ptr = luaL_checklstring(L, 2, &ip.len);
    if (!addr_parse(&at, ip, port))
        return luaL_argerror(L, 2, "an address expected");
    luaL_checktype(L, 4, LUA_TFUNCTION);
    l = lua_newuserdata(L, sizeof(*l));
    *l = (struct kit_listener){.world = w, .fd = -1};
    open_listener(L, l, ip, port, &at);
    list_push_back(&w->listeners, &l->link);
    luaL_getmetatable(L, LISTENER);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, 4);
    l->fn = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, -1);
    l->self = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushinteger(L, addr_port(&at));
    return 2;
}

/* listener:close() */
static int listener_end(lua_State *L)
{
    struct kit_listener *l = luaL_checkudata(L, 1, LISTENER);

    if (l->world)
        forget_listener(l, L);
    return 0;
}

void kit_close_socks(struct world *w)
{
    list_each (&w->socks, link, after)
        forget(container_of(link, struct kit_sock, link), false);
    list_each (&w->listeners, listener, next)
        forget_listener(container_of(listener, struct kit_listener, link), w->L);
}

static const luaL_Reg sock_methods[] = {
    {"on", sock_on},         {"write", sock_write_bytes}, {"shutdown", sock_end},
    {"close", sock_finish},  {"reset", sock_break},       {"pause", sock_pause},
    {"queued", sock_queued}, {"is_open", sock_is_open},   {NULL, NULL},
};

static const luaL_Reg listener_methods[] = {
    {"close", listener_end},
    {NULL, NULL},
};

void kit_open_sock(lua_State *L)
{
    kit_open_type(L, SOCK, sock_methods);
    kit_open_type(L, LISTENER, listener_methods);
}
