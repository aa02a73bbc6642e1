#include "gateway/decode.h"

static void fail(struct call *c, struct str why)
{
    c->failed = true;
    c->complete = false;
    c->data = NULL;
    c->failure = why;
}

static void fail_type(struct call *c, enum doc_type type, const char *wanted)
{
    fail(c, arena_printf(c->arena, "json: cannot unmarshal %s into Go value of type %s", doc_type_name(type),
                         wanted));
}

/* --- encodings -------------------------------------------------------------------------------- */

static struct node *wrap(struct call *c, struct str name, struct node *value)
{
    struct node *object = node_new_object(c->arena);

    node_set(object, name, value);
    return object;
}

static struct node *parse(struct call *c)
{
    struct error err;
    struct node *n;

    error_clear(&err);
    n = doc_parse(c->arena, c->content, DOC_FIRST, &err);
    if (n == NULL)
        fail(c, arena_copy(c->arena, str_of(err.text)));
    return n;
}

static void decode_list(struct call *c, struct node *n)
{
    if (node_type(n) != DOC_ARRAY && node_type(n) != DOC_NULL) {
        fail_type(c, node_type(n), "[]interface {}");
        return;
    }
    c->data = wrap(c, STR("collection"), n);
    c->null_list = node_type(n) == DOC_NULL ? n : NULL;
}

static void decode_json(struct call *c)
{
    struct node *n = parse(c);

    if (n == NULL)
        return;
    if (c->backend->is_collection)
        decode_list(c, n);
    else if (node_type(n) == DOC_OBJECT || node_type(n) == DOC_NULL)
        c->data = n;
    else
        fail_type(c, node_type(n), "map[string]interface {}");
}

static void decode_safejson(struct call *c)
{
    struct node *n = parse(c);

    if (n == NULL)
        return;
    switch (node_type(n)) {
    case DOC_OBJECT: c->data = n; return;
    case DOC_ARRAY: c->data = wrap(c, STR("collection"), n); return;
    case DOC_NULL:
    case DOC_FALSE:
    case DOC_TRUE:
    case DOC_NUMBER:
    case DOC_STRING: c->data = wrap(c, STR("content"), n); return;
    }
}

static void decode_content(struct call *c)
{
    switch (c->backend->encoding) {
    case ENCODING_JSON: decode_json(c); return;
    case ENCODING_SAFEJSON: decode_safejson(c); return;
    case ENCODING_STRING: c->data = wrap(c, STR("content"), node_new_string(c->arena, c->content)); return;
    case ENCODING_NOOP: c->data = node_new_object(c->arena); return;
    case ENCODING_NOTHING: c->data = node_new_null(c->arena); return;
    }
}

/* --- the status ------------------------------------------------------------------------------- */

/* "error_NAME": {status, content, type}. Not an error, but not complete. */
static void decode_error_details(struct call *c, struct str type)
{
    struct node *details = node_new_object(c->arena);

    node_set(details, STR("http_status_code"), node_new_int64(c->arena, c->status));
    if (c->content.len > 0)
        node_set(details, STR("http_body"), node_new_string(c->arena, c->content));
    if (type.len > 0)
        node_set(details, STR("http_body_encoding"), node_new_string(c->arena, type));
    c->data = wrap(c, arena_join(c->arena, STR("error_"), c->backend->return_error_details), details);
    c->is_error_details = true;
    c->complete = false;
}

static void decode_bad_status(struct call *c, struct str final_url)
{
    const struct backend *b = c->backend;
    struct str type = field_value(&c->reply_fields, STR("Content-Type"));

    if (b->return_error_details.len > 0) {
        decode_error_details(c, type);
        return;
    }
    fail(c, arena_printf(c->arena, "invalid status code %d [%.*s %.*s]: %.*s", c->status, STR_ARG(b->method),
                         STR_ARG(b->url_pattern.text), STR_ARG(final_url)));
    if (b->return_error_code && !b->return_error_details_set) {
        c->failure_status = c->status;
        c->failure_body = c->content;
        c->failure_type = type;
    }
}

static bool is_success(const struct call *c)
{
    return c->backend->encoding == ENCODING_NOOP || c->status == 200 || c->status == 201;
}

void decode_reply(struct call *c, struct str final_url)
{
    c->complete = true;
    if (is_success(c))
        decode_content(c);
    else
        decode_bad_status(c, final_url);
}

/* --- what broke off --------------------------------------------------------------------------- */

/* Only a bracket ends a value for sure: a number might go on. */
static bool begins_with_container(struct call *c)
{
    struct error err;
    struct node *n;

    if (c->backend->encoding != ENCODING_JSON && c->backend->encoding != ENCODING_SAFEJSON)
        return false;
    error_clear(&err);
    n = doc_parse(c->arena, c->content, DOC_FIRST, &err);
    return n != NULL && node_type(n) >= DOC_ARRAY;
}

bool decode_cut_reply(struct call *c, struct str final_url)
{
    bool needs_content = is_success(c) && c->backend->encoding != ENCODING_NOOP;

    if (needs_content && !begins_with_container(c))
        return false;
    if (!needs_content)
        c->content = STR_NONE;
    decode_reply(c, final_url);
    return true;
}
