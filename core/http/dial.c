#include "http/dial.h"

#include "base/clock.h"
#include "base/util.h"
#include "http/errno_text.h"
#include <stdio.h>
#include <sys/param.h>

/* An attempt gets at least so much of the time that is left, though others wait for their share. */
#define LEAST_SHARE (2 * SECOND)

static void finish(struct dial *d)
{
    if (d->resolving)
        env_resolve_cancel(&d->resolve);
    d->resolving = false;
    timer_fini(d->env, &d->timer);
    timer_fini(d->env, &d->fallback);
    task_cancel(&d->task);
    for (int i = 0; i < DIAL_LANES; i++) {
        timer_fini(d->env, &d->lanes[i].timer);
        if (d->lanes[i].sock != NULL)
            sock_close(d->lanes[i].sock);
        d->lanes[i].sock = NULL;
    }
}

void dial_cancel(struct dial *d)
{
    finish(d);
}

static void on_task(struct task *t)
{
    struct dial *d = container_of(t, struct dial, task);

    finish(d);
    d->fn(d, NULL, NULL);
}

/* The first failure is the one that is told. */
static void note(struct dial *d, const struct addr *to, const char *why)
{
    char text[ADDR_TEXT_MAX];

    if (d->error.len > 0)
        return;
    if (to == NULL) {
        d->error = arena_printf(d->arena, "dial tcp: lookup %.*s: %s", STR_ARG(d->host), why);
        return;
    }
    text[addr_format(to, text)] = '\0';
    d->error = arena_printf(d->arena, "dial tcp %s: %s", text, why);
}

static void note_errno(struct dial *d, const struct addr *to, int error)
{
    char text[ERRNO_TEXT_MAX], why[ERRNO_TEXT_MAX + sizeof("connect: ")];

    snprintf(why, sizeof(why), "connect: %s", errno_text(error, text));
    note(d, to, why);
}

static void start_lane(struct dial_lane *lane);

/* No address of the lane is left: the other one runs on, or begins, or all is over. */
static void lane_failed(struct dial_lane *lane)
{
    struct dial *d = lane->dial;
    struct dial_lane *other = &d->lanes[lane == &d->lanes[0]];

    if (other->sock != NULL)
        return;
    if (!other->started && other->count > 0) {
        timer_stop(d->env, &d->fallback);
        start_lane(other);
        return;
    }
    env_defer(d->env, &d->task);
}

/* The next address may take its share of the time that is left. For the last one that is all: the deadline
 * has a timer of its own, which tells what became of the first family. */
static void limit_attempt(struct dial_lane *lane)
{
    struct dial *d = lane->dial;
    int64_t left = d->deadline - d->env->now;
    int64_t share = MAX(left / (int64_t)(lane->count - lane->next), LEAST_SHARE);

    if (d->deadline != INT64_MAX && share < left)
        timer_start(d->env, &lane->timer, share);
    else
        timer_stop(d->env, &lane->timer);
}

static void win(struct dial_lane *lane)
{
    struct dial *d = lane->dial;
    struct sock *sock = lane->sock;
    struct addr peer = lane->addrs[lane->next - 1];

    lane->sock = NULL;
    finish(d);
    d->fn(d, sock, &peer);
}

static void on_connect(struct sock *s, unsigned ready)
{
    struct dial_lane *lane = s->owner;

    (void)ready;
    if (sock_connected(s)) {
        win(lane);
        return;
    }
    note_errno(lane->dial, &lane->addrs[lane->next - 1], s->error);
    sock_close(s);
    lane->sock = NULL;
    start_lane(lane);
}

