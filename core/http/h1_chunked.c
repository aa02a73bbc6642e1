#include "http/h1_chunked.h"

#include "http/field.h"
#include <string.h>

/* Where in the grammar of RFC 9112 section 7.1 the next byte stands. */
enum state {
    SIZE = 0,
    NEED_SEMICOLON, /* blanks after a size or an extension: only ";" may follow */
    EXT_START,      /* behind ";" */
    EXT_NAME,
    EXT_NAME_BLANK, /* blanks after a name: "=" or ";" */
    EXT_VALUE_START,
    EXT_VALUE,
    EXT_QUOTED,
    EXT_ESCAPED,
    EXT_QUOTED_END,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    DONE,
    BAD,
};

/* Chunk-size lines may be so much longer in all than the content warrants: else a sender makes us read
 * endlessly for next to nothing. */
enum { EXCESS_MAX = 16 * 1024, EXCESS_PER_CHUNK = 16 };

void chunked_init(struct chunked *c)
{
    *c = (struct chunked){.state = SIZE};
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_text(char c)
{
    return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7f);
}

static bool is_token_char(char c)
{
    return token_len(&c, 1) == 1;
}

/* What may follow a complete size, name or value: a blank, ";" or the end of the line. */
static enum state after_item(char c)
{
    if (c == ';')
        return EXT_START;
    return is_blank(c) ? NEED_SEMICOLON : c == '\r' ? SIZE_LF : BAD;
}

static enum state read_size(struct chunked *c, char byte)
{
    int digit = hex_value(byte);

    if (digit < 0)
        return c->digits > 0 ? after_item(byte) : BAD;
    if (c->left > (uint64_t)INT64_MAX >> 4)
        return BAD;
    c->digits++; /* zeroes may lead: CHUNKED_LINE_MAX ends them */
    c->left = c->left << 4 | (uint64_t)digit;
    return SIZE;
}

/* The chunk-size line is complete. */
static enum state begin_chunk(struct chunked *c)
{
    size_t line = c->line_len;

    c->line_len = 0;
    c->digits = 0;
    if (c->left == 0)
        return TRAILER_START;
    c->excess += line;
    uint64_t allowed = EXCESS_PER_CHUNK + 2 * (c->left < EXCESS_MAX ? c->left : EXCESS_MAX);
    c->excess = c->excess > allowed ? c->excess - (size_t)allowed : 0;
    return c->excess > EXCESS_MAX ? BAD : DATA;
}

/* Any byte but one of content. */
static enum state read_byte(struct chunked *c, char byte)
{
    switch ((enum state)c->state) {
    case SIZE: return read_size(c, byte);
    case NEED_SEMICOLON: return is_blank(byte) ? NEED_SEMICOLON : byte == ';' ? EXT_START : BAD;
    case EXT_START: return is_blank(byte) ? EXT_START : is_token_char(byte) ? EXT_NAME : BAD;
    case EXT_NAME:
        if (is_token_char(byte))
            return EXT_NAME;
        return byte == '=' ? EXT_VALUE_START : is_blank(byte) ? EXT_NAME_BLANK : after_item(byte);
    case EXT_NAME_BLANK:
        return is_blank(byte) ? EXT_NAME_BLANK
               : byte == '='  ? EXT_VALUE_START
               : byte == ';'  ? EXT_START
                              : BAD;
    case EXT_VALUE_START:
        return is_blank(byte)        ? EXT_VALUE_START
               : byte == '"'         ? EXT_QUOTED
               : is_token_char(byte) ? EXT_VALUE
                                     : BAD;
    case EXT_VALUE: return is_token_char(byte) ? EXT_VALUE : after_item(byte);
    case EXT_QUOTED:
        return byte == '"' ? EXT_QUOTED_END : byte == '\\' ? EXT_ESCAPED : is_text(byte) ? EXT_QUOTED : BAD;
    case EXT_ESCAPED: return is_text(byte) ? EXT_QUOTED : BAD;
    case EXT_QUOTED_END: return after_item(byte);
    case SIZE_LF: return byte == '\n' ? begin_chunk(c) : BAD;
    case DATA: return DATA;
    case DATA_CR: return byte == '\r' ? DATA_LF : BAD;
    case DATA_LF: return byte == '\n' ? SIZE : BAD;
    case TRAILER_START: return byte == '\r' ? END_LF : is_token_char(byte) ? TRAILER_NAME : BAD;
    case TRAILER_NAME: return byte == ':' ? TRAILER_VALUE : is_token_char(byte) ? TRAILER_NAME : BAD;
    case TRAILER_VALUE: return byte == '\r' ? TRAILER_LF : is_text(byte) ? TRAILER_VALUE : BAD;
    case TRAILER_LF: return byte == '\n' ? TRAILER_START : BAD;
    case END_LF: return byte == '\n' ? DONE : BAD;
    case DONE: return DONE;
    case BAD: return BAD;
    }
    return BAD;
}

/* Counts a byte of a chunk-size line or of the trailer section; false at the limit. */
static bool count_byte(struct chunked *c)
{
    if (c->state >= TRAILER_START)
        return ++c->trailer_len <= CHUNKED_TRAILER_MAX;
    return c->state > SIZE_LF || ++c->line_len <= CHUNKED_LINE_MAX;
}

enum chunked_result chunked_read(struct chunked *c, const char *data, size_t len, size_t *used,
                                 struct iovec *iov, int max, int *count)
{
    size_t i = 0;

    *count = 0;
    while (i < len && c->state != DONE && c->state != BAD) {
        if (c->state != DATA) {
            c->state = count_byte(c) ? (int)read_byte(c, data[i]) : BAD;
            i++;
            continue;
        }
        if (*count == max)
            break;
        size_t take = len - i < c->left ? len - i : (size_t)c->left;
        iov[(*count)++] = (struct iovec){(char *)(uintptr_t)(data + i), take};
        i += take;
        c->left -= take;
        if (c->left == 0)
            c->state = DATA_CR;
    }
    *used = i;
    if (c->state == BAD)
        return CHUNKED_BAD;
    if (c->state == DONE)
        return CHUNKED_DONE;
    return i < len ? CHUNKED_FULL : CHUNKED_MORE;
}
