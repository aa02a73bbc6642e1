/* dns - names to addresses, for loop.c: literals, "localhost", /etc/hosts, and servers through c-ares.
 *
 * Answers are kept for their time to live, failures for a second; those who ask for a name that is being
 * asked for already wait for the same answer. c-ares is started by the first name that needs it.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "net/loop.h"

struct dns;

struct dns *dns_new(struct env *env, const struct loop_options *options); /* texts are copied */
void dns_free(struct dns *dns); /* nobody who waits is called any more */
void dns_resolve(struct dns *dns, struct resolve *r, struct str host);
void dns_resolve_srv(struct dns *dns, struct resolve_srv *r, struct str name);

#endif
