#include "http/h1_parser.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static enum h1_result refuse(struct h1_parser *p, int status, const char *text)
{
    p->fault = (struct message_fault){status, text};
    return H1_BAD;
}

void h1_parser_init(struct h1_parser *p, bool is_response, struct arena *arena, size_t max_head,
                    size_t max_target)
{
    *p = (struct h1_parser){
        .is_response = is_response, .max_head = max_head, .max_target = max_target, .arena = arena};
}

void h1_parser_restart(struct h1_parser *p)
{
    struct h1_parser before = *p;

    h1_parser_init(p, before.is_response, before.arena, before.max_head, before.max_target);
    p->fields = before.fields;
    p->field_cap = before.field_cap;
}

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* The first control character but HTAB in [from, len), or len: it ends a line, or breaks the rules. */
static size_t find_control(const char *data, size_t from, size_t len)
{
    size_t i = from;

#ifdef __SSE2__
    const __m128i last = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
    for (; i + 16 <= len; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(data + i));
        __m128i low =
            _mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), _mm_cmpeq_epi8(_mm_min_epu8(bytes, last), bytes));
        int mask = _mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(bytes, del)));
        if (mask != 0)
            return i + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    while (i < len && !is_control((unsigned char)data[i]))
        i++;
    return i;
}

static struct str span_str(const char *data, struct h1_span span)
{
    return (struct str){data + span.start, span.len};
}

static struct h1_span span_of(size_t start, size_t end)
{
    return (struct h1_span){(uint32_t)start, (uint32_t)(end - start)};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1" in the eight bytes at data. */
static enum h1_result parse_version(struct h1_parser *p, const char *data)
{
    if (memcmp(data, "HTTP/", 5) != 0 || !is_digit(data[5]) || data[6] != '.' || !is_digit(data[7]))
        return refuse(p, 400, "");
    if (data[5] != '1')
        return refuse(p, 505, "unsupported protocol version");
    p->minor = data[7] - '0';
    return H1_DONE;
}

/* method SP target SP version (RFC 9112 section 3). */
static enum h1_result parse_request_line(struct h1_parser *p, const char *data, size_t end)
{
    size_t at = p->line, method = token_len(data + at, end - at);

    if (method == 0 || at + method == end || data[at + method] != ' ')
        return refuse(p, 400, "");
    p->method = span_of(at, at + method);
    at += method + 1;
    const char *space = memchr(data + at, ' ', end - at);
    if (space == NULL || space == data + at || end - (size_t)(space + 1 - data) != 8)
        return refuse(p, 400, "");
    p->target = span_of(at, (size_t)(space - data));
    if (p->max_target > 0 && p->target.len > p->max_target)
        return refuse(p, 414, "");
    return parse_version(p, space + 1);
}

/* version SP status [SP reason] (RFC 9112 section 4). The second space is missing often when the reason is.
 */
static enum h1_result parse_status_line(struct h1_parser *p, const char *data, size_t end)
{
    const char *at = data + p->line;
    size_t len = end - p->line;

    if (len < 12 || at[8] != ' ' || !is_digit(at[9]) || !is_digit(at[10]) || !is_digit(at[11]) ||
        at[9] == '0' || (len > 12 && at[12] != ' '))
        return refuse(p, 502, "malformed status line");
    p->status = (at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0');
    p->reason = span_of(len > 13 ? p->line + 13 : end, end);
    return parse_version(p, at);
}

static struct h1_span *next_field(struct h1_parser *p)
{
    if (p->field_count == p->field_cap) {
        unsigned cap = p->field_cap == 0 ? 8 : 2 * p->field_cap;
        struct h1_span(*fields)[2] = arena_alloc(p->arena, cap * sizeof(*fields));
        if (p->field_count > 0)
            memcpy(fields, p->fields, p->field_count * sizeof(*fields));
        p->fields = fields;
        p->field_cap = cap;
    }
    return p->fields[p->field_count++];
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* What Go's server says of a line without a proper name: it has words for spaces in or behind one alone. */
static const char *name_fault(const char *data, size_t start, size_t end)
{
    size_t at = start;

    while (at < end && (data[at] == ' ' || token_len(data + at, 1) == 1))
        at++;
    return at < end && data[at] == ':' && data[start] != ' ' && at > start ? "invalid header name" : "";
}

/* name ":" OWS value OWS (RFC 9112 section 5). A line that begins with a blank would be a fold, or what some
 * read as one. */
static enum h1_result parse_field(struct h1_parser *p, const char *data, size_t end)
{
    size_t start = p->line, name = token_len(data + start, end - start), value = start + name + 1;

