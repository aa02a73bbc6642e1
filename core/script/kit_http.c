#include "base/buf.h"
#include "http/h1_chunked.h"
#include "http/h1_parser.h"
#include "script/kit.h"

/* Whole messages out of bytes, read by the same code as the gateway's. */

enum { SPANS = 64 };

enum content { CONTENT_WHOLE, CONTENT_MORE, CONTENT_BAD };

static void set_str(lua_State *L, const char *key, struct str s)
{
    lua_pushlstring(L, s.ptr ? s.ptr : "", s.len);
    lua_setfield(L, -2, key);
}

/* fields: a list of {name, value}, in their order. */
static void set_fields(lua_State *L, const struct fields *fields)
{
    lua_createtable(L, (int)fields->count, 0);
    for (unsigned i = 0; i < fields->count; i++) {
        lua_createtable(L, 2, 0);
        lua_pushlstring(L, fields->items[i].name.ptr, fields->items[i].name.len);
        lua_rawseti(L, -2, 1);
        lua_pushlstring(L, fields->items[i].value.ptr, fields->items[i].value.len);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "fields");
}

/* Leaves the content on the stack when it is whole. *used: bytes of data it took. */
static enum content read_chunked(lua_State *L, struct str data, size_t *used)
{
    struct chunked chunked;
    struct iovec iov[SPANS];
    enum chunked_result result = CHUNKED_MORE;
    luaL_Buffer content;

    chunked_init(&chunked);
    luaL_buffinit(L, &content);
    *used = 0;
    do {
        size_t took;
        int count = 0;

        result = chunked_read(&chunked, data.ptr + *used, data.len - *used, &took, iov, SPANS, &count);
        *used += took;
        for (int i = 0; i < count; i++)
            luaL_addlstring(&content, iov[i].iov_base, iov[i].iov_len);
    } while (result == CHUNKED_FULL);
    luaL_pushresult(&content);
    if (result == CHUNKED_DONE)
        return CONTENT_WHOLE;
    lua_pop(L, 1);
    return result == CHUNKED_BAD ? CONTENT_BAD : CONTENT_MORE;
}

static enum content read_content(lua_State *L, enum framing framing, uint64_t length, struct str data,
                                 bool ended, size_t *used)
{
    switch (framing) {
    case FRAMING_NONE:
        *used = 0;
        lua_pushliteral(L, "");
        return CONTENT_WHOLE;
    case FRAMING_LENGTH:
        if (data.len < length)
            return CONTENT_MORE;
        *used = (size_t)length;
        lua_pushlstring(L, data.ptr, (size_t)length);
        return CONTENT_WHOLE;
    case FRAMING_CHUNKED: return read_chunked(L, data, used);
    case FRAMING_CLOSE:
        if (!ended)
            return CONTENT_MORE;
        *used = data.len;
        lua_pushlstring(L, data.ptr, data.len);
        return CONTENT_WHOLE;
    }
    return CONTENT_BAD;
}

static int push_fault(lua_State *L, struct arena *arena, const struct message_fault *fault)
{
    lua_pushnil(L);
    lua_pushinteger(L, fault->status);
    lua_pushstring(L, fault->text ? fault->text : "");
    arena_fini(arena);
    return 3;
}

static int push_more(lua_State *L, struct arena *arena)
{
    arena_fini(arena);
    lua_pushnil(L);
    lua_pushliteral(L, "more");
    return 2;
}

static const struct message_fault bad_content = {400, "broken content"};

/* What is left to read when the head of a message is known. */
struct rest {
    enum framing framing;
    uint64_t length;
    struct str data; /* behind the head */
    size_t head_len;
    bool ended; /* nothing comes any more */
    bool keep_alive;
};

/* The table of the head lies on top: completes it with the content, if that is whole. */
static int push_message(lua_State *L, struct arena *arena, const struct rest *r)
{
    size_t used = 0;
    enum content content = read_content(L, r->framing, r->length, r->data, r->ended, &used);

    if (content == CONTENT_BAD)
        return push_fault(L, arena, &bad_content);
    if (content == CONTENT_MORE) {
        push_more(L, arena);
        lua_pushvalue(L, -3);
        set_str(L, "partial", r->data);
        return 3;
    }
    lua_setfield(L, -2, "body");
    lua_pushboolean(L, r->keep_alive);
    lua_setfield(L, -2, "keep_alive");
    lua_pushnumber(L, (lua_Number)(r->head_len + used));
    arena_fini(arena);
    return 2;
}

/* read_request(bytes) -> {method, target, host, minor, expects_continue, fields, body, keep_alive}, used
 * -> nil, "more"[, head with what came in `partial`] while it is not whole; -> nil, status, reason */
int kit_read_request(lua_State *L)
{
    struct h1_parser parser;
    struct request request;
    struct arena arena;
    struct rest rest;
    struct str data;

    data.ptr = luaL_checklstring(L, 1, &data.len);
    arena_init(&arena, NULL);
    h1_parser_init(&parser, false, &arena, 0, 0);
    switch (h1_parse(&parser, data.ptr, data.len)) {
    case H1_MORE: return push_more(L, &arena);
    case H1_BAD: return push_fault(L, &arena, &parser.fault);
    case H1_DONE: break;
    }
    if (h1_parser_request(&parser, data.ptr, &request) != H1_DONE)
        return push_fault(L, &arena, &parser.fault);
    lua_newtable(L);
    set_str(L, "method", request.method);
    set_str(L, "target", request.target);
    set_str(L, "host", request.host);
    lua_pushinteger(L, request.minor);
    lua_setfield(L, -2, "minor");
    lua_pushboolean(L, request.expects_continue);
    lua_setfield(L, -2, "expects_continue");
    set_fields(L, &request.fields);
    rest = (struct rest){request.framing, request.length, str_slice(data, parser.head_len, data.len),
                         parser.head_len, false,          request.keep_alive};
    return push_message(L, &arena, &rest);
}

/* read_response(bytes, method, ended) -> {status, reason, minor, chunked, fields, body, keep_alive}, used
 * -> nil, "more"[, head with what came in `partial`] while it is not whole; -> nil, status, reason */
int kit_read_response(lua_State *L)
{
    struct h1_parser parser;
    struct response response;
    struct arena arena;
    struct rest rest;
    struct str data, method;
    bool ended = lua_toboolean(L, 3);

    data.ptr = luaL_checklstring(L, 1, &data.len);
    method.ptr = luaL_checklstring(L, 2, &method.len);
    arena_init(&arena, NULL);
    h1_parser_init(&parser, true, &arena, 0, 0);
    switch (h1_parse(&parser, data.ptr, data.len)) {
    case H1_MORE: return push_more(L, &arena);
    case H1_BAD: return push_fault(L, &arena, &parser.fault);
    case H1_DONE: break;
    }
    if (h1_parser_response(&parser, data.ptr, method, &response) != H1_DONE)
        return push_fault(L, &arena, &parser.fault);
    lua_newtable(L);
    lua_pushinteger(L, response.status);
    lua_setfield(L, -2, "status");
    set_str(L, "reason", response.reason);
    lua_pushinteger(L, response.minor);
    lua_setfield(L, -2, "minor");
    lua_pushboolean(L, response.framing == FRAMING_CHUNKED);
    lua_setfield(L, -2, "chunked");
    set_fields(L, &response.fields);
    rest = (struct rest){response.framing, response.length, str_slice(data, parser.head_len, data.len),
                         parser.head_len,  ended,           response.keep_alive};
    return push_message(L, &arena, &rest);
}
