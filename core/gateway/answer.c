#include "gateway/answer.h"

#include "gateway/proxy.h"
#include "gateway/sniff.h"
#include "http/server.h"

enum { OWN_FIELDS = 4 }; /* X-Krakend, X-Krakend-Completed, Cache-Control, Content-Type */

void answer_set(struct exchange *x, int status, struct str type, struct str body)
{
    x->answer = (struct answer){.status = status, .has_body = true, .body = body};
    fields_init(&x->answer.fields, x->arena);
    fields_reserve(&x->answer.fields, OWN_FIELDS);
    if (type.len > 0)
        field_add_id(&x->answer.fields, FIELD_CONTENT_TYPE, type);
}

/* --- the log ---------------------------------------------------------------------------------- */

/* Each failure under the line of the access log too: "Error #01: ...", counted from one. */
static void note_failure(struct exchange *x, unsigned i, struct str text)
{
    x->log_error = i == 0 ? text
                          : arena_printf(x->arena, "%.*s\nError #%02u: %.*s", STR_ARG(x->log_error), i + 1,
                                         STR_ARG(text));
}

static void log_failures(struct exchange *x)
{
    struct log *log = x->worker->log;
    struct str name = x->plan->log_name;
    unsigned i = 0;

    if (!x->failed)
        return;
    if (x->failures == NULL) {
        note_failure(x, 0, x->error_text);
        if (!x->error_is_logged)
            log_write(log, LOG_ERROR, "%.*s %.*s", STR_ARG(name), STR_ARG(x->error_text));
        return;
    }
    for (const struct failure_text *f = x->failures; f != NULL; f = f->next, i++) {
        note_failure(x, i, f->text);
        if (x->is_merge_error)
            log_write(log, LOG_ERROR, "%.*s Error #%u: %.*s", STR_ARG(name), i, STR_ARG(f->text));
        else
            log_write(log, LOG_ERROR, "%.*s %.*s", STR_ARG(name), STR_ARG(f->text));
    }
}

/* --- fields ----------------------------------------------------------------------------------- */

static void add_version(struct exchange *x, bool complete)
{
    field_add_id(&x->answer.fields, FIELD_X_KRAKEND, x->worker->plans->version);
    field_add_id(&x->answer.fields, FIELD_X_KRAKEND_COMPLETED, complete ? STR("true") : STR("false"));
}

static struct str output_type(enum output output)
{
    switch (output) {
    case OUTPUT_JSON:
    case OUTPUT_JSON_COLLECTION: return STR("application/json; charset=utf-8");
    case OUTPUT_STRING: return STR("text/plain; charset=utf-8");
    case OUTPUT_NOOP: break;
    }
    return STR_NONE;
}

/* A 426 says to the client what it has to upgrade to (RFC 9110 section 15.5.22). */
static void take_upgrades(struct exchange *x, const struct fields *reply)
{
    for (unsigned i = 0; i < reply->count; i++) {
        if (reply->items[i].id == FIELD_UPGRADE)
            field_add_copy(&x->answer.fields, &reply->items[i]);
    }
}

/* A no-op backend's fields, but those of its connection, which end here (RFC 9110 section 7.6.1); its content
 * if a plugin had it collected, or answered itself. */
static void take_reply(struct exchange *x, struct call *c)
{
    struct fields *reply = &c->reply_fields;

    if (x->answer.status == 426)
        take_upgrades(x, reply);
    if (c->has_content) {
        x->answer.has_body = true;
        x->answer.body = c->content;
    }
    fields_remove_hop_by_hop(reply);
    for (unsigned i = 0; i < reply->count; i++) {
        if (reply->items[i].id != FIELD_CONTENT_LENGTH)
            field_add_copy(&x->answer.fields, &reply->items[i]);
    }
}

/* An error reaches the client only when there is no response; its text only with return_error_msg
 * (core.md 7.6). */
static void make_error(struct exchange *x)
{
    const struct router_options *options = &x->worker->config->router;
    struct str text = options->return_error_msg ? x->error_text : STR_NONE;
    struct str type = STR_NONE;

    if (options->return_error_msg && x->error_type.len > 0)
        type = x->error_type;
    else if (text.len > 0)
        type = sniff_type(text);
    answer_set(x, x->error_status, type, text);
    add_version(x, false);
}

void answer_begin(struct exchange *x)
{
    struct call *c = x->streaming;

    x->answer.status = c != NULL ? c->status : 200;
    fields_init(&x->answer.fields, x->arena);
    if (c != NULL)
        take_reply(x, c);
}

static bool has_data(const struct exchange *x)
{
    return x->has_response && x->data != NULL && node_count(x->data) > 0;
}

