#include "child.h"

#include "base/clock.h"
#include "net/listener.h"
#include "net/loop.h"
#include "script/script.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A worker without work shows that it lives four times a second, or oftener if the watchdog is less patient.
 */
#define IDLE_BEAT (250 * MILLISECOND)

/* Who has just been accepted, from the queue too, is about to send a request: it is waited for. */
#define LAST_REQUESTS_SPAN (50 * MILLISECOND)

enum { ORPHAN_PATIENCE_SECONDS = 2 };

struct child {
    const struct child_parts *parts;
    struct env *env;
    struct worker *worker;
    struct listener *listener; /* NULL once it drains */
    struct timer idle;
    struct timer last_call;
    struct timer last_requests;
    struct task drain;
};

static void on_idle(struct timer *t)
{
    struct child *c = container_of(t, struct child, idle);
    int64_t patience = c->parts->startup->stuck_after / 4;

    timer_start(c->env, t, patience > 0 && patience < IDLE_BEAT ? patience : IDLE_BEAT);
}

static void on_turn(void *owner)
{
    struct child *c = owner;

    atomic_store_explicit(&c->parts->beat->turn, c->env->now, memory_order_relaxed);
    log_flush(c->parts->log);
}

static void on_last_call(struct timer *t)
{
    loop_stop(container_of(t, struct child, last_call)->env);
}

static void on_drained(void *owner)
{
    loop_stop(((struct child *)owner)->env);
}

static void on_last_requests(struct timer *t)
{
    struct child *c = container_of(t, struct child, last_requests);

    worker_drain(c->worker, on_drained, c);
}

static void on_drain(struct task *t)
{
    struct child *c = container_of(t, struct child, drain);
    int64_t limit = c->parts->startup->config->max_shutdown_wait_time;

    loop_listener_finish(c->listener);
    c->listener = NULL;
    close(c->parts->listener);
    server_end_keep_alive(c->worker->server);
    if (limit > 0)
        timer_start(c->env, &c->last_call, limit);
    timer_start(c->env, &c->last_requests, server_conn_count(c->worker->server) > 0 ? LAST_REQUESTS_SPAN : 0);
}

/* At the end of the turn: what arrived with the signal is served first. */
static void on_terminate(void *owner, int signal)
{
    struct child *c = owner;

    (void)signal;
    alarm(0);
    if (c->listener != NULL)
        env_defer(c->env, &c->drain);
}

/* Without a master nobody kills a worker that hangs: unless the loop takes the SIGTERM, the alarm ends us. */
static void on_master_death(int signal)
{
    (void)signal;
    alarm(ORPHAN_PATIENCE_SECONDS);
    raise(SIGTERM);
}

static bool die_with_master(pid_t master)
{
    struct sigaction death = {.sa_handler = on_master_death, .sa_flags = SA_RESTART};

    sigaction(SIGUSR1, &death, NULL);
    return prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0 && getppid() == master;
}

static void set_title(int id)
{
    char title[16];

    snprintf(title, sizeof(title), "cuttle/%d", id);
    prctl(PR_SET_NAME, title);
}

static struct worker *new_worker(const struct child *c)
{
    const struct child_parts *parts = c->parts;

    return worker_new(&(struct worker_parts){
        .id = parts->id,
        .env = c->env,
        .config = parts->startup->config,
        .router = parts->startup->router,
        .log = parts->log,
        .store = parts->store,
        .beat = parts->beat,
    });
}

static bool start(struct child *c, struct error *err)
{
    struct loop_options options = {.dns_cache_max = c->parts->startup->config->dns_cache_ttl};
    struct hooks *hooks;

    timer_init(&c->idle, on_idle);
    timer_init(&c->last_call, on_last_call);
    timer_init(&c->last_requests, on_last_requests);
    task_init(&c->drain, on_drain);
    c->env = loop_new(&options, err);
    if (c->env == NULL)
        return false;
    c->worker = new_worker(c);
    hooks = script_hooks_new(c->worker, err);
    if (hooks == NULL)
        return false;
    worker_set_hooks(c->worker, hooks);
    atomic_store_explicit(&c->parts->beat->serving, true, memory_order_relaxed);
    c->listener = loop_listen(c->env, c->parts->listener, NULL, NULL);
    worker_listen(c->worker, c->listener);
    loop_watch_signal(c->env, SIGTERM, on_terminate, c);
    on_idle(&c->idle);
    return true;
}

static void finish(struct child *c)
{
    if (c->worker != NULL)
        worker_free(c->worker);
    if (c->env != NULL) {
        if (c->listener != NULL)
            listener_close(c->listener);
        timer_fini(c->env, &c->idle);
        timer_fini(c->env, &c->last_call);
        timer_fini(c->env, &c->last_requests);
        task_cancel(&c->drain);
        loop_free(c->env);
    }
}

int child_run(const struct child_parts *parts)
{
    struct child c = {.parts = parts};
    struct error err;
    sigset_t none;
    int code = 0;

    error_clear(&err);
    set_title(parts->id);
    signal(SIGINT, SIG_IGN); /* of a terminal, it goes to all processes; the master passes it on */
    if (!die_with_master(parts->master))
        return 0;
    if (start(&c, &err)) {
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        loop_run(c.env, on_turn, &c);
    } else {
        log_write(parts->log, LOG_ERROR, "[SERVICE: Master] worker %d cannot start: %s", parts->id, err.text);
        code = 1;
    }
    finish(&c);
    return code;
}
