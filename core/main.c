/* cuttle - an API gateway runtime. What it can be told to do: command.c. */
#include "command.h"
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>

/* Each connection is a descriptor, each endpoint may have two for a request. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Bodies of some 100 KB come and go with each request: they are not to be mapped and unmapped each time, nor
 * is the heap's end to be given back and taken again. */
static void tune_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
    mallopt(M_ARENA_MAX, 1);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    tune_heap();
    raise_descriptor_limit();
    return command_dispatch(argc, argv);
}
