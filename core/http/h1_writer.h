/* h1_writer - start-lines, fields and chunk frames, written by copying spans and preformatted constants. */
#ifndef HTTP_H1_WRITER_H
#define HTTP_H1_WRITER_H

#include "http/message.h"

/* Bytes a head may need at most; the writers return how many they wrote. */
size_t h1_response_size(const struct fields *fields);
/* Connection names Upgrade where that is among the fields (RFC 9110 section 7.8). */
size_t h1_write_response(char *dst, int status, const struct fields *fields, const char date[29],
                         int64_t length, bool chunked, bool close, bool keep_alive_1_0);
/* 1xx: without Date and framing (RFC 9110 sections 6.6.1 and 8.6); h1_response_size is enough. */
size_t h1_write_interim(char *dst, int status, const struct fields *fields);
size_t h1_request_size(struct str method, struct str target, struct str host, const struct fields *fields);
size_t h1_write_request(char *dst, struct str method, struct str target, struct str host,
                        const struct fields *fields, int64_t length, bool chunked, bool accept_gzip,
                        bool close);

enum { H1_CHUNK_HEAD_MAX = 20 };
size_t h1_write_chunk_head(char *dst, uint64_t len); /* "1f\r\n" */

#endif
