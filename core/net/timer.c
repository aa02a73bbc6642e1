#include "net/env.h"

#include "base/mem.h"

/* A binary heap by key. Moving a timer later, or stopping it, only changes its deadline; its place in the
 * heap is put right when it comes up. Timeouts are restarted for every request and hardly ever come up. */

static void heap_put(struct timer_heap *h, size_t index, struct timer_entry e)
{
    h->entries[index] = e;
    e.timer->slot = index + 1;
}

static void sift_up(struct timer_heap *h, size_t index)
{
    struct timer_entry e = h->entries[index];

    while (index > 0) {
        size_t parent = (index - 1) / 2;

        if (h->entries[parent].key <= e.key)
            break;
        heap_put(h, index, h->entries[parent]);
        index = parent;
    }
    heap_put(h, index, e);
}

static void sift_down(struct timer_heap *h, size_t index)
{
    struct timer_entry e = h->entries[index];
    size_t child;

    while ((child = 2 * index + 1) < h->count) {
        if (child + 1 < h->count && h->entries[child + 1].key < h->entries[child].key)
            child++;
        if (e.key <= h->entries[child].key)
            break;
        heap_put(h, index, h->entries[child]);
        index = child;
    }
    heap_put(h, index, e);
}

/* Its key becomes the deadline. */
static void set_key(struct timer_heap *h, size_t index, struct timer *t)
{
    t->key = t->deadline;
    h->entries[index] = (struct timer_entry){t->key, t};
}

static void heap_push(struct timer_heap *h, struct timer *t)
{
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 64;
        h->entries = mem_realloc(h->entries, h->cap * sizeof(*h->entries));
    }
    set_key(h, h->count, t);
    sift_up(h, h->count++);
}

static void heap_remove(struct timer_heap *h, struct timer *t)
{
    size_t index = t->slot - 1;
    struct timer_entry last = h->entries[--h->count];

    t->slot = 0;
    if (last.timer == t)
        return;
    heap_put(h, index, last);
    sift_up(h, index);
    sift_down(h, last.timer->slot - 1);
}

/* The timer that is due first, after putting right what moved. */
static struct timer *heap_first(struct timer_heap *h)
{
    while (h->count > 0) {
        struct timer *t = h->entries[0].timer;

        if (t->deadline == t->key)
            return t;
        if (t->deadline == INT64_MAX) {
            heap_remove(h, t);
        } else {
            set_key(h, 0, t);
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
        heap_push(&env->timers, t);
    } else if (t->deadline < t->key) {
        set_key(&env->timers, t->slot - 1, t);
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
    return env->timers.count > 0 ? env->timers.entries[0].key : INT64_MAX;
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