static void add_own_fields(struct exchange *x)
{
    bool complete = has_data(x) && x->complete;

    add_version(x, complete);
    if (complete && x->endpoint->cache_control.len > 0)
        field_add_id(&x->answer.fields, FIELD_CACHE_CONTROL, x->endpoint->cache_control);
}

/* Behind our fields, those that hooks of the merged phase left. */
static void add_edited_fields(struct exchange *x, const struct fields *edited)
{
    fields_init(&x->answer.fields, x->arena);
    fields_reserve(&x->answer.fields, OWN_FIELDS + edited->count);
    add_own_fields(x);
    for (unsigned i = 0; i < edited->count; i++)
        field_add_copy(&x->answer.fields, &edited->items[i]);
}

static void add_fields(struct exchange *x)
{
    struct call *c = x->streaming;

    x->answer.status = c != NULL ? c->status : 200;
    fields_init(&x->answer.fields, x->arena);
    fields_reserve(&x->answer.fields, OWN_FIELDS + (c != NULL ? c->reply_fields.count : 0));
    add_own_fields(x);
    if (c != NULL)
        take_reply(x, c);
}

/* The reply that nothing was merged with, if a no-op backend made it: its fields go where its content does
 * not. NULL: there is none. */
static struct call *find_lone_noop(const struct exchange *x)
{
    struct call *only = NULL;
    size_t replies = 0;

    for (size_t i = 0; i < x->part_count; i++) {
        struct call *c = x->parts[i].result;

        if (c == NULL || c->failed)
            continue;
        only = c;
        replies++;
    }
    return replies == 1 && only->backend->encoding == ENCODING_NOOP && !only->plan->streams ? only : NULL;
}

/* Beside data that others made, those of a no-op backend, but for what describes its content. */
static void add_lone_fields(struct exchange *x, struct fields *reply)
{
    bool typed = field_find_id(&x->answer.fields, FIELD_CONTENT_TYPE) != NULL;

    fields_remove_hop_by_hop(reply);
    for (unsigned i = 0; i < reply->count; i++) {
        enum field_id id = reply->items[i].id;

        if (id == FIELD_CONTENT_LENGTH || id == FIELD_CONTENT_ENCODING)
            continue;
        if (id != FIELD_CONTENT_TYPE || !typed)
            field_add_copy(&x->answer.fields, &reply->items[i]);
    }
}

static void make_response(struct exchange *x)
{
    struct fields edited = x->answer.fields;
    struct str type = output_type(x->endpoint->output);
    struct call *noop = has_data(x) ? find_lone_noop(x) : NULL;

    if (edited.arena != NULL)
        add_edited_fields(x, &edited);
    else
        add_fields(x);
    if (noop != NULL)
        add_lone_fields(x, &noop->reply_fields);
    if (x->streaming == NULL && type.len > 0 && field_find_id(&x->answer.fields, FIELD_CONTENT_TYPE) == NULL)
        field_add_id(&x->answer.fields, FIELD_CONTENT_TYPE, type);
}

static void make_answer(struct exchange *x)
{
    if (x->has_response)
        make_response(x);
    else if (x->failed)
        make_error(x);
    else if (x->endpoint->output == OUTPUT_NOOP)
        answer_set(x, 500, STR_NONE, STR_NONE);
    else
        make_response(x);
}

void answer_make(struct exchange *x)
{
    log_failures(x);
    make_answer(x);
    if (x->answer.status == 304) /* RFC 9110 section 15.4.5: it describes no content */
        field_remove_id(&x->answer.fields, FIELD_CONTENT_TYPE);
}

/* --- content ---------------------------------------------------------------------------------- */

static void one_span(struct exchange *x, struct str text, struct doc_spans *out)
{
    struct iovec *iov = arena_alloc(x->arena, sizeof(*iov));

    *iov = (struct iovec){(void *)text.ptr, text.len};
    *out = (struct doc_spans){iov, text.len > 0, text.len};
}

static void render_node(struct exchange *x, struct node *n, struct str nothing, struct doc_spans *out)
{
    if (n == NULL)
        one_span(x, nothing, out);
    else
        doc_write(x->arena, n, out);
}

void answer_render(struct exchange *x, struct doc_spans *out)
{
    struct node *data = x->has_response ? x->data : NULL;

    switch (x->endpoint->output) {
    case OUTPUT_JSON: render_node(x, data, STR("{}"), out); return;
    case OUTPUT_JSON_COLLECTION:
        render_node(x, data != NULL ? node_get(data, STR("collection")) : NULL, STR("[]"), out);
        return;
    case OUTPUT_STRING:
        data = data != NULL ? node_get(data, STR("content")) : NULL;
        one_span(x, data != NULL ? node_string(data) : STR_NONE, out);
        return;
    case OUTPUT_NOOP: one_span(x, STR_NONE, out); return;
    }
}
