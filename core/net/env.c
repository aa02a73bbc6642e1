#include "net/env.h"

#include "base/mem.h"
#include <string.h>

void env_init(struct env *env, const struct env_ops *ops)
{
    *env = (struct env){.ops = ops};
    list_init(&env->tasks);
}

void env_fini(struct env *env)
{
    while (!list_is_empty(&env->tasks) || env->garbage_count > 0) {
        env_run_tasks(env);
        env_collect(env);
    }
    for (size_t i = 0; i < env->timers.count; i++)
        env->timers.entries[i].timer->slot = 0;
    mem_free(env->timers.entries);
    mem_free(env->garbage);
    env->timers = (struct timer_heap){0};
    env->garbage = NULL;
    env->garbage_cap = 0;
}

struct sock *env_connect(struct env *env, const struct addr *to, const struct dial_options *options,
                         int *error)
{
    return env->ops->connect(env, to, options, error);
}

void env_resolve(struct env *env, struct resolve *r, struct str host)
{
    r->env = env;
    r->name = host;
    list_init(&r->link);
    env->ops->resolve(env, r, host);
}

void env_resolve_cancel(struct resolve *r)
{
    if (r->link.next)
        list_remove(&r->link);
}

void env_resolve_srv(struct env *env, struct resolve_srv *r, struct str name)
{
    r->env = env;
    r->name = name;
    list_init(&r->link);
    env->ops->resolve_srv(env, r, name);
}

void env_resolve_srv_cancel(struct resolve_srv *r)
{
    if (r->link.next)
        list_remove(&r->link);
}

struct srv_record *srv_records_copy(const struct srv_record *records, size_t count)
{
    size_t bytes = 0;
    struct srv_record *copy;
    char *text;

    for (size_t i = 0; i < count; i++)
        bytes += records[i].target.len;
    copy = mem_alloc((count + 1) * sizeof(*copy) + bytes);
    text = (char *)(copy + count + 1);
    for (size_t i = 0; i < count; i++) {
        copy[i] = records[i];
        copy[i].target.ptr = text;
        if (records[i].target.len > 0)
            memcpy(text, records[i].target.ptr, records[i].target.len);
        text += records[i].target.len;
    }
    return copy;
}

uint64_t env_random(struct env *env)
{
    return env->ops->random(env);
}

void task_init(struct task *t, void (*fn)(struct task *t))
{
    list_init(&t->link);
    t->fn = fn;
}

void env_defer(struct env *env, struct task *t)
{
    if (list_is_empty(&t->link))
        list_push_back(&env->tasks, &t->link);
}

void task_cancel(struct task *t)
{
    if (t->link.next)
        list_remove(&t->link);
}

void env_run_tasks(struct env *env)
{
    struct list batch;

    if (list_is_empty(&env->tasks))
        return;
    /* What a task defers goes to env->tasks, for the next turn; what it cancels leaves the batch. */
    list_insert_after(&env->tasks, &batch);
    list_remove(&env->tasks);
    while (!list_is_empty(&batch)) {
        struct task *t = container_of(batch.next, struct task, link);

        list_remove(&t->link);
        t->fn(t);
    }
}

void env_release(struct env *env, void *ptr)
{
    env_release_with(env, mem_free, ptr);
}

void env_release_with(struct env *env, void (*fn)(void *ptr), void *ptr)
{
    if (env->garbage_count == env->garbage_cap) {
        env->garbage_cap = env->garbage_cap ? 2 * env->garbage_cap : 64;
        env->garbage = mem_realloc(env->garbage, env->garbage_cap * sizeof(*env->garbage));
    }
    env->garbage[env->garbage_count++] = (struct garbage){fn, ptr};
}

void env_collect(struct env *env)
{
    /* By index: releasing one thing may release others, or collect. */
    while (env->garbage_next < env->garbage_count) {
        struct garbage g = env->garbage[env->garbage_next++];

        g.fn(g.ptr);
    }
    env->garbage_next = env->garbage_count = 0;
}
