/* routing - which route an exchange takes. */
#ifndef GATEWAY_ROUTING_H
#define GATEWAY_ROUTING_H

struct exchange;

/* Finds the route of x->method and x->path: what follows from it is set, or the answer made that says why
 * there is none. What an earlier call has found is forgotten. */
void routing_find(struct exchange *x);

#endif
