/* fd - kernel sockets as this folder uses them: options, and one call of the kernel per operation. */
#ifndef NET_FD_H
#define NET_FD_H

#include "net/env.h"

/* A non-blocking TCP socket that is connecting, or -1 and the errno. */
int fd_connect(const struct addr *to, const struct dial_options *options, int *error);

/* The next connection, non-blocking; -1 and errno if there is none. */
int fd_accept(int fd, struct addr *peer);

enum io fd_read(int fd, void *dst, size_t cap, size_t *got, int *error);
enum io fd_write(int fd, const struct iovec *iov, int count, size_t *sent, int *error);

/* 0, or the errno with which connecting ended. */
int fd_connect_error(int fd);
void fd_close(int fd, bool reset);
void fd_addrs(int fd, struct addr *peer, struct addr *local); /* either may be NULL */

/* Probes after the connection was idle for interval ns (0: 15 s; < 0: none). */
void fd_set_keep_alive(int fd, int64_t interval);
void fd_set_no_delay(int fd);
void fd_set_non_blocking(int fd);

#endif
