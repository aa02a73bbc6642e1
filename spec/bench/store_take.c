/* What one uncontended store_take costs, in ns of CPU time:
 *
 *     make lib && gcc -O2 -D_GNU_SOURCE -Icore spec/bench/store_take.c build/release/core.so -o
 * build/store_take && LD_LIBRARY_PATH=build/release build/store_take
 */
#include "base/clock.h"
#include "base/store.h"
#include <stdio.h>
#include <time.h>

enum { ROUNDS = 5000000, KEYS = 1000 };

static double cpu_time(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

int main(void)
{
    static char keys[KEYS][64];
    struct str names[KEYS];
    struct store *store = store_new(100000, NULL);

    for (int i = 0; i < KEYS; i++)
        names[i] =
            (struct str){keys[i], (size_t)snprintf(keys[i], sizeof(keys[i]), "limit/GET /users/:id/%05d", i)};
    for (int run = 0; run < 3; run++) {
        double started = cpu_time();
        for (int i = 0; i < ROUNDS; i++)
            store_take(store, store_key(store, names[i % KEYS]), 1000, 1000, SECOND, i * 100L);
        printf("%.1f ns per store_take, %d keys of %zu bytes\n", (cpu_time() - started) / ROUNDS, KEYS,
               names[0].len);
    }
    store_free(store);
    return 0;
}
