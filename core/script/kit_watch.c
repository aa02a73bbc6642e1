#include "gateway/worker.h"
#include "script/kit.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WATCH         "cuttle.kit.watch"
#define WATCH_RUNNING "cuttle.kit.watch.running" /* in the registry */

enum {
    TICKS = 4, /* to a limit: while the process is stopped (Ctrl-Z, a debugger) at most one of them passes */
    TEXT_MAX_BYTES = 4096,
};

/* Ends the process when what runs is not over in time. It is a signal of the system, for nothing inside Lua
 * stops a loop that LuaJIT has compiled, nor a call that does not return. */
struct kit_watch {
    timer_t timer;
    bool open;
    struct itimerspec tick;
    volatile sig_atomic_t left;       /* ticks */
    const struct beat *volatile beat; /* of the gateway that was started last; NULL: it is stopped */
    size_t len;
    char text[TEXT_MAX_BYTES];
};

static void tell(const char *text, size_t len)
{
    ssize_t written = write(STDERR_FILENO, text, len);

    (void)written; /* the exit code says it too */
}

static void tell_plugin(const struct beat *beat)
{
    static const char head[] = "it was in plugin ";

    if (beat == NULL || beat->plugin < 0)
        return;
    tell(head, sizeof(head) - 1);
    tell(beat->where, strnlen(beat->where, sizeof(beat->where)));
    tell("\n", 1);
}

/* Nothing is known of what the process was doing, so nothing is tidied up. */
static void on_tick(int number, siginfo_t *info, void *context)
{
    struct kit_watch *w = info->si_value.sival_ptr;

    (void)number;
    (void)context;
    if (info->si_code != SI_TIMER || --w->left > 0)
        return;
    tell(w->text, w->len);
    tell_plugin(w->beat);
    _exit(1);
}

static bool open_timer(struct kit_watch *w)
{
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    sigset_t alarm;

    event.sigev_value.sival_ptr = w;
    sigemptyset(&action.sa_mask);
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alarm, NULL); /* whoever started us may have blocked it */
    w->open = sigaction(SIGALRM, &action, NULL) == 0 && timer_create(CLOCK_MONOTONIC, &event, &w->timer) == 0;
    return w->open;
}

/* watch(seconds) -> watch: for parts of a run that may take so long each; it takes SIGALRM */
int kit_watch(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    long long tick;
    struct kit_watch *w;

    luaL_argcheck(L, seconds >= 0.001 && seconds < 1e9, 1, "seconds expected");
    tick = (long long)(seconds * 1e9 / TICKS);
    w = lua_newuserdata(L, sizeof(*w));
    memset(w, 0, sizeof(*w));
    w->tick.it_value.tv_sec = (time_t)(tick / 1000000000);
    w->tick.it_value.tv_nsec = (long)(tick % 1000000000);
    w->tick.it_interval = w->tick.it_value;
    luaL_getmetatable(L, WATCH);
    lua_setmetatable(L, -2);
    if (!open_timer(w))
        return luaL_error(L, "no timer: %s", strerror(errno));
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, WATCH_RUNNING);
    return 1;
}

static struct kit_watch *running(lua_State *L)
{
    struct kit_watch *w;

    lua_getfield(L, LUA_REGISTRYINDEX, WATCH_RUNNING);
    w = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return w;
}

void kit_watch_beat(lua_State *L, const struct beat *beat)
{
    struct kit_watch *w = running(L);

    if (w != NULL)
        w->beat = beat;
}

void kit_watch_forget(lua_State *L, const struct beat *beat)
{
    struct kit_watch *w = running(L);

    if (w != NULL && w->beat == beat)
        w->beat = NULL;
}

/* watch:begin(text): what runs from now on; when it is not over in time, that goes to stderr, and the process
 * exits with 1. It is over at the next begin. */
static int watch_begin(lua_State *L)
{
    struct kit_watch *w = luaL_checkudata(L, 1, WATCH);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);

    timer_settime(w->timer, 0, &(struct itimerspec){{0, 0}, {0, 0}}, NULL); /* on_tick reads the text */
    w->len = len < sizeof(w->text) ? len : sizeof(w->text);
    memcpy(w->text, text, w->len);
    w->left = TICKS;
    timer_settime(w->timer, 0, &w->tick, NULL);
    return 0;
}

static int watch_gc(lua_State *L)
{
    struct kit_watch *w = luaL_checkudata(L, 1, WATCH);

    if (w->open)
        timer_delete(w->timer);
    w->open = false;
    return 0;
}

static const luaL_Reg methods[] = {
    {"begin", watch_begin},
    {"__gc", watch_gc},
    {NULL, NULL},
};

void kit_open_watch(lua_State *L)
{
    kit_open_type(L, WATCH, methods);
}
