/* stream - one direction of a simulated connection: bytes that wait unread or are still on their way.
 *
 *     head                      pieces[arrived]             tail
 *       arrived, not read yet   |   on their way, each with a time
 */
#ifndef NET_SIM_STREAM_H
#define NET_SIM_STREAM_H

#include "base/buf.h"
#include "net/sim/sim.h"

enum piece_kind { PIECE_DATA, PIECE_END, PIECE_RESET };

struct piece {
    enum piece_kind kind;
    size_t len;
    int64_t at; /* INT64_MAX: never */
};

struct sim_stream {
    struct env *env;
    struct sim_fault fault;
    size_t counted; /* bytes written since the fault was set */
    struct buf bytes;
    struct piece *pieces; /* [first, count): [first, arrived) are there */
    size_t first, arrived, count, cap;
    int64_t last_at; /* nothing written later arrives earlier */
    struct timer timer;
    bool ended;  /* by its writer, or by a reset after so many bytes */
    bool reset;  /* its last piece is one */
    bool broken; /* by a reset: writing fails */
    void (*on_arrival)(struct sim_stream *s, enum piece_kind kind);
};

void sim_stream_init(struct sim_stream *s, struct env *env,
                     void (*on_arrival)(struct sim_stream *s, enum piece_kind kind));
void sim_stream_fini(struct sim_stream *s);
void sim_stream_set_fault(struct sim_stream *s, const struct sim_fault *fault); /* NULL: none */

/* What the writing end does. */
enum io sim_stream_write(struct sim_stream *s, const struct iovec *iov, int count, size_t *sent, int *error);
void sim_stream_finish(struct sim_stream *s,
                       enum piece_kind kind); /* by PIECE_END or PIECE_RESET, which may follow it */
bool sim_stream_is_writable(const struct sim_stream *s); /* perhaps to learn that it is broken */

/* What the reading end does. */
enum io sim_stream_read(struct sim_stream *s, void *dst, size_t cap, size_t *got, int *error);
bool sim_stream_is_readable(const struct sim_stream *s); /* perhaps to learn that it has ended */
bool sim_stream_has_data(const struct sim_stream *s);
void sim_stream_discard(struct sim_stream *s); /* the bytes that have arrived */

/* Now: what has arrived can be read, then a reset follows, unless that was the end; the rest is lost. */
void sim_stream_break(struct sim_stream *s);

#endif
