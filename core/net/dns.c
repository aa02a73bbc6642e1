#include "net/dns.h"

#include "base/clock.h"
#include "base/mem.h"
#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <string.h>

/* Answers kept; more than that only while they are waited for. */
enum { CACHE_ENTRIES = 256 };

/* Longer names do not exist (RFC 1035 section 2.3.4). */
enum { NAME_MAX_LEN = 254 };

/* The first try is given up well before the 2 s that an endpoint has by default; each further one gets twice
 * the time of the one before. */
#define FIRST_TRY (800 * MILLISECOND)
enum { TRIES = 3 };

#define FAILURE_KEPT SECOND

struct dns {
    struct env *env;
    int64_t cache_max;
    int64_t first_try;
    char *servers;
    ares_channel channel; /* NULL until the first name that needs it */
    struct timer timeout; /* of c-ares */
    struct list sockets;
    struct list lookups; /* used last first */
    size_t lookup_count;
    struct list srv_queries;
    struct list answered; /* lookups and queries whose waiters are to be called */
    struct task deliver;
};

struct dns_socket {
    struct list link;
    int fd;
    struct fd_watch *watch;
};

/* Something asked, and who waits for it. */
struct question {
    struct list answered; /* link */
    struct list waiters;
    struct dns *dns;
    void (*deliver)(struct question *q);
    const char *error; /* NULL if it went well */
};

struct lookup {
    struct question question;
    struct list link;
    struct str name; /* in lower case, NUL behind it */
    bool pending;
    int64_t expires;
    struct addr *addrs;
    size_t count;
};

struct srv_query {
    struct question question;
    struct list link;
    struct srv_record *records;
    size_t count;
    struct ares_srv_reply *reply; /* the targets' bytes */
};

/* --- c-ares in the loop ------------------------------------------------------------------------- */

static void set_timeout(struct dns *dns)
{
    struct timeval left, *next = ares_timeout(dns->channel, NULL, &left);

    if (next)
        timer_start(dns->env, &dns->timeout, next->tv_sec * SECOND + next->tv_usec * MICROSECOND);
    else
        timer_stop(dns->env, &dns->timeout);
}

static void on_timeout(struct timer *t)
{
    struct dns *dns = container_of(t, struct dns, timeout);

    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timeout(dns);
}

static void on_socket_ready(void *owner, int fd)
{
    struct dns *dns = owner;

    ares_process_fd(dns->channel, fd, fd);
    set_timeout(dns);
}

static struct dns_socket *find_socket(struct dns *dns, int fd)
{
    list_each (&dns->sockets, link, after) {
        struct dns_socket *s = container_of(link, struct dns_socket, link);

        if (s->fd == fd)
            return s;
    }
    return NULL;
}

/* What c-ares wants to know of a socket of its own. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct dns *dns = data;
    struct dns_socket *s = find_socket(dns, fd);
    unsigned events = (readable ? SOCK_READ : 0) | (writable ? SOCK_WRITE : 0);

    if (!events && !s)
        return;
    if (!s) {
        s = mem_zalloc(sizeof(*s));
        s->fd = fd;
        s->watch = loop_watch_fd(dns->env, fd, on_socket_ready, dns);
        list_push_back(&dns->sockets, &s->link);
    }
    if (events) {
        loop_watch_want(s->watch, events);
        return;
    }
    list_remove(&s->link);
    loop_unwatch_fd(s->watch);
    mem_free(s);
}

static bool start_channel(struct dns *dns)
{
    struct ares_options options = {
        .timeout = (int)(dns->first_try / MILLISECOND),
        .tries = TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = dns,
    };

    if (dns->channel)
        return true;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return false;
    if (ares_init_options(&dns->channel, &options,
                          ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
        dns->channel = NULL;
        ares_library_cleanup();
        return false;
    }
    if (dns->servers)
        (void)ares_set_servers_ports_csv(dns->channel, dns->servers);
    return true;
}

static const char *error_text(int status)
{
    switch (status) {
    case ARES_SUCCESS: return NULL;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME: return "no such host";
    case ARES_ETIMEOUT: return "timeout";
    /* c-ares says refused when every server failed. */
    case ARES_ECONNREFUSED:
    case ARES_EREFUSED:
    case ARES_ESERVFAIL: return "server misbehaving";
    default: return ares_strerror(status);
    }
}

/* --- questions --------------------------------------------------------------------------------- */

static void question_init(struct question *q, struct dns *dns, void (*deliver)(struct question *q))
{
    q->dns = dns;
    q->deliver = deliver;
    list_init(&q->answered);
    list_init(&q->waiters);
}

/* Those who wait are called by a task: never before env_resolve returns, nor from inside c-ares. */
static void question_answer(struct question *q)
{
    if (list_is_empty(&q->answered))
        list_push_back(&q->dns->answered, &q->answered);
    env_defer(q->dns->env, &q->dns->deliver);
}

