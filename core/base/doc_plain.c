/* The check of a text byte by byte. It decides where the vector code does not run or found something wrong,
 * and words its complaints as KrakenD does. */
#include "base/doc_private.h"

#include "base/quote.h"
#include "base/utf8.h"
#include <stdio.h>
#include <string.h>

struct reader {
    struct doc_check *check;
    struct error *err;
    const char *ptr;
    const char *end;
    uint32_t box; /* the innermost open one */
    uint32_t depth;
};

/* A byte as Go prints it: taken for a code point of Latin-1. */
static void quote_byte(char out[16], unsigned char byte)
{
    char utf8[4], *end = out;
    struct str text = {utf8, utf8_encode(utf8, byte)};

    *end++ = '\'';
    if (byte == '\'')
        end = str_put(end, STR("\\'"));
    else if (byte == '"')
        *end++ = '"'; /* which needs no escape in these quotes */
    else
        end = quote_go_put(end, text);
    *end++ = '\'';
    *end = '\0';
}

bool doc_complain(struct error *err, struct str rest, const char *where)
{
    char shown[16];

    if (rest.len == 0)
        return error_set(err, "unexpected EOF");
    quote_byte(shown, (unsigned char)rest.ptr[0]);
    return error_set(err, "invalid character %s %s", shown, where);
}

static bool complain(const struct reader *r, const char *where)
{
    return doc_complain(r->err, (struct str){r->ptr, (size_t)(r->end - r->ptr)}, where);
}

