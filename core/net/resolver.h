/* resolver - env_resolve for loop.c: literals, "localhost", and answers of dns.h, which it keeps.
 *
 * Addresses are kept for their time to live, failures for a second; those who ask for a name that is being
 * asked for already wait for the same answer. Services are asked for each time.
 */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include "net/loop.h"

struct resolver;

struct resolver *resolver_new(struct env *env, const struct loop_options *options);
void resolver_free(struct resolver *resolver); /* nobody who waits is called any more */
void resolver_resolve(struct resolver *resolver, struct resolve *r, struct str host);
void resolver_resolve_srv(struct resolver *resolver, struct resolve_srv *r, struct str name);

#endif