static void on_deliver(struct task *t)
{
    struct dns *dns = container_of(t, struct dns, deliver);

    while (!list_is_empty(&dns->answered)) {
        struct question *q = container_of(dns->answered.next, struct question, answered);

        list_remove(&q->answered);
        q->deliver(q);
    }
}

/* --- addresses --------------------------------------------------------------------------------- */

static void lookup_free(struct lookup *l)
{
    list_remove(&l->link);
    list_remove(&l->question.answered);
    /* Whoever still waits may be cancelled later. */
    while (!list_is_empty(&l->question.waiters))
        list_remove(l->question.waiters.next);
    l->question.dns->lookup_count--;
    mem_free(l->addrs);
    mem_free((char *)l->name.ptr);
    mem_free(l);
}

static bool lookup_is_idle(const struct lookup *l)
{
    return !l->pending && list_is_empty(&l->question.waiters) && list_is_empty(&l->question.answered);
}

static void lookup_deliver(struct question *q)
{
    struct lookup *l = container_of(q, struct lookup, question);
    struct dns *dns = q->dns;
    struct addr addrs[RESOLVE_MAX];
    size_t count = l->count;
    const char *error = q->error;
    struct list waiters;

    /* Copies: whoever is called may resolve other names, for which this one may have to go. */
    if (count > 0)
        memcpy(addrs, l->addrs, count * sizeof(*addrs));
    list_insert_after(&q->waiters, &waiters);
    list_remove(&q->waiters);
    if (l->expires <= dns->env->now)
        lookup_free(l);
    while (!list_is_empty(&waiters)) {
        struct resolve *r = container_of(waiters.next, struct resolve, link);

        list_remove(&r->link);
        r->fn(r, addrs, count, error);
    }
}

static void lookup_set(struct lookup *l, const struct addr *addrs, size_t count)
{
    l->addrs = mem_realloc(l->addrs, count * sizeof(*addrs));
    memcpy(l->addrs, addrs, count * sizeof(*addrs));
    l->count = count;
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct lookup *l = arg;
    struct dns *dns = l->question.dns;
    struct addr addrs[RESOLVE_MAX];
    size_t count = 0;
    int64_t ttl = dns->cache_max;

    (void)timeouts;
    for (struct ares_addrinfo_node *n = result ? result->nodes : NULL; n && count < RESOLVE_MAX;
         n = n->ai_next) {
        if ((n->ai_family != AF_INET && n->ai_family != AF_INET6) || n->ai_addrlen > sizeof(addrs->ss))
            continue;
        addrs[count] = (struct addr){.len = n->ai_addrlen};
        memcpy(&addrs[count++].ss, n->ai_addr, n->ai_addrlen);
        if (n->ai_ttl * SECOND < ttl)
            ttl = n->ai_ttl * SECOND;
    }
    if (result)
        ares_freeaddrinfo(result);
    if (status == ARES_SUCCESS && count == 0)
        status = ARES_ENODATA;
    if (status == ARES_SUCCESS)
        lookup_set(l, addrs, count);
    l->question.error = error_text(status);
    l->expires = dns->env->now + (status == ARES_SUCCESS ? ttl : FAILURE_KEPT);
    l->pending = false;
    question_answer(&l->question);
}

static bool is_localhost(struct str name)
{
    return str_equal(name, STR("localhost")) || str_ends_with(name, STR(".localhost"));
}

/* Literals and localhost need no asking (RFC 6761 section 6.3). */
static bool answer_at_once(struct lookup *l)
{
    struct addr addrs[2];
    size_t count = 0;

    if (addr_parse(&addrs[0], l->name, 0)) {
        count = 1;
    } else if (is_localhost(l->name)) {
        addr_parse(&addrs[0], STR("::1"), 0);
        addr_parse(&addrs[1], STR("127.0.0.1"), 0);
        count = 2;
    } else if (l->name.len > 0 && l->name.len <= NAME_MAX_LEN && !memchr(l->name.ptr, '\0', l->name.len)) {
        if (start_channel(l->question.dns))
            return false;
        l->question.error = "cannot start the resolver";
    } else {
        l->question.error = "no such host";
    }
    if (count > 0)
        lookup_set(l, addrs, count);
    return true;
}

static void lookup_start(struct lookup *l)
{
    static const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct dns *dns = l->question.dns;

    l->expires = dns->env->now;
    if (answer_at_once(l)) {
        question_answer(&l->question);
        return;
    }
    l->pending = true;
    ares_getaddrinfo(dns->channel, l->name.ptr, NULL, &hints, on_addresses, l);
    set_timeout(dns);
}

static void drop_oldest(struct dns *dns)
{
    for (struct list *link = dns->lookups.prev; link != &dns->lookups; link = link->prev) {
        struct lookup *l = container_of(link, struct lookup, link);

        if (lookup_is_idle(l)) {
            lookup_free(l);
            return;
        }
    }
}

static struct lookup *lookup_new(struct dns *dns, struct str name)
{
    struct lookup *l = mem_zalloc(sizeof(*l));
    char *copy = mem_copy(name.ptr, name.len);

