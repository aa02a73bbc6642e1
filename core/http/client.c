#include "http/client.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/util.h"
#include "http/dial.h"
#include "http/fetch_head.h"
#include "http/h1_client.h"
#include "http/proxy_rules.h"

#define DEFAULT_FALLBACK_DELAY (300 * MILLISECOND)

enum { DEFAULT_IDLE_PER_HOST = 250, DEFAULT_MAX_HEAD = 10 << 20, REQUESTS_MAX = 10 };

struct client {
    struct env *env;
    struct client_options options;
    struct dial_settings dial;
    struct h1_context h1;
    struct list jobs;
};

/* A fetch with what nobody outside needs to know. */
struct job {
    struct fetch fetch;
    struct client *client;
    struct arena *arena;
    const struct fetch_request *request;
    struct list link;

    /* the request as it stands after redirects */
    struct hop hop;
    struct redirect_chain chain;
    unsigned requests; /* so far */
    struct outgoing out;
    struct fetch_head head;

    struct dial *dial; /* one of these two, or the task */
    struct h1_client *conn;
    struct task task; /* tells a failure */
    enum fetch_failure why;
    const char *text;
    bool paused;
    bool told; /* on_response was called */
};

static struct job *job_of(struct fetch *f)
{
    return container_of(f, struct job, fetch);
}

/* --- the end ----------------------------------------------------------------------------------- */

/* The connection goes before the content was whole. */
static void keep_collected(struct job *j, const struct h1_client *conn)
{
    if (j->fetch.answered && conn->collects)
        j->fetch.collected = (struct str){conn->collect.data, conn->collect.len};
}

static void end(struct job *j)
{
    j->fetch.over = true;
    list_remove(&j->link);
    task_cancel(&j->task);
    if (j->dial != NULL)
        dial_cancel(j->dial);
    if (j->conn != NULL) {
        keep_collected(j, j->conn);
        h1_client_close(j->conn);
    }
    j->dial = NULL;
    j->conn = NULL;
    outgoing_fini(&j->out);
}

static void fail(struct job *j, enum fetch_failure why, const char *text)
{
    end(j);
    j->fetch.events->on_fail(&j->fetch, why, text);
}

struct str fetch_failure_text(struct arena *a, struct str method, struct str url, struct str text)
{
    struct str spelled = arena_copy(a, method);
    char *letter = (char *)spelled.ptr;

    for (size_t i = 1; i < spelled.len; i++)
        if (letter[i] >= 'A' && letter[i] <= 'Z')
            letter[i] = (char)(letter[i] + ('a' - 'A'));
    return arena_printf(a, "%.*s \"%.*s\": %.*s", STR_ARG(spelled), STR_ARG(url), STR_ARG(text));
}

static const char *with_url(struct job *j, struct str url, const char *text)
{
    return fetch_failure_text(j->arena, j->request->method, url, str_of(text)).ptr;
}

static void on_task(struct task *t)
{
    struct job *j = container_of(t, struct job, task);

    fail(j, j->why, j->text);
}

/* For failures found while the owner is up the stack. */
static void fail_later(struct job *j, enum fetch_failure why, const char *text)
{
    j->why = why;
    j->text = text;
    env_defer(j->client->env, &j->task);
}

/* --- the request ------------------------------------------------------------------------------- */

static void prepare_content(struct job *j)
{
    const struct fetch_request *r = j->request;

    if (j->hop.has_content && r->body == FETCH_STREAM)
        outgoing_init_stream(&j->out, r->length);
    else if (j->hop.has_content)
        outgoing_init(&j->out, r->iov, r->iov_count, r->chunked);
    else
        outgoing_init(&j->out, NULL, 0, false);
}

/* --- sending it -------------------------------------------------------------------------------- */

static const struct h1_client_events conn_events;

static void send_on(struct job *j, struct h1_client *conn)
{
    bool waits = j->request->expects_continue && j->client->options.expect_continue_timeout > 0;

    outgoing_set_head(&j->out, j->head.text);
    j->out.held = waits && outgoing_has_content(&j->out);
    j->conn = conn;
    j->fetch.reused = conn->reused;
    h1_client_send(conn,
                   &(struct h1_client_request){
                       .events = &conn_events,
                       .owner = j,
                       .arena = j->arena,
                       .out = &j->out,
                       .response = &j->fetch.response,
                       .method = j->hop.method,
                       .close = j->head.closes,
                       .collects = j->request->collect > 0,
                   },
                   j->paused);
}

/* Whom the request is sent to: its host, or the proxy. */
static const struct url *receiver(const struct job *j)
{
    return j->hop.url.way == WAY_PROXY ? &j->client->options.proxy->url : &j->hop.url;
}

