#include "http/message.h"

#include "base/util.h"

/* More options in Connection than anyone needs would make removing the fields they name slow. */
enum { CONNECTION_OPTIONS_MAX = 100 };

static bool refuse(struct message_fault *fault, int status, const char *text)
{
    *fault = (struct message_fault){status, text};
    return false;
}

/* What the fields say about framing, connection and caching, of either kind of message. */
struct summary {
    const struct field *length, *host, *pragma;
    unsigned hosts, options;
    bool lengths_differ;
    bool has_coding, has_expect, has_cache_control;
    bool close, keep_alive;
};

static void read_options(struct summary *s, struct str value)
{
    while (value.len > 0) {
        struct str option = str_trim(str_split(&value, ','));
        s->options++;
        if (str_equal_nocase(option, STR("close")))
            s->close = true;
        else if (str_equal_nocase(option, STR("keep-alive")))
            s->keep_alive = true;
    }
}

static void summarise(const struct fields *f, struct summary *s)
{
    *s = (struct summary){.length = NULL};
    for (unsigned i = 0; i < f->count; i++) {
        const struct field *field = &f->items[i];
        if (field->id == FIELD_HOST) {
            s->host = field;
            s->hosts++;
        } else if (field->id == FIELD_CONTENT_LENGTH) {
            /* The same length twice is no contradiction (RFC 9112 section 6.3). */
            s->lengths_differ |= s->length != NULL && !str_equal(s->length->value, field->value);
            s->length = field;
        } else if (field->id == FIELD_TRANSFER_ENCODING) {
            s->has_coding = true;
        } else if (field->id == FIELD_CONNECTION) {
            read_options(s, field->value);
        } else if (field->id == FIELD_EXPECT) {
            s->has_expect = true;
        } else if (field->id == FIELD_CACHE_CONTROL) {
            s->has_cache_control = true;
        } else if (field->id == FIELD_PRAGMA && s->pragma == NULL) {
            s->pragma = field;
        }
    }
}

static bool tells_by_pragma(const struct summary *s)
{
    return s->pragma != NULL && !s->has_cache_control && str_equal(s->pragma->value, STR("no-cache"));
}

void message_tell_no_cache(struct fields *f, bool pragma_no_cache)
{
    if (pragma_no_cache)
        field_add_id(f, FIELD_CACHE_CONTROL, STR("no-cache"));
}

static bool keeps_alive(const struct summary *s, int minor)
{
    return !s->close && (minor > 0 || s->keep_alive);
}

/* Nothing but one final "chunked" can be read; codings before it are codings we do not know (RFC 9112
 * section 6.1). */
static bool check_coding(const struct fields *f, int minor, struct message_fault *fault)
{
    struct field_list_cursor cursor = {0};
    struct str coding;
    bool chunked = false, unknown = false;

    while (field_list_next(f, FIELD_TRANSFER_ENCODING, &cursor, &coding)) {
        size_t name = token_len(coding.ptr, coding.len);
        if (chunked || name == 0)
            return refuse(fault, 400, ""); /* nothing may follow chunked */
        if (str_equal_nocase(str_slice(coding, 0, name), STR("chunked"))) {
            if (name < coding.len)
                return refuse(fault, 400, ""); /* it has no parameters */
            chunked = true;
        } else {
            unknown = true;
        }
    }
    if (minor == 0 || (!chunked && !unknown))
        return refuse(fault, 400, "");
    return !unknown || refuse(fault, 501, "Unsupported transfer encoding");
}

/* The rules both kinds share (RFC 9112 section 6.3): true, and framing and length, if no field contradicts
 * another. */
static bool frame(const struct fields *f, const struct summary *s, int minor, enum framing *framing,
                  uint64_t *length, struct message_fault *fault)
{
    if (s->options > CONNECTION_OPTIONS_MAX)
        return refuse(fault, 400, "");
    if (s->has_coding) {
        if (s->length != NULL)
            return refuse(fault, 400, "");
        *framing = FRAMING_CHUNKED;
        return check_coding(f, minor, fault);
    }
    if (s->length != NULL) {
        if (s->lengths_differ || !str_to_u64(s->length->value, length) || *length > INT64_MAX)
            return refuse(fault, 400, "");
        *framing = *length > 0 ? FRAMING_LENGTH : FRAMING_NONE;
    }
    return true;
}

static bool check_host(struct request *r, const struct summary *s, struct message_fault *fault)
{
    if (s->hosts > 1)
        return refuse(fault, 400, "");
    if (s->hosts == 0 && r->minor > 0)
        return refuse(fault, 400, "missing required Host header");
    if (s->hosts == 1 && !authority_is_valid(s->host->value))
        return refuse(fault, 400, "malformed Host header");
    r->host = s->hosts == 1 ? s->host->value : STR_NONE;
    if (r->parts.form == TARGET_ABSOLUTE || r->parts.form == TARGET_AUTHORITY)
        r->host = r->parts.authority; /* RFC 9112 section 3.2.2 */
    return true;
}

/* RFC 9110 section 10.1.1. An HTTP/1.0 client would not understand 100 (Continue). */
static bool check_expect(struct request *r, struct message_fault *fault)
{
    struct field_list_cursor cursor = {0};
    struct str expectation;

    while (field_list_next(&r->fields, FIELD_EXPECT, &cursor, &expectation)) {
        if (!str_equal_nocase(expectation, STR("100-continue")))
            return refuse(fault, 417, "");
        r->expects_continue = r->minor > 0 && r->framing != FRAMING_NONE;
    }
    return true;
}