    for (size_t i = 0; i < name.len; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] |= 0x20;
    }
    question_init(&l->question, dns, lookup_deliver);
    l->name = (struct str){copy, name.len};
    if (dns->lookup_count >= CACHE_ENTRIES)
        drop_oldest(dns);
    dns->lookup_count++;
    list_push_front(&dns->lookups, &l->link);
    return l;
}

static struct lookup *lookup_find(struct dns *dns, struct str name)
{
    list_each (&dns->lookups, link, after) {
        struct lookup *l = container_of(link, struct lookup, link);

        if (!str_equal_nocase(l->name, name))
            continue;
        if (lookup_is_idle(l) && l->expires <= dns->env->now) {
            lookup_free(l);
            return NULL;
        }
        list_remove(&l->link);
        list_push_front(&dns->lookups, &l->link);
        return l;
    }
    return NULL;
}

void dns_resolve(struct dns *dns, struct resolve *r, struct str host)
{
    struct lookup *l = lookup_find(dns, host);

    if (l) {
        list_push_back(&l->question.waiters, &r->link);
        if (!l->pending)
            question_answer(&l->question);
        return;
    }
    l = lookup_new(dns, host);
    list_push_back(&l->question.waiters, &r->link);
    lookup_start(l);
}

/* --- services ---------------------------------------------------------------------------------- */

static void srv_free(struct srv_query *q)
{
    list_remove(&q->link);
    list_remove(&q->question.answered);
    while (!list_is_empty(&q->question.waiters))
        list_remove(q->question.waiters.next);
    if (q->reply)
        ares_free_data(q->reply);
    mem_free(q->records);
    mem_free(q);
}

static void srv_deliver(struct question *question)
{
    struct srv_query *q = container_of(question, struct srv_query, question);

    if (!list_is_empty(&question->waiters)) {
        struct resolve_srv *r = container_of(question->waiters.next, struct resolve_srv, link);

        list_remove(&r->link);
        r->fn(r, q->records, q->count, question->error);
    }
    srv_free(q);
}

static void on_services(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
    struct srv_query *q = arg;
    size_t cap = 0;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = ares_parse_srv_reply(answer, len, &q->reply);
    for (struct ares_srv_reply *r = q->reply; r; r = r->next)
        cap++;
    if (status == ARES_SUCCESS && cap == 0)
        status = ARES_ENODATA;
    q->records = mem_zalloc((cap + 1) * sizeof(*q->records));
    for (struct ares_srv_reply *r = q->reply; r; r = r->next)
        q->records[q->count++] = (struct srv_record){str_of(r->host), r->port, r->priority, r->weight};
    q->question.error = error_text(status);
    question_answer(&q->question);
}

void dns_resolve_srv(struct dns *dns, struct resolve_srv *r, struct str name)
{
    struct srv_query *q = mem_zalloc(sizeof(*q));
    char *copy;

    question_init(&q->question, dns, srv_deliver);
    list_push_back(&dns->srv_queries, &q->link);
    list_push_back(&q->question.waiters, &r->link);
    if (name.len == 0 || name.len > NAME_MAX_LEN || memchr(name.ptr, '\0', name.len)) {
        q->question.error = "no such host";
        question_answer(&q->question);
        return;
    }
    if (!start_channel(dns)) {
        q->question.error = "cannot start the resolver";
        question_answer(&q->question);
        return;
    }
    copy = mem_copy(name.ptr, name.len);
    ares_search(dns->channel, copy, ns_c_in, ns_t_srv, on_services, q);
    mem_free(copy);
    set_timeout(dns);
}

/* --- life -------------------------------------------------------------------------------------- */

struct dns *dns_new(struct env *env, const struct loop_options *options)
{
    struct dns *dns = mem_zalloc(sizeof(*dns));

    dns->env = env;
    dns->cache_max = options->dns_cache_max > 0 ? options->dns_cache_max : 0;
    dns->first_try = options->dns_timeout > 0 ? options->dns_timeout : FIRST_TRY;
    if (options->dns_servers)
        dns->servers = mem_copy(options->dns_servers, strlen(options->dns_servers));
    timer_init(&dns->timeout, on_timeout);
    task_init(&dns->deliver, on_deliver);
    list_init(&dns->sockets);
    list_init(&dns->lookups);
    list_init(&dns->srv_queries);
    list_init(&dns->answered);
    return dns;
}

void dns_free(struct dns *dns)
{
    if (dns->channel) {
        ares_destroy(dns->channel);
        ares_library_cleanup();
    }
    while (!list_is_empty(&dns->lookups))
        lookup_free(container_of(dns->lookups.next, struct lookup, link));
    while (!list_is_empty(&dns->srv_queries))
        srv_free(container_of(dns->srv_queries.next, struct srv_query, link));
    timer_fini(dns->env, &dns->timeout);
    task_cancel(&dns->deliver);
    mem_free(dns->servers);
    mem_free(dns);
}
