/* h1_parser - strict reading of HTTP/1.1 heads (RFC 9112 sections 2 to 5), incremental.
 *
 * The bytes of a head lie in one buffer that may grow and move between calls: spans are kept as offsets and
 * become pointers when the head is complete. It accepts what the grammar of RFC 9112 allows and nothing else:
 * CRLF ends lines (bare CR or LF is an error), no obs-fold, no space before a colon, tokens as names, no
 * controls in values, a version on every request-line, exactly one SP between its parts.
 */
#ifndef HTTP_H1_PARSER_H
#define HTTP_H1_PARSER_H

#include "http/message.h"

enum h1_result {
    H1_MORE, /* not complete yet */
    H1_DONE, /* head complete: head_len bytes of the buffer */
    H1_BAD,  /* fault says how to answer */
};

enum { H1_FIELDS_MAX = 1000 }; /* lines of a section; more is 431 */

struct h1_span {
    uint32_t start, len;
};

struct h1_parser {
    bool is_response;
    size_t scanned;    /* bytes of the buffer that were looked at; a line is parsed when it is complete */
    size_t line;       /* where the current line begins */
    size_t head_len;   /* after H1_DONE */
    size_t max_head;   /* 0: none; beyond: 431 */
    size_t max_target; /* 0: none; beyond: 414 */
    bool has_start_line;
    struct message_fault fault;
    /* recorded */
    struct h1_span method, target, reason;
    int status, minor;
    struct h1_span (*fields)[2]; /* name, value; from the arena */
    unsigned field_count, field_cap;
    struct arena *arena;
};

void h1_parser_init(struct h1_parser *p, bool is_response, struct arena *arena, size_t max_head,
                    size_t max_target);

/* For the next head, in the memory of the one before. */
void h1_parser_restart(struct h1_parser *p);

/* Looks at the bytes [0, len) of the buffer, of which [0, scanned) are known. At most one CRLF before a
 * request-line is skipped (RFC 9112 section 2.2). */
enum h1_result h1_parse(struct h1_parser *p, const char *data, size_t len);

/* After H1_DONE: the head as a message, spans into data; runs request_finish or response_finish. H1_DONE or
 * H1_BAD. */
enum h1_result h1_parser_request(struct h1_parser *p, const char *data, struct request *r);
enum h1_result h1_parser_response(struct h1_parser *p, const char *data, struct str method,
                                  struct response *r);

#endif
