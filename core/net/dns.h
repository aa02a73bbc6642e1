/* dns - asks /etc/hosts and the name servers, through c-ares.
 *
 * c-ares is started by the first question, and again when /etc/resolv.conf has changed. What is asked for
 * is a name; literals, and keeping answers, are the resolver's (resolver.h).
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "net/loop.h"

struct dns;

struct dns *dns_new(struct env *env, const struct loop_options *options); /* texts are copied */
void dns_free(struct dns *dns);                                           /* open questions fail */

/* Addresses in the order to try them. error: NULL if it went well, then count > 0. Borrowed for the call. */
struct dns_answer {
    struct addr addrs[RESOLVE_MAX];
    size_t count;
    int64_t ttl;
    const char *error;
};
typedef void dns_answer_fn(void *owner, const struct dns_answer *answer);
typedef void dns_srv_fn(void *owner, const struct srv_record *records, size_t count, const char *error);

/* fn is called once, perhaps before this returns. */
void dns_ask(struct dns *dns, const char *name, dns_answer_fn *fn, void *owner);
void dns_ask_srv(struct dns *dns, const char *name, dns_srv_fn *fn, void *owner);

#endif
