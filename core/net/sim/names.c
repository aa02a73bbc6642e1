#include "net/sim/state.h"

#include "base/mem.h"
#include <string.h>

struct name {
    struct list link;
    struct str name;
    struct addr *addrs;
    size_t count;
    int64_t delay;
};

struct service {
    struct list link;
    struct str name;
    struct srv_record *records; /* their targets behind them */
    size_t count;
};

/* An answer on its way. It holds what the entry was when asked. */
struct answer {
    struct list link;
    struct sim *sim;
    struct source source;
    struct timer timer;
    struct list waiter; /* one resolve or resolve_srv, unless it was cancelled */
    struct addr *addrs;
    struct srv_record *records;
    size_t count;
};

/* --- entries ----------------------------------------------------------------------------------- */

static struct name *find_name(struct sim *sim, struct str text)
{
    list_each (&sim->names, link, after) {
        struct name *n = container_of(link, struct name, link);

        if (str_equal_nocase(n->name, text))
            return n;
    }
    return NULL;
}

static struct service *find_service(struct sim *sim, struct str text)
{
    list_each (&sim->services, link, after) {
        struct service *s = container_of(link, struct service, link);

        if (str_equal_nocase(s->name, text))
            return s;
    }
    return NULL;
}

static void name_free(struct name *n)
{
    list_remove(&n->link);
    mem_free((char *)n->name.ptr);
    mem_free(n->addrs);
    mem_free(n);
}

static void service_free(struct service *s)
{
    list_remove(&s->link);
    mem_free((char *)s->name.ptr);
    mem_free(s->records);
    mem_free(s);
}

static struct addr *copy_addrs(const struct addr *addrs, size_t count)
{
    struct addr *copy = mem_alloc((count + 1) * sizeof(*copy));

    if (count > 0)
        memcpy(copy, addrs, count * sizeof(*copy));
    return copy;
}

void sim_name(struct env *env, struct str text, const struct addr *addrs, size_t count, int64_t delay)
{
    struct sim *sim = sim_of(env);
    struct name *old = find_name(sim, text);
    struct name *n = mem_zalloc(sizeof(*n));

    if (old)
        name_free(old);
    n->name = (struct str){mem_copy(text.ptr, text.len), text.len};
    n->count = count < RESOLVE_MAX ? count : RESOLVE_MAX;
    n->addrs = copy_addrs(addrs, n->count);
    n->delay = delay;
    list_push_back(&sim->names, &n->link);
}

void sim_srv(struct env *env, struct str text, const struct srv_record *records, size_t count)
{
    struct sim *sim = sim_of(env);
    struct service *old = find_service(sim, text);
    struct service *s = mem_zalloc(sizeof(*s));

    if (old)
        service_free(old);
    s->name = (struct str){mem_copy(text.ptr, text.len), text.len};
    s->records = srv_records_copy(records, count);
    s->count = count;
    list_push_back(&sim->services, &s->link);
}

/* --- answers ----------------------------------------------------------------------------------- */

static void answer_free(struct answer *a)
{
    list_remove(&a->link);
    list_remove(&a->waiter);
    source_unmark(&a->source);
    timer_fini(&a->sim->env, &a->timer);
    mem_free(a->addrs);
    mem_free(a->records);
    mem_free(a);
}

static void on_due(struct timer *t)
{
    struct answer *a = container_of(t, struct answer, timer);

    source_mark(a->sim, &a->source);
}

static void give_addrs(struct source *source)
{
    struct answer *a = container_of(source, struct answer, source);

    if (!list_is_empty(&a->waiter)) {
        struct resolve *r = container_of(a->waiter.next, struct resolve, link);

        list_remove(&r->link);
        r->fn(r, a->addrs, a->count, a->count > 0 ? NULL : "no such host");
    }
    answer_free(a);
}

static void give_records(struct source *source)
{
    struct answer *a = container_of(source, struct answer, source);

    if (!list_is_empty(&a->waiter)) {
        struct resolve_srv *r = container_of(a->waiter.next, struct resolve_srv, link);

        list_remove(&r->link);
        r->fn(r, a->records, a->count, a->count > 0 ? NULL : "no such host");
    }
    answer_free(a);
}

static struct answer *answer_new(struct sim *sim, struct list *waiter, void (*give)(struct source *source),
                                 int64_t delay)
{
    struct answer *a = mem_zalloc(sizeof(*a));

    a->sim = sim;
    list_push_back(&sim->answers, &a->link);
    list_init(&a->waiter);
    list_push_back(&a->waiter, waiter);
    source_init(sim, &a->source, give);
    timer_init(&a->timer, on_due);
    if (delay > 0)
        timer_start(&sim->env, &a->timer, delay);
    else
        source_mark(sim, &a->source);
    return a;
}

void names_resolve(struct env *env, struct resolve *r, struct str host)
{
    struct sim *sim = sim_of(env);
    struct name *n = find_name(sim, host);
    struct answer *a = answer_new(sim, &r->link, give_addrs, n ? n->delay : 0);
    struct addr local[2];

    if (n) {
        a->addrs = copy_addrs(n->addrs, n->count);
        a->count = n->count;
    } else if (addr_parse(&local[0], host, 0)) {
        a->addrs = copy_addrs(local, a->count = 1);
    } else if (str_equal_nocase(host, STR("localhost"))) {
        addr_parse(&local[0], STR("::1"), 0);
        addr_parse(&local[1], STR("127.0.0.1"), 0);
        a->addrs = copy_addrs(local, a->count = 2);
    }
}

void names_resolve_srv(struct env *env, struct resolve_srv *r, struct str text)
{
    struct sim *sim = sim_of(env);
    struct service *s = find_service(sim, text);
    struct answer *a = answer_new(sim, &r->link, give_records, 0);

    if (s) {
        a->records = srv_records_copy(s->records, s->count);
        a->count = s->count;
    }
}

void names_free(struct sim *sim)
{
    list_each (&sim->answers, link, after)
        answer_free(container_of(link, struct answer, link));
    list_each (&sim->names, link, after)
        name_free(container_of(link, struct name, link));
    list_each (&sim->services, link, after)
        service_free(container_of(link, struct service, link));
}
