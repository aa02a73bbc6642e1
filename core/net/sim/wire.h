/* wire - a connection in memory and the socks at its two ends. */
#ifndef NET_SIM_WIRE_H
#define NET_SIM_WIRE_H

#include "net/sim/state.h"
#include "net/sim/stream.h"

struct end;

/* A connection: side 0 connected, side 1 accepted. It lives as long as one of its ends. */
struct wire {
    struct sim *sim;
    struct end *ends[2];          /* NULL: closed, or not accepted yet */
    struct sim_stream streams[2]; /* [i]: what side i sends */
    struct addr addrs[2];         /* of side i */
    struct timer establish;       /* the end of connecting */
    bool refuse;
};

enum end_state { END_CONNECTING, END_OPEN, END_REFUSED };

struct end {
    struct sock sock;
    struct source source;
    struct list link;    /* of all socks */
    struct list backlog; /* of the listener, until it is accepted */
    struct wire *wire;
    unsigned side;
    enum end_state state;
};

/* on_establish ends connecting, when the timer is started. A NULL from: the loopback address. */
struct wire *wire_new(struct sim *sim, const struct addr *from, const struct addr *to,
                      void (*on_establish)(struct timer *t));
struct end *wire_end_new(struct wire *w, unsigned side, enum end_state state);
void wire_end_mark(struct end *e); /* ready, if it is for what it wants; NULL is fine */

#endif
