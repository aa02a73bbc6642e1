/* cuttle - an API gateway runtime. What it can be told to do: command.c. */
#include "command.h"
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/* A standard stream that we were started without would be the number of the next socket, and the log would be
 * written to a client. Reading or writing what is opened here fails as if it were still closed. */
static void fill_standard_streams(void)
{
    int fd;

    do
        fd = open("/", O_PATH);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

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
    fill_standard_streams();
    signal(SIGPIPE, SIG_IGN);
    tune_heap();
    raise_descriptor_limit();
    return command_dispatch(argc, argv);
}