static void fail_dial(struct job *j, const struct dial *d)
{
    const char *proxy = j->hop.url.way == WAY_PROXY ? "proxyconnect tcp: " : "";
    struct str text = arena_printf(j->arena, "%s%.*s", proxy, STR_ARG(d->error));

    fail(j, d->unknown ? FETCH_RESOLVE : FETCH_CONNECT, with_url(j, j->hop.url.text, text.ptr));
}

static void on_dial(struct dial *d, struct sock *sock, const struct addr *peer)
{
    struct job *j = d->owner;

    j->dial = NULL;
    if (sock == NULL)
        fail_dial(j, d);
    else
        send_on(j, h1_client_new(&j->client->h1, sock, peer, receiver(j)));
}

static void dial(struct job *j)
{
    struct client *c = j->client;
    const struct url *to = receiver(j);

    j->dial = dial_start(c->env, j->arena, &c->dial, to->host, to->port, on_dial, j);
}

/* Why the URL cannot be asked at all; NULL: it can. */
static const char *unreachable(const struct job *j)
{
    const struct proxy_rules *proxy = j->client->options.proxy;

    if (j->hop.url.tls)
        return "TLS to backends is not supported yet";
    if (j->hop.url.way == WAY_PROXY && proxy->problem.len > 0)
        return arena_printf(j->arena, "proxyconnect: %.*s", STR_ARG(proxy->problem)).ptr;
    return NULL;
}

/* May it be sent again though somebody may have seen it (RFC 9110 section 9.2.2; DELETE and PUT are not, as
 * in KrakenD)? */
static bool is_repeatable(const struct job *j)
{
    struct str m = j->hop.method;

    if (j->out.streams)
        return false;
    if (field_find_id(j->hop.fields, FIELD_IDEMPOTENCY_KEY) != NULL ||
        field_find_id(j->hop.fields, FIELD_X_IDEMPOTENCY_KEY) != NULL)
        return true;
    return !j->hop.has_content && (str_equal(m, STR("GET")) || str_equal(m, STR("HEAD")) ||
                                   str_equal(m, STR("OPTIONS")) || str_equal(m, STR("TRACE")));
}

/* On a kept connection, or else on a new one. What could not be sent again has a closer look at the kept one
 * first: its end may have come since the turn began. */
static void launch(struct job *j)
{
    struct h1_client *kept;
    const char *problem;

    if (j->hop.url.way == WAY_UNDECIDED)
        j->hop.url.way = proxy_rules_way(j->client->options.proxy, &j->hop.url);
    fetch_head_write(&j->head, j->arena, &j->client->options, j->request, &j->hop);
    problem = unreachable(j);
    if (problem != NULL) {
        fail_later(j, FETCH_CONNECT, with_url(j, j->hop.url.text, problem));
        return;
    }
    kept = h1_client_take(&j->client->h1, receiver(j), !is_repeatable(j));
    if (kept != NULL)
        send_on(j, kept);
    else
        dial(j);
}

/* --- what became of it ------------------------------------------------------------------------- */

/* A kept connection may have been closed by its backend while our request was on its way. Then nobody has
 * seen the request, or it does not matter if somebody has: once more, on a new connection (core.md R-TR-3).
 */
static bool may_replay(const struct job *j, const struct h1_client *conn, enum fetch_failure why)
{
    if (why != FETCH_CLOSED || !conn->reused || conn->answered)
        return false;
    if (!conn->touched)
        return true;
    return is_repeatable(j);
}

static void on_conn_fail(void *owner, enum fetch_failure why, const char *text)
{
    struct job *j = owner;
    struct h1_client *conn = j->conn;

    j->conn = NULL;
    if (may_replay(j, conn, why)) {
        dial(j);
        return;
    }
    keep_collected(j, conn);
    fail(j, why, j->fetch.answered ? text : with_url(j, j->hop.url.text, text));
}

static void on_conn_writable(void *owner)
{
    struct job *j = owner;

    j->fetch.events->on_writable(&j->fetch);
}

static void on_conn_interim(void *owner)
{
    struct job *j = owner;

    if (j->fetch.events->on_interim != NULL)
        j->fetch.events->on_interim(&j->fetch);
}

static void on_conn_content(void *owner, const struct iovec *iov, int n, bool last)
{
    struct job *j = owner;
    bool head = !j->told;

    j->told = true;
    if (last) {
        j->conn = NULL; /* kept, or closed */
        end(j);
    }
    j->fetch.events->on_response(&j->fetch, head, iov, n, last);
}

static void fail_location(struct job *j, const struct error *err)
{
    struct str location = field_value(&j->fetch.response.fields, STR("Location"));
    struct str text =
        arena_printf(j->arena, "failed to parse Location header \"%.*s\": %s", STR_ARG(location), err->text);

    fail(j, FETCH_MALFORMED, with_url(j, j->hop.url.text, text.ptr));
}

