#include "net/resolver.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/dns.h"
#include <string.h>

/* Answers kept; more than that only while they are waited for. */
enum { CACHE_ENTRIES = 256 };

/* Longer names do not exist (RFC 1035 section 2.3.4). */
enum { NAME_MAX_LEN = 254 };

#define FAILURE_KEPT SECOND

struct resolver {
    struct env *env;
    struct dns *dns;
    int64_t cache_max;
    struct list lookups; /* used last first */
    size_t lookup_count;
    struct list srv_queries;
    struct list answered; /* lookups and queries whose waiters are to be called */
    struct task deliver;
};

/* Something asked, and who waits for it. */
struct question {
    struct list answered; /* link */
    struct list waiters;
    struct resolver *resolver;
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
};

/* --- questions --------------------------------------------------------------------------------- */

static void question_init(struct question *q, struct resolver *resolver, void (*deliver)(struct question *q))
{
    q->resolver = resolver;
    q->deliver = deliver;
    list_init(&q->answered);
    list_init(&q->waiters);
}

/* Those who wait are called by a task: never before env_resolve returns, nor from inside dns.c. */
static void question_answer(struct question *q)
{
    if (list_is_empty(&q->answered))
        list_push_back(&q->resolver->answered, &q->answered);
    env_defer(q->resolver->env, &q->resolver->deliver);
}

static void question_fini(struct question *q)
{
    list_remove(&q->answered);
    /* Whoever still waits may be cancelled later. */
    while (!list_is_empty(&q->waiters))
        list_remove(q->waiters.next);
}

static void on_deliver(struct task *t)
{
    struct resolver *resolver = container_of(t, struct resolver, deliver);

    while (!list_is_empty(&resolver->answered)) {
        struct question *q = container_of(resolver->answered.next, struct question, answered);

        list_remove(&q->answered);
        q->deliver(q);
    }
}

static bool name_is_possible(struct str name)
{
    return name.len > 0 && name.len <= NAME_MAX_LEN && !memchr(name.ptr, '\0', name.len);
}

/* --- addresses --------------------------------------------------------------------------------- */

static void lookup_free(struct lookup *l)
{
    list_remove(&l->link);
    question_fini(&l->question);
    l->question.resolver->lookup_count--;
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
    struct addr addrs[RESOLVE_MAX];
    size_t count = l->count;
    const char *error = q->error;
    struct list waiters;

    /* Copies: whoever is called may resolve other names, for which this one may have to go. */
    if (count > 0)
        memcpy(addrs, l->addrs, count * sizeof(*addrs));
    list_insert_after(&q->waiters, &waiters);
    list_remove(&q->waiters);
    if (l->expires <= q->resolver->env->now)
        lookup_free(l);
    while (!list_is_empty(&waiters)) {
        struct resolve *r = container_of(waiters.next, struct resolve, link);

        list_remove(&r->link);
        r->fn(r, addrs, count, error);
    }
}

static void lookup_set(struct lookup *l, const struct addr *addrs, size_t count)
{
    if (count == 0)
        return;
    l->addrs = mem_realloc(l->addrs, count * sizeof(*addrs));
    memcpy(l->addrs, addrs, count * sizeof(*addrs));
    l->count = count;
}

static void on_answer(void *owner, const struct dns_answer *answer)
{
    struct lookup *l = owner;
    struct resolver *resolver = l->question.resolver;
    int64_t ttl = answer->ttl < resolver->cache_max ? answer->ttl : resolver->cache_max;

    l->pending = false;
    l->question.error = answer->error;
    l->expires = resolver->env->now + (answer->error ? FAILURE_KEPT : ttl);
    lookup_set(l, answer->addrs, answer->count);
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
    } else if (name_is_possible(l->name)) {
        return false;
    } else {
        l->question.error = "no such host";
    }
    lookup_set(l, addrs, count);
    return true;
}

