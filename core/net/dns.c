#include "net/dns.h"

#include "base/clock.h"
#include "base/mem.h"
#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>

/* The first try is given up well before the 2 s that an endpoint has by default; each further one gets twice
 * the time of the one before. */
#define FIRST_TRY (800 * MILLISECOND)
enum { TRIES = 3 };

/* How often to look whether /etc/resolv.conf has changed, at most. */
#define CONFIG_CHECK (5 * SECOND)

struct dns {
    struct env *env;
    int64_t first_try;
    char *servers;
    ares_channel channel; /* NULL until it is needed */
    struct timer timeout; /* of c-ares */
    struct list sockets;
    size_t open; /* questions that wait for an answer */
    int64_t config_check_at;
    struct timespec config_changed;
};

struct dns_socket {
    struct list link;
    int fd;
    struct fd_watch *watch;
};

struct question {
    struct dns *dns;
    dns_answer_fn *fn;
    dns_srv_fn *srv_fn;
    void *owner;
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

static void stop_channel(struct dns *dns)
{
    if (!dns->channel)
        return;
    ares_destroy(dns->channel);
    ares_library_cleanup();
    dns->channel = NULL;
}

static bool config_has_changed(struct dns *dns)
{
    struct timespec before = dns->config_changed;
    struct stat file;

    if (dns->env->now < dns->config_check_at)
        return false;
    dns->config_check_at = dns->env->now + CONFIG_CHECK;
    if (stat("/etc/resolv.conf", &file) == 0)
        dns->config_changed = file.st_mtim;
    return before.tv_sec != dns->config_changed.tv_sec || before.tv_nsec != dns->config_changed.tv_nsec;
}

static bool start_channel(struct dns *dns)
{
    struct ares_options options = {
        .timeout = (int)(dns->first_try / MILLISECOND),
        .tries = TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = dns,
    };

    if (dns->open == 0 && !dns->servers && config_has_changed(dns))
        stop_channel(dns);
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

/* --- questions --------------------------------------------------------------------------------- */

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

static struct question *question_new(struct dns *dns, void *owner)
{
    struct question *q = mem_zalloc(sizeof(*q));

    q->dns = dns;
    q->owner = owner;
    dns->open++;
    return q;
}

static void question_free(struct question *q)
{
    q->dns->open--;
    mem_free(q);
}

static void take_addrs(struct dns_answer *answer, const struct ares_addrinfo_node *node)
{
    for (; node && answer->count < RESOLVE_MAX; node = node->ai_next) {
        struct addr *a = &answer->addrs[answer->count];

        if ((node->ai_family != AF_INET && node->ai_family != AF_INET6) || node->ai_addrlen > sizeof(a->ss))
            continue;
        *a = (struct addr){.len = node->ai_addrlen};
        memcpy(&a->ss, node->ai_addr, node->ai_addrlen);
        if (answer->count == 0 || node->ai_ttl * SECOND < answer->ttl)
            answer->ttl = node->ai_ttl * SECOND;
        answer->count++;
    }
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct question *q = arg;
    struct dns_answer answer = {.count = 0};

    (void)timeouts;
    if (status == ARES_SUCCESS) {
        take_addrs(&answer, result->nodes);
        if (answer.count == 0)
            status = ARES_ENODATA;
    }
    if (result)
        ares_freeaddrinfo(result);
    answer.error = error_text(status);
    q->fn(q->owner, &answer);
    question_free(q);
}

void dns_ask(struct dns *dns, const char *name, dns_answer_fn *fn, void *owner)
{
    static const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct question *q;

    if (!start_channel(dns)) {
        fn(owner, &(struct dns_answer){.error = "cannot start the resolver"});
        return;
    }
    q = question_new(dns, owner);
    q->fn = fn;
    ares_getaddrinfo(dns->channel, name, NULL, &hints, on_addresses, q);
    set_timeout(dns);
}

static void on_services(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
    struct question *q = arg;
    struct ares_srv_reply *reply = NULL;
    struct srv_record *records;
    size_t count = 0;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = ares_parse_srv_reply(bytes, len, &reply);
    for (struct ares_srv_reply *r = reply; r; r = r->next)
        count++;
    if (status == ARES_SUCCESS && count == 0)
        status = ARES_ENODATA;
    records = mem_zalloc((count + 1) * sizeof(*records));
    count = 0;
    for (struct ares_srv_reply *r = reply; r; r = r->next)
        records[count++] = (struct srv_record){str_of(r->host), r->port, r->priority, r->weight};
    q->srv_fn(q->owner, records, count, error_text(status));
    mem_free(records);
    if (reply)
        ares_free_data(reply);
    question_free(q);
}

void dns_ask_srv(struct dns *dns, const char *name, dns_srv_fn *fn, void *owner)
{
    struct question *q;

    if (!start_channel(dns)) {
        fn(owner, NULL, 0, "cannot start the resolver");
        return;
    }
    q = question_new(dns, owner);
    q->srv_fn = fn;
    ares_search(dns->channel, name, ns_c_in, ns_t_srv, on_services, q);
    set_timeout(dns);
}

/* --- life -------------------------------------------------------------------------------------- */

struct dns *dns_new(struct env *env, const struct loop_options *options)
{
    struct dns *dns = mem_zalloc(sizeof(*dns));

    dns->env = env;
    dns->first_try = options->dns_timeout > 0 ? options->dns_timeout : FIRST_TRY;
    if (options->dns_servers)
        dns->servers = mem_copy(options->dns_servers, strlen(options->dns_servers));
    timer_init(&dns->timeout, on_timeout);
    list_init(&dns->sockets);
    return dns;
}

void dns_free(struct dns *dns)
{
    stop_channel(dns);
    timer_fini(dns->env, &dns->timeout);
    mem_free(dns->servers);
    mem_free(dns);
}