/* The response is a redirect, and hop the request to which it leads. */
static void follow(struct job *j)
{
    struct h1_client *conn = j->conn;

    if (j->requests == REQUESTS_MAX) {
        struct str location = field_value(&j->fetch.response.fields, STR("Location"));

        fail(j, FETCH_REDIRECTS, with_url(j, location, "stopped after 10 redirects"));
        return;
    }
    j->requests++;
    j->conn = NULL;
    h1_client_drain(conn);
    outgoing_fini(&j->out);
    prepare_content(j);
    launch(j);
}

static bool on_conn_head(void *owner, bool *gunzip, size_t *collect)
{
    struct job *j = owner;
    struct response *r = &j->fetch.response;
    struct error err;

    switch (redirect_next(&j->chain, j->arena, r, j->request->fields, &j->hop, &err)) {
    case REDIRECT_BROKEN: fail_location(j, &err); return false;
    case REDIRECT_FOLLOW: follow(j); return false;
    case REDIRECT_NONE: break;
    }
    j->fetch.answered = true;
    j->fetch.final_url = j->hop.url.text;
    *collect = j->request->collect;
    *gunzip = fetch_head_takes_gzip(&j->head, j->request, r);
    if (*gunzip) {
        field_remove_id(&r->fields, FIELD_CONTENT_ENCODING);
        field_remove_id(&r->fields, FIELD_CONTENT_LENGTH);
    }
    return true;
}

static const struct h1_client_events conn_events = {
    .on_head = on_conn_head,
    .on_interim = on_conn_interim,
    .on_content = on_conn_content,
    .on_fail = on_conn_fail,
    .on_writable = on_conn_writable,
};

/* --- what the header promises ------------------------------------------------------------------ */

static struct client_options with_defaults(struct client_options o)
{
    if (o.dialer_fallback_delay == 0)
        o.dialer_fallback_delay = DEFAULT_FALLBACK_DELAY;
    if (o.max_idle_connections_per_host == 0)
        o.max_idle_connections_per_host = DEFAULT_IDLE_PER_HOST;
    if (o.max_head == 0)
        o.max_head = DEFAULT_MAX_HEAD;
    return o;
}

struct client *client_new(struct env *env, const struct client_options *options)
{
    struct client *c = mem_zalloc(sizeof(*c));

    c->env = env;
    c->options = with_defaults(*options);
    c->dial.timeout = c->options.dialer_timeout;
    c->dial.fallback_delay = c->options.dialer_fallback_delay;
    c->dial.options.keep_alive = c->options.dialer_keep_alive;
    list_init(&c->jobs);
    h1_context_init(&c->h1, env, &c->options);
    return c;
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    while (!list_is_empty(&c->jobs))
        end(container_of(c->jobs.next, struct job, link));
    h1_context_fini(&c->h1);
    env_release(c->env, c); /* one of its connections may be up the stack */
}

size_t client_idle_count(const struct client *c)
{
    return c->h1.pool.idle_count;
}

struct fetch *fetch_start(struct client *c, struct arena *a, const struct fetch_request *r,
                          const struct fetch_events *events, void *owner)
{
    struct job *j = arena_zalloc(a, sizeof(*j));

    j->fetch.events = events;
    j->fetch.owner = owner;
    j->fetch.started = c->env->now;
    j->client = c;
    j->arena = a;
    j->request = r;
    j->requests = 1;
    j->hop = (struct hop){
        .url = r->url,
        .method = r->method,
        .fields = r->fields,
        .has_content = r->body != FETCH_NO_BODY,
        .may_resend = r->body == FETCH_BYTES && r->body_on_redirect,
    };
    j->chain.first_host = r->url.host;
    j->chain.had_content = j->hop.has_content || r->final_307;
    task_init(&j->task, on_task);
    list_push_back(&c->jobs, &j->link);
    prepare_content(j);
    launch(j);
    return &j->fetch;
}

bool fetch_write(struct fetch *f, const struct iovec *iov, int n, bool last)
{
    struct job *j = job_of(f);
    bool room;
    size_t sent;

    if (f->over)
        return true;
    if (j->conn != NULL) {
        room = h1_client_write(j->conn, iov, n, last);
    } else {
        outgoing_write(&j->out, NULL, iov, n, last, &sent);
        j->out.starved = outgoing_is_full(&j->out);
        room = !j->out.starved;
    }
    if (j->out.is_short)
        fail_later(j, FETCH_CLOSED, with_url(j, j->hop.url.text, "the content has not its announced length"));
    return room;
}

void fetch_pause(struct fetch *f)
{
    struct job *j = job_of(f);

    j->paused = true;
    if (j->conn != NULL)
        h1_client_pause(j->conn);
}

void fetch_resume(struct fetch *f)
{
    struct job *j = job_of(f);

    j->paused = false;
    if (j->conn != NULL)
        h1_client_resume(j->conn);
}

void fetch_cancel(struct fetch *f)
{
    if (!f->over)
        end(job_of(f));
}
