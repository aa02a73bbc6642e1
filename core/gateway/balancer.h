/* balancer - which of a backend's hosts a call goes to.
 *
 * Round robin per backend entry from a random start, so that workers do not march in step; a host that is
 * listed twice gets twice as many. `sd: dns` looks up SRV records at start and every dns_cache_ttl
 * (service.md 8): the list of hosts then changes while running, and is empty until the first answer came.
 *
 * Owner:   the worker.
 */
#ifndef GATEWAY_BALANCER_H
#define GATEWAY_BALANCER_H

#include "gateway/config.h"
#include "net/env.h"

struct balancers;

struct balancers *balancers_new(struct env *env, const struct config *config, struct log *log);
void balancers_free(struct balancers *b);

/* The next host of a backend; *index is its place in backend->hosts, or -1 when it was looked up (then it
 * lives until the turn ends). False: there are none. */
bool balancer_pick(struct balancers *b, const struct backend *backend, struct str *host, int *index);

/* What SRV weights mean as repetitions: SD-5, SD-6. counts has as many entries as weights. */
void balancer_scale_weights(const uint16_t *weights, size_t n, uint32_t *counts);

#endif