bool request_finish(struct request *r, struct message_fault *fault)
{
    struct summary s;

    r->framing = FRAMING_NONE;
    r->length = 0;
    r->expects_continue = false;
    if (!target_parse(&r->parts, r->method, r->target))
        return refuse(fault, 400, "");
    summarise(&r->fields, &s);
    r->keep_alive = keeps_alive(&s, r->minor);
    r->pragma_no_cache = tells_by_pragma(&s);
    if (!check_host(r, &s, fault))
        return false;
    if (!frame(&r->fields, &s, r->minor, &r->framing, &r->length, fault))
        return false;
    return !s.has_expect || check_expect(r, fault);
}

static bool has_no_content(int status, struct str method)
{
    return status < 200 || status == 204 || status == 304 || str_equal(method, STR("HEAD")) ||
           (str_equal(method, STR("CONNECT")) && status < 300);
}

bool response_finish(struct response *r, struct str method, struct message_fault *fault)
{
    struct summary s;

    r->framing = FRAMING_CLOSE;
    r->length = 0;
    summarise(&r->fields, &s);
    if (r->status == 101)
        return refuse(fault, 502, "unexpected 101 (Switching Protocols)"); /* we never ask for an upgrade */
    if (!frame(&r->fields, &s, r->minor, &r->framing, &r->length, fault))
        return false;
    r->pragma_no_cache = tells_by_pragma(&s);
    if (has_no_content(r->status, method)) {
        r->framing = FRAMING_NONE;
        r->length = 0;
    }
    r->keep_alive = keeps_alive(&s, r->minor) && r->framing != FRAMING_CLOSE;
    return true;
}

#define REASON(status, text) [status] = {text, sizeof(text) - 1}

static const struct str reasons[600] = {
    REASON(100, "Continue"),
    REASON(101, "Switching Protocols"),
    REASON(102, "Processing"),
    REASON(103, "Early Hints"),
    REASON(200, "OK"),
    REASON(201, "Created"),
    REASON(202, "Accepted"),
    REASON(203, "Non-Authoritative Information"),
    REASON(204, "No Content"),
    REASON(205, "Reset Content"),
    REASON(206, "Partial Content"),
    REASON(207, "Multi-Status"),
    REASON(208, "Already Reported"),
    REASON(226, "IM Used"),
    REASON(300, "Multiple Choices"),
    REASON(301, "Moved Permanently"),
    REASON(302, "Found"),
    REASON(303, "See Other"),
    REASON(304, "Not Modified"),
    REASON(305, "Use Proxy"),
    REASON(307, "Temporary Redirect"),
    REASON(308, "Permanent Redirect"),
    REASON(400, "Bad Request"),
    REASON(401, "Unauthorized"),
    REASON(402, "Payment Required"),
    REASON(403, "Forbidden"),
    REASON(404, "Not Found"),
    REASON(405, "Method Not Allowed"),
    REASON(406, "Not Acceptable"),
    REASON(407, "Proxy Authentication Required"),
    REASON(408, "Request Timeout"),
    REASON(409, "Conflict"),
    REASON(410, "Gone"),
    REASON(411, "Length Required"),
    REASON(412, "Precondition Failed"),
    REASON(413, "Request Entity Too Large"),
    REASON(414, "Request URI Too Long"),
    REASON(415, "Unsupported Media Type"),
    REASON(416, "Requested Range Not Satisfiable"),
    REASON(417, "Expectation Failed"),
    REASON(418, "I'm a teapot"),
    REASON(421, "Misdirected Request"),
    REASON(422, "Unprocessable Entity"),
    REASON(423, "Locked"),
    REASON(424, "Failed Dependency"),
    REASON(425, "Too Early"),
    REASON(426, "Upgrade Required"),
    REASON(428, "Precondition Required"),
    REASON(429, "Too Many Requests"),
    REASON(431, "Request Header Fields Too Large"),
    REASON(451, "Unavailable For Legal Reasons"),
    REASON(500, "Internal Server Error"),
    REASON(501, "Not Implemented"),
    REASON(502, "Bad Gateway"),
    REASON(503, "Service Unavailable"),
    REASON(504, "Gateway Timeout"),
    REASON(505, "HTTP Version Not Supported"),
    REASON(506, "Variant Also Negotiates"),
    REASON(507, "Insufficient Storage"),
    REASON(508, "Loop Detected"),
    REASON(510, "Not Extended"),
    REASON(511, "Network Authentication Required"),
};

/* "status code 100status code 101...": the phrases of all others, one behind the other. */
/* clang-format off */
#define TEN(s) s "0" s "1" s "2" s "3" s "4" s "5" s "6" s "7" s "8" s "9"
#define HUNDRED(s) \
    TEN(s "0") TEN(s "1") TEN(s "2") TEN(s "3") TEN(s "4") TEN(s "5") TEN(s "6") TEN(s "7") TEN(s "8") TEN(s "9")
#define PHRASES(h) HUNDRED("status code " h)
/* clang-format on */

enum { UNKNOWN_LEN = sizeof("status code 999") - 1 };

static const char unknown[] = PHRASES("1") PHRASES("2") PHRASES("3") PHRASES("4") PHRASES("5") PHRASES("6")
    PHRASES("7") PHRASES("8") PHRASES("9");

struct str status_reason(int status)
{
    if (status < 100 || status > 999)
        return STR("");
    if ((size_t)status < ARRAY_LEN(reasons) && reasons[status].len > 0)
        return reasons[status];
    return (struct str){unknown + (status - 100) * UNKNOWN_LEN, UNKNOWN_LEN};
}