static char peek(const struct reader *r)
{
    return r->ptr < r->end ? *r->ptr : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void skip_space(struct reader *r)
{
    while (r->ptr < r->end && doc_is_space(*r->ptr))
        r->ptr++;
}

/* ptr is behind a backslash. */
static bool read_escape(struct reader *r)
{
    char c = peek(r);

    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
        return complain(r, "in string escape code");
    r->ptr++;
    if (c != 'u')
        return true;
    for (int i = 0; i < 4; i++, r->ptr++)
        if (!is_hex(peek(r)))
            return complain(r, "in \\u hexadecimal character escape");
    return true;
}

/* Has one of 8 bytes a meaning in strings: a control character, a quote, a backslash, or not ASCII? Bytes
 * behind such a one may be taken for it by mistake. */
static bool has_special(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t tops = 0x8080808080808080u;
    uint64_t quote = word ^ ones * '"';
    uint64_t backslash = word ^ ones * '\\';

    return ((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops) != 0;
}

static void skip_plain_text(struct reader *r)
{
    uint64_t word;

    while (r->end - r->ptr >= 8) {
        memcpy(&word, r->ptr, sizeof(word));
        if (has_special(word))
            return;
        r->ptr += 8;
    }
}

/* ptr is behind the opening quote. */
static bool read_string(struct reader *r)
{
    bool valid;

    for (;;) {
        skip_plain_text(r);
        if (r->ptr >= r->end)
            return complain(r, "in string literal");
        unsigned char c = (unsigned char)*r->ptr;
        if (c >= 0x80) {
            r->ptr += utf8_sequence(r->ptr, r->end, &valid);
            r->check->ill_formed |= !valid;
            continue;
        }
        if (c < 0x20)
            return complain(r, "in string literal");
        r->ptr++;
        if (c == '"')
            return true;
        if (c == '\\' && !read_escape(r))
            return false;
    }
}

static bool read_digits(struct reader *r, const char *where)
{
    if (!is_digit(peek(r)))
        return complain(r, where);
    while (is_digit(peek(r)))
        r->ptr++;
    return true;
}

static bool read_number(struct reader *r)
{
    if (peek(r) == '-')
        r->ptr++;
    if (peek(r) == '0')
        r->ptr++;
    else if (!read_digits(r, "in numeric literal"))
        return false;
    if (peek(r) == '.') {
        r->ptr++;
        if (!read_digits(r, "after decimal point in numeric literal"))
            return false;
    }
    if (peek(r) == 'e' || peek(r) == 'E') {
        r->ptr++;
        if (peek(r) == '+' || peek(r) == '-')
            r->ptr++;
        return read_digits(r, "in exponent of numeric literal");
    }
    return true;
}

static bool read_literal(struct reader *r, const char *literal)
{
    char where[48];

    for (const char *c = literal; *c != '\0'; c++, r->ptr++) {
        if (peek(r) == *c)
            continue;
        snprintf(where, sizeof(where), "in literal %s (expecting '%c')", literal, *c);
        return complain(r, where);
    }
    return true;
}

static bool read_scalar(struct reader *r)
{
    switch (*r->ptr) {
    case '"': r->ptr++; return read_string(r);
    case 't': return read_literal(r, "true");
    case 'f': return read_literal(r, "false");
    case 'n': return read_literal(r, "null");
    case '-': return read_number(r);
    default: break;
    }
    return is_digit(*r->ptr) ? read_number(r) : complain(r, "looking for beginning of value");
}

static bool open_box(struct reader *r)
{
    struct doc_check *c = r->check;

    if (r->depth == DOC_MAX_DEPTH)
        return complain(r, "exceeded max depth");
    if (c->count == c->cap)
        doc_check_reserve(c, 1);
    c->boxes[c->count] = (struct doc_box){.open = (uint32_t)(r->ptr - c->text.ptr), .next = r->box};
    r->box = c->count++;
    r->depth++;
    r->ptr++;
    return true;
}

static void close_box(struct reader *r)
{
    struct doc_box *box = &r->check->boxes[r->box];

    box->close = (uint32_t)(r->ptr - r->check->text.ptr);
    r->box = box->next;
    box->next = r->check->count;
    r->depth--;
    r->ptr++;
}

static bool in_object(const struct reader *r)
{
    return r->check->text.ptr[r->check->boxes[r->box].open] == '{';
}

/* A member's name and its colon. */
static bool read_name(struct reader *r)
{
    skip_space(r);
    if (peek(r) != '"')
        return complain(r, "looking for beginning of object key string");
    r->ptr++;
    if (!read_string(r))
        return false;
    skip_space(r);
    if (peek(r) != ':')
        return complain(r, "after object key");
    r->ptr++;
    return true;
}

enum state { BEFORE_VALUE, AFTER_VALUE, FAILED };

static enum state want(bool ok, enum state state)
{
    return ok ? state : FAILED;
}

static enum state step_before_value(struct reader *r)
{
    skip_space(r);
    if (r->ptr >= r->end)
        return want(complain(r, "looking for beginning of value"), FAILED);
    bool object = *r->ptr == '{';
    if (!object && *r->ptr != '[')
        return want(read_scalar(r), AFTER_VALUE);
    if (!open_box(r))
        return FAILED;
    skip_space(r);
    if (peek(r) == (object ? '}' : ']')) {
        close_box(r);
        return AFTER_VALUE;
    }
    return object ? want(read_name(r), BEFORE_VALUE) : BEFORE_VALUE;
}

static enum state step_after_value(struct reader *r)
{
    bool object = in_object(r);

    skip_space(r);
    if (peek(r) == ',') {
        r->ptr++;
        return object ? want(read_name(r), BEFORE_VALUE) : BEFORE_VALUE;
    }
    if (peek(r) == (object ? '}' : ']')) {
        close_box(r);
        return AFTER_VALUE;
    }
    return want(complain(r, object ? "after object key:value pair" : "after array element"), FAILED);
}

bool doc_check_plain(struct doc_check *c, struct error *err)
{
    struct reader r = {.check = c, .err = err, .ptr = c->text.ptr, .end = c->text.ptr + c->text.len};
    enum state state = step_before_value(&r);

    while (state == BEFORE_VALUE || (state == AFTER_VALUE && r.depth > 0))
        state = state == BEFORE_VALUE ? step_before_value(&r) : step_after_value(&r);
    c->end = (uint32_t)(r.ptr - c->text.ptr);
    return state != FAILED;
}