static void lookup_start(struct lookup *l)
{
    l->expires = l->question.resolver->env->now;
    if (answer_at_once(l)) {
        question_answer(&l->question);
        return;
    }
    l->pending = true;
    dns_ask(l->question.resolver->dns, l->name.ptr, on_answer, l);
}

static void drop_oldest(struct resolver *resolver)
{
    for (struct list *link = resolver->lookups.prev; link != &resolver->lookups; link = link->prev) {
        struct lookup *l = container_of(link, struct lookup, link);

        if (lookup_is_idle(l)) {
            lookup_free(l);
            return;
        }
    }
}

static struct lookup *lookup_new(struct resolver *resolver, struct str name)
{
    struct lookup *l = mem_zalloc(sizeof(*l));
    char *copy = mem_copy(name.ptr, name.len);

    for (size_t i = 0; i < name.len; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] |= 0x20;
    }
    question_init(&l->question, resolver, lookup_deliver);
    l->name = (struct str){copy, name.len};
    if (resolver->lookup_count >= CACHE_ENTRIES)
        drop_oldest(resolver);
    resolver->lookup_count++;
    list_push_front(&resolver->lookups, &l->link);
    return l;
}

static struct lookup *lookup_find(struct resolver *resolver, struct str name)
{
    list_each (&resolver->lookups, link, after) {
        struct lookup *l = container_of(link, struct lookup, link);

        if (!str_equal_nocase(l->name, name))
            continue;
        if (lookup_is_idle(l) && l->expires <= resolver->env->now) {
            lookup_free(l);
            return NULL;
        }
        list_remove(&l->link);
        list_push_front(&resolver->lookups, &l->link);
        return l;
    }
    return NULL;
}

void resolver_resolve(struct resolver *resolver, struct resolve *r, struct str host)
{
    struct lookup *l = lookup_find(resolver, host);

    if (l) {
        list_push_back(&l->question.waiters, &r->link);
        if (!l->pending)
            question_answer(&l->question);
        return;
    }
    l = lookup_new(resolver, host);
    list_push_back(&l->question.waiters, &r->link);
    lookup_start(l);
}

/* --- services ---------------------------------------------------------------------------------- */

static void srv_free(struct srv_query *q)
{
    list_remove(&q->link);
    question_fini(&q->question);
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

static void on_services(void *owner, const struct srv_record *records, size_t count, const char *error)
{
    struct srv_query *q = owner;

    q->records = srv_records_copy(records, count);
    q->count = count;
    q->question.error = error;
    question_answer(&q->question);
}

void resolver_resolve_srv(struct resolver *resolver, struct resolve_srv *r, struct str name)
{
    struct srv_query *q = mem_zalloc(sizeof(*q));
    char *text;

    question_init(&q->question, resolver, srv_deliver);
    list_push_back(&resolver->srv_queries, &q->link);
    list_push_back(&q->question.waiters, &r->link);
    if (!name_is_possible(name)) {
        on_services(q, NULL, 0, "no such host");
        return;
    }
    text = mem_copy(name.ptr, name.len);
    dns_ask_srv(resolver->dns, text, on_services, q);
    mem_free(text);
}

/* --- life -------------------------------------------------------------------------------------- */

struct resolver *resolver_new(struct env *env, const struct loop_options *options)
{
    struct resolver *resolver = mem_zalloc(sizeof(*resolver));

    resolver->env = env;
    resolver->dns = dns_new(env, options);
    resolver->cache_max = options->dns_cache_max > 0 ? options->dns_cache_max : 0;
    task_init(&resolver->deliver, on_deliver);
    list_init(&resolver->lookups);
    list_init(&resolver->srv_queries);
    list_init(&resolver->answered);
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    dns_free(resolver->dns);
    while (!list_is_empty(&resolver->lookups))
        lookup_free(container_of(resolver->lookups.next, struct lookup, link));
    while (!list_is_empty(&resolver->srv_queries))
        srv_free(container_of(resolver->srv_queries.next, struct srv_query, link));
    task_cancel(&resolver->deliver);
    mem_free(resolver);
}
