#include "http/h1_writer.h"

#include <string.h>

/* More than all that a writer adds to the fields: start-line, Date, framing, connection. */
enum { HEAD_CONSTANTS_MAX = 256 };

/* As mempcpy, which gcc leaves a call even for two bytes. */
#define PUT(dst, literal) ((char *)memcpy(dst, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

/* Most spans are short: two copies that overlap are cheaper than a call (130 ns against 160 for a head of 8
 * fields). */
static char *put(char *dst, struct str s)
{
    if (s.len > 32 || s.len < 4)
        return s.len > 0 ? mempcpy(dst, s.ptr, s.len) : dst;
    if (s.len > 16) {
        memcpy(dst, s.ptr, 16);
        memcpy(dst + s.len - 16, s.ptr + s.len - 16, 16);
    } else if (s.len > 8) {
        memcpy(dst, s.ptr, 8);
        memcpy(dst + s.len - 8, s.ptr + s.len - 8, 8);
    } else {
        memcpy(dst, s.ptr, 4);
        memcpy(dst + s.len - 4, s.ptr + s.len - 4, 4);
    }
    return dst + s.len;
}

static char *put_number(char *dst, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    return mempcpy(dst, digits + at, sizeof(digits) - at);
}

/* A bit for each id that only the writer may set: what frames the message or belongs to the connection.
 * Upgrade and Proxy-Connection are the owner's: the gateway removes them, but for "*" as KrakenD (spec/cases:
 * fields-star). */
static const uint64_t own_fields = 1ull << FIELD_CONTENT_LENGTH | 1ull << FIELD_TRANSFER_ENCODING |
                                   1ull << FIELD_CONNECTION | 1ull << FIELD_KEEP_ALIVE |
                                   1ull << FIELD_TRAILER;

_Static_assert(FIELD_COUNT <= 64, "a bit for each id");

/* *seen gets the bits of all ids. */
static char *put_fields(char *dst, const struct fields *fields, uint64_t except, uint64_t *seen)
{
    for (unsigned i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[i];
        uint64_t bit = 1ull << field->id;
        *seen |= bit;
        if ((bit & except) != 0)
            continue;
        dst = put(dst, field->name);
        dst = PUT(dst, ": ");
        dst = put(dst, field->value);
        dst = PUT(dst, "\r\n");
    }
    return dst;
}

static char *put_framing(char *dst, int64_t length, bool chunked)
{
    if (chunked)
        return PUT(dst, "Transfer-Encoding: chunked\r\n");
    if (length < 0)
        return dst;
    dst = PUT(dst, "Content-Length: ");
    dst = put_number(dst, (uint64_t)length);
    return PUT(dst, "\r\n");
}

/* Options of this connection; who sends Upgrade has to name it (RFC 9110 section 7.8). */
static char *put_connection(char *dst, bool close, bool keep_alive, bool upgrade)
{
    if (!close && !keep_alive && !upgrade)
        return dst;
    dst = PUT(dst, "Connection: ");
    if (close)
        dst = PUT(dst, "close");
    else if (keep_alive)
        dst = PUT(dst, "keep-alive");
    if (upgrade && (close || keep_alive))
        dst = PUT(dst, ", ");
    if (upgrade)
        dst = PUT(dst, "Upgrade");
    return PUT(dst, "\r\n");
}

static size_t fields_size(const struct fields *fields)
{
    size_t size = HEAD_CONSTANTS_MAX;

    for (unsigned i = 0; i < fields->count; i++)
        size += fields->items[i].name.len + fields->items[i].value.len + 4;
    return size;
}

size_t h1_response_size(const struct fields *fields)
{
    return fields_size(fields);
}

static char *put_status(char *dst, int status)
{
    char *end = put_number(PUT(dst, "HTTP/1.1 "), (uint64_t)status);

    *end++ = ' ';
    end = put(end, status_reason(status));
    return PUT(end, "\r\n");
}

size_t h1_write_interim(char *dst, int status, const struct fields *fields)
{
    uint64_t seen = 0;
    char *end = put_fields(put_status(dst, status), fields, own_fields, &seen);

    return (size_t)(PUT(end, "\r\n") - dst);
}

size_t h1_write_response(char *dst, int status, const struct fields *fields, const char date[29],
                         int64_t length, bool chunked, bool close, bool keep_alive_1_0)
{
    uint64_t seen = 0;
    char *end = put_fields(put_status(dst, status), fields, own_fields, &seen);

    if ((seen & 1ull << FIELD_DATE) == 0) {
        end = PUT(end, "Date: ");
        end = mempcpy(end, date, 29);
        end = PUT(end, "\r\n");
    }
    end = put_framing(end, length, chunked);
    end = put_connection(end, close, keep_alive_1_0, (seen & 1ull << FIELD_UPGRADE) != 0);
    end = PUT(end, "\r\n");
    return (size_t)(end - dst);
}

size_t h1_request_size(struct str method, struct str target, struct str host, const struct fields *fields)
{
    return fields_size(fields) + method.len + target.len + host.len;
}

size_t h1_write_request(char *dst, struct str method, struct str target, struct str host,
                        const struct fields *fields, int64_t length, bool chunked, bool accept_gzip,
                        bool close)
{
    char *end = put(dst, method);
    uint64_t seen = 0;

    *end++ = ' ';
    end = put(end, target);
    end = PUT(end, " HTTP/1.1\r\nHost: ");
    end = put(end, host);
    end = PUT(end, "\r\n");
    end = put_fields(end, fields, own_fields | 1ull << FIELD_HOST, &seen);
    end = put_framing(end, length, chunked);
    if (accept_gzip)
        end = PUT(end, "Accept-Encoding: gzip\r\n");
    if (close)
        end = PUT(end, "Connection: close\r\n");
    end = PUT(end, "\r\n");
    return (size_t)(end - dst);
}

size_t h1_write_chunk_head(char *dst, uint64_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *end = dst;
    int shift = 60;

    while (shift > 0 && len >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *end++ = digits[len >> shift & 15];
    end = PUT(end, "\r\n");
    return (size_t)(end - dst);
}
