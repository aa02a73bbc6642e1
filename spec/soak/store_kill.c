/* A process is killed behind each single instruction of an operation on the store; then nothing may be torn,
 * lost or let through twice. `make soak` runs it. */
#include "base/clock.h"
#include "base/store.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CAPACITY = 10, LEFT_ALIVE = 5 };

#define LONG (3600 * SECOND)
#define THEN SECOND
#define NOW  (10 * SECOND)

static struct store_key key_of(const struct store *s, const char *name)
{
    return store_key(s, str_of(name));
}

static int take(struct store *s, const char *name, int times, int64_t ttl, int64_t now)
{
    int taken = 0;

    for (int i = 0; i < times; i++)
        taken += store_take(s, key_of(s, name), 1e-9, CAPACITY, ttl, now) == 0;
    return taken;
}

static void take_new(struct store *s)
{
    take(s, "new", 1, LONG, NOW);
}

static void take_expired(struct store *s)
{
    take(s, "expired", 1, LONG, NOW);
}

static void take_alive(struct store *s)
{
    take(s, "alive", 1, LONG, NOW);
}

static void write_record(struct store *s)
{
    struct store_record record;

    store_read(s, key_of(s, "record"), NOW, &record);
    record.value[0]++;
    record.value[3]++;
    store_write(s, key_of(s, "record"), &record, LONG, NOW);
}

static void add_sum(struct store *s)
{
    store_add(s, key_of(s, "sum"), 1, LONG, NOW);
}

static const struct operation {
    const char *name;
    void (*run)(struct store *s);
    const char *bucket; /* that it takes from; NULL: from none */
    int tokens;         /* in that bucket */
} operations[] = {
    {"a take that makes the bucket", take_new, "new", CAPACITY},
    {"a take from an expired bucket", take_expired, "expired", CAPACITY},
    {"a take", take_alive, "alive", LEFT_ALIVE},
    {"a write", write_record, NULL, 0},
    {"an addition", add_sum, NULL, 0},
};

static struct store *new_store(void)
{
    struct store *s = store_new(1, NULL);

    take(s, "expired", CAPACITY, SECOND, THEN);
    take(s, "alive", CAPACITY - LEFT_ALIVE, LONG, THEN);
    write_record(s);
    add_sum(s);
    return s;
}

/* False: it came to the end before so many instructions. */
static bool run_and_kill(const struct operation *op, struct store *s, long instructions)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        op->run(s);
        raise(SIGUSR1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    for (; instructions > 0 && !(WIFSTOPPED(status) && WSTOPSIG(status) == SIGUSR1); instructions--) {
        if (!WIFSTOPPED(status) || ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0) {
            perror("cannot trace a process");
            exit(1);
        }
        waitpid(pid, &status, 0);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return instructions == 0;
}

/* Some takes come before the lock is taken by anyone, and some behind: what was half done is undone between.
 */
static bool buckets_are_right(const struct operation *op, struct store *s)
{
    if (op->bucket == NULL)
        return true;
    int taken = take(s, op->bucket, op->tokens / 2, LONG, NOW);
    store_count(s, NOW); /* takes every lock */
    taken += take(s, op->bucket, 2 * CAPACITY, LONG, NOW);
    bool others = op->run == take_alive || take(s, "alive", 2 * CAPACITY, LONG, NOW) == LEFT_ALIVE;
    return others && (taken == op->tokens || taken == op->tokens - 1);
}

static bool others_are_right(struct store *s)
{
    struct store_record record;
    double sum = store_add(s, key_of(s, "sum"), 0, LONG, NOW);

    store_read(s, key_of(s, "record"), NOW, &record);
    return (sum == 1 || sum == 2) && (record.value[0] == 1 || record.value[0] == 2) &&
           record.value[0] == record.value[3];
}

int main(void)
{
    long wrong = 0;

    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        const struct operation *op = &operations[i];
        bool killed = true;
        long at = 0;
        for (; killed; at++) {
            struct store *s = new_store();
            killed = run_and_kill(op, s, at);
            if (!buckets_are_right(op, s) || !others_are_right(s)) {
                printf("%s, killed behind instruction %ld: the store is not right\n", op->name, at);
                wrong++;
            }
            store_free(s);
        }
        printf("%s: killed behind each of %ld instructions\n", op->name, at);
        fflush(stdout);
    }
    return wrong > 0;
}