    if (name == 0 || start + name == end || data[start + name] != ':')
        return refuse(p, 400, p->is_response ? "invalid header name" : name_fault(data, start, end));
    if (p->field_count == H1_FIELDS_MAX)
        return refuse(p, 431, "");
    while (value < end && is_blank(data[value]))
        value++;
    while (end > value && is_blank(data[end - 1]))
        end--;
    struct h1_span *spans = next_field(p);
    spans[0] = span_of(start, start + name);
    spans[1] = span_of(value, end);
    return H1_MORE;
}

/* The line [p->line, end) is complete. H1_DONE: it was the empty one that ends the head. */
static enum h1_result parse_line(struct h1_parser *p, const char *data, size_t end)
{
    if (p->has_start_line)
        return end == p->line ? H1_DONE : parse_field(p, data, end);
    if (end == 0 && !p->is_response)
        return H1_MORE; /* the one empty line that may stand before a request-line */
    p->has_start_line = true;
    enum h1_result result =
        p->is_response ? parse_status_line(p, data, end) : parse_request_line(p, data, end);
    return result == H1_DONE ? H1_MORE : result;
}

/* What is there does not end the head. Can it still be within the limits? */
static enum h1_result check_limits(struct h1_parser *p, size_t len)
{
    if (!p->has_start_line && p->max_target > 0 && len - p->line > p->max_target + 64)
        return refuse(p, 414, "");
    if (p->max_head > 0 && len > p->max_head)
        return refuse(p, 431, "");
    return H1_MORE;
}

enum h1_result h1_parse(struct h1_parser *p, const char *data, size_t len)
{
    enum h1_result result = H1_MORE;

    for (;;) {
        size_t end = find_control(data, p->scanned, len);
        p->scanned = end;
        if (end == len || (data[end] == '\r' && end + 1 == len))
            return check_limits(p, len);
        if (data[end] != '\r' || data[end + 1] != '\n') {
            bool in_value = p->is_response && p->has_start_line && data[end] != '\n';
            return refuse(p, 400, in_value ? "invalid header value" : "");
        }
        result = parse_line(p, data, end);
        if (result == H1_BAD)
            return result;
        p->line = p->scanned = end + 2;
        if (result == H1_DONE)
            break;
    }
    if (p->max_head > 0 && p->line > p->max_head)
        return refuse(p, 431, "");
    p->head_len = p->line;
    return H1_DONE;
}

static void make_fields(struct h1_parser *p, const char *data, struct fields *fields)
{
    fields_init(fields, p->arena);
    fields_reserve(fields, p->field_count);
    for (unsigned i = 0; i < p->field_count; i++)
        field_add(fields, span_str(data, p->fields[i][0]), span_str(data, p->fields[i][1]));
}

enum h1_result h1_parser_request(struct h1_parser *p, const char *data, struct request *r)
{
    r->method = span_str(data, p->method);
    r->target = span_str(data, p->target);
    r->minor = p->minor;
    make_fields(p, data, &r->fields);
    return request_finish(r, &p->fault) ? H1_DONE : H1_BAD;
}

enum h1_result h1_parser_response(struct h1_parser *p, const char *data, struct str method,
                                  struct response *r)
{
    r->status = p->status;
    r->reason = span_str(data, p->reason);
    r->minor = p->minor;
    make_fields(p, data, &r->fields);
    return response_finish(r, method, &p->fault) ? H1_DONE : H1_BAD;
}
