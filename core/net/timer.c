#include "net/env.h"

#include "base/mem.h"

/* A binary heap by key. Moving a timer later, or stopping it, only changes its deadline; its place in the
 * heap is put right when it comes up. Timeouts are restarted for every request and hardly ever come up. */

static void heap_put(struct timer_heap *h, size_t index, struct timer *t)
{
    h->timers[index] = t;
    t->slot = index + 1;
}

static void sift_up(struct timer_heap *h, size_t index)
{
    struct timer *t = h->timers[index];

    while (index > 0) {
        size_t parent = (index - 1) / 2;

        if (h->timers[parent]->key <= t->key)
            break;
        heap_put(h, index, h->timers[parent]);
        index = parent;
    }
    heap_put(h, index, t);
}

static void sift_down(struct timer_heap *h, size_t index)
{
    struct timer *t = h->timers[index];
    size_t child;

    while ((child = 2 * index + 1) < h->count) {
        if (child + 1 < h->count && h->timers[child + 1]->key < h->timers[child]->key)
            child++;
        if (t->key <= h->timers[child]->key)
            break;
        heap_put(h, index, h->timers[child]);
        index = child;
    }
    heap_put(h, index, t);
}

static void heap_push(struct timer_heap *h, struct timer *t)
{
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 64;
        h->timers = mem_realloc(h->timers, h->cap * sizeof(*h->timers));
    }
    heap_put(h, h->count++, t);
    sift_up(h, h->count - 1);
}

static void heap_remove(struct timer_heap *h, struct timer *t)
{
    size_t index = t->slot - 1;
    struct timer *last = h->timers[--h->count];

    t->slot = 0;
    if (last == t)
        return;
    heap_put(h, index, last);
    sift_up(h, index);
    sift_down(h, last->slot - 1);
}

/* The timer that is due first, after putting right what moved. */
static struct timer *heap_first(struct timer_heap *h)
{
    while (h->count > 0) {
        struct timer *t = h->timers[0];

        if (t->deadline == t->key)
            return t;
        if (t->deadline == INT64_MAX) {
            heap_remove(h, t);
        } else {
            t->key = t->deadline;
            sift_down(h, 0);
        }
    }
    return NULL;
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
    *t = (struct timer){.deadline = INT64_MAX, .fn = fn};
}

void timer_start(struct env *env, struct timer *t, int64_t delay)
{
    /* At least 1 ns, so that a timer which restarts itself cannot keep a turn from ending. */
    if (delay < 1)
        delay = 1;
    t->deadline = delay < INT64_MAX - 1 - env->now ? env->now + delay : INT64_MAX - 1;
    if (t->slot == 0) {
        t->key = t->deadline;
        heap_push(&env->timers, t);
    } else if (t->deadline < t->key) {
        t->key = t->deadline;
        sift_up(&env->timers, t->slot - 1);
    }
}

void timer_stop(struct env *env, struct timer *t)
{
    (void)env;
    t->deadline = INT64_MAX;
}

void timer_fini(struct env *env, struct timer *t)
{
    if (t->slot != 0)
        heap_remove(&env->timers, t);
    t->deadline = INT64_MAX;
}

bool timer_is_running(const struct timer *t)
{
    return t->deadline != INT64_MAX;
}

int64_t env_next_deadline(struct env *env)
{
    struct timer *t = heap_first(&env->timers);

    return t ? t->key : INT64_MAX;
}

int64_t env_next_wakeup(const struct env *env)
{
    return env->timers.count > 0 ? env->timers.timers[0]->key : INT64_MAX;
}

struct timer *env_take_due(struct env *env)
{
    struct timer *t;

    if (env_next_wakeup(env) > env->now)
        return NULL;
    t = heap_first(&env->timers);
    if (!t || t->key > env->now)
        return NULL;
    heap_remove(&env->timers, t);
    t->deadline = INT64_MAX;
    return t;
}

void env_put_back(struct env *env, struct timer *t)
{
    t->deadline = t->key;
    heap_push(&env->timers, t);
}

void env_run_timers(struct env *env)
{
    struct timer *t;

    while ((t = env_take_due(env)))
        t->fn(t);
}