/* Tries the next address that does not fail at once. */
static void start_lane(struct dial_lane *lane)
{
    struct dial *d = lane->dial;

    lane->started = true;
    while (lane->next < lane->count) {
        const struct addr *to = &lane->addrs[lane->next];
        int error = 0;

        limit_attempt(lane);
        lane->next++;
        lane->sock = env_connect(d->env, to, &d->settings->options, &error);
        if (lane->sock != NULL) {
            lane->sock->owner = lane;
            lane->sock->on_ready = on_connect;
            sock_want(lane->sock, SOCK_WRITE);
            return;
        }
        note_errno(d, to, error);
    }
    lane_failed(lane);
}

static void on_share_over(struct timer *t)
{
    struct dial_lane *lane = container_of(t, struct dial_lane, timer);

    note(lane->dial, &lane->addrs[lane->next - 1], "i/o timeout");
    sock_close(lane->sock);
    lane->sock = NULL;
    start_lane(lane);
}

static void on_fallback(struct timer *t)
{
    start_lane(&container_of(t, struct dial, fallback)->lanes[1]);
}

static void on_timeout(struct timer *t)
{
    struct dial *d = container_of(t, struct dial, timer);
    const struct addr *to = NULL;

    for (int i = DIAL_LANES - 1; i >= 0; i--)
        if (d->lanes[i].sock != NULL)
            to = &d->lanes[i].addrs[d->lanes[i].next - 1];
    note(d, to, "i/o timeout");
    env_defer(d->env, &d->task);
}

/* Sorts the addresses by family and lets the first begin. */
static void race(struct dial *d, const struct addr *addrs, size_t count)
{
    bool serial = d->settings->fallback_delay < 0;

    for (int i = 0; i < DIAL_LANES; i++)
        d->lanes[i].addrs = arena_alloc(d->arena, count * sizeof(struct addr));
    for (size_t i = 0; i < count; i++) {
        bool same = serial || addrs[i].ss.ss_family == addrs[0].ss.ss_family;
        struct dial_lane *lane = &d->lanes[same ? 0 : 1];

        lane->addrs[lane->count] = addrs[i];
        addr_set_port(&lane->addrs[lane->count++], d->port);
    }
    if (d->lanes[1].count > 0)
        timer_start(d->env, &d->fallback, d->settings->fallback_delay);
    start_lane(&d->lanes[0]);
}

static void on_resolved(struct resolve *r, const struct addr *addrs, size_t count, const char *error)
{
    struct dial *d = container_of(r, struct dial, resolve);

    d->resolving = false;
    if (count > 0) {
        race(d, addrs, count);
        return;
    }
    d->unknown = true;
    note(d, NULL, error);
    env_defer(d->env, &d->task);
}

struct dial *dial_start(struct env *env, struct arena *arena, const struct dial_settings *settings,
                        struct str host, uint16_t port,
                        void (*fn)(struct dial *, struct sock *, const struct addr *), void *owner)
{
    struct dial *d = arena_zalloc(arena, sizeof(*d));
    struct addr addr;

    d->env = env;
    d->arena = arena;
    d->settings = settings;
    d->host = host;
    d->port = port;
    d->fn = fn;
    d->owner = owner;
    d->deadline = INT64_MAX;
    timer_init(&d->timer, on_timeout);
    timer_init(&d->fallback, on_fallback);
    task_init(&d->task, on_task);
    for (int i = 0; i < DIAL_LANES; i++) {
        d->lanes[i].dial = d;
        timer_init(&d->lanes[i].timer, on_share_over);
    }
    if (settings->timeout > 0 && settings->timeout < INT64_MAX - env->now) {
        d->deadline = env->now + settings->timeout;
        timer_start(env, &d->timer, settings->timeout);
    }
    bool is_ip = addr_parse(&addr, host, port);
    if (settings->timeout < 0) {
        note(d, is_ip ? &addr : NULL, "i/o timeout");
        env_defer(env, &d->task);
        return d;
    }
    if (is_ip) {
        race(d, &addr, 1);
        return d;
    }
    d->resolving = true;
    d->resolve.fn = on_resolved;
    env_resolve(env, &d->resolve, host);
    return d;
}
