/* The check of a text 64 bytes at a time, without a branch per token.
 *
 * A block becomes masks of 64 bits, one for each kind of character. Whether a token may follow the one before
 * it is then a question about neighbouring bits, for numbers, separators and names alike. What a rule has to
 * remember from one block to the next is its carry. Only brackets, literals and escapes are visited one by
 * one: brackets because what a comma means depends on the container it stands in.
 *
 * It says valid or not; the plain check finds the words for what is wrong.
 */
#include "base/doc_private.h"

#if defined(__x86_64__)

#include "base/doc_block.h"
#include <string.h>

/* 0 or 1 each, a bit that falls into the next block, unless noted. */
struct carry {
    uint64_t escape;
    uint64_t string; /* all bits: the next block begins within a string */
    uint64_t scalar;
    uint64_t literal; /* a mask: so much of a literal lies in the next block */
    uint64_t number;
    uint64_t digit;
    uint64_t dot;
    uint64_t fraction;
    uint64_t zero;
    uint64_t exponent;
    uint64_t exponent_sign;
    uint64_t sign;
    uint64_t minus;
    uint64_t power;
    uint64_t value;
    uint64_t scalar_end;
    uint64_t open;
    uint64_t comma;
    uint64_t brace;
    uint64_t utf8; /* a mask: which of the last three bytes were not ASCII */
};

struct vector {
    struct doc_check *check;
    const char *text;
    size_t len;
    size_t base; /* of the block */
    struct carry carry;
    __m256i before;     /* the 32 bytes before the block */
    __m256i ill_formed; /* zero: no such sequence so far */
    uint64_t in_object; /* all bits or none: what the innermost open container is */
    uint32_t box;       /* that container */
    uint32_t depth;
};

/* Where in a block stands what. */
struct masks {
    uint64_t outside;      /* of strings */
    uint64_t string_start; /* opening quotes */
    uint64_t string_end;   /* closing quotes */
    uint64_t space;
    uint64_t comma;
    uint64_t colon;
    uint64_t open;
    uint64_t brace; /* opening braces */
    uint64_t close;
    uint64_t digit;
    uint64_t dot;
    uint64_t scalar;       /* every byte of numbers and literals */
    uint64_t after_scalar; /* a byte with a byte of a scalar before it */
    uint64_t list_element; /* what comes next behind a comma, if it is no colon */
};

INLINE void check_utf8(struct vector *v, struct bytes b)
{
    uint64_t high = bits_of(b.low, b.high);

    if ((high | v->carry.utf8) != 0) {
        __m256i faults = _mm256_or_si256(utf8_faults(v->before, b.low), utf8_faults(b.low, b.high));
        v->ill_formed = _mm256_or_si256(v->ill_formed, faults);
    }
    v->carry.utf8 = high >> 61;
    v->before = b.high;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool escape_is_valid(const struct vector *v, size_t at)
{
    const char *c = v->text + at;
    size_t room = v->len - at;

    if (room < 2)
        return false;
    if (c[1] == 'u')
        return room >= 6 && is_hex(c[2]) && is_hex(c[3]) && is_hex(c[4]) && is_hex(c[5]);
    return c[1] != '\0' && strchr("\"\\/bfnrt", c[1]) != NULL;
}

/* The characters behind a backslash that is not itself behind one. */
static uint64_t check_escapes(struct vector *v, uint64_t backslash, uint64_t *wrong)
{
    uint64_t escaped = v->carry.escape;

    v->carry.escape = 0;
    for (backslash &= ~escaped; backslash != 0; backslash &= (backslash - 1) & ~escaped) {
        unsigned at = (unsigned)__builtin_ctzll(backslash);
        uint64_t bit = 1ull << at;
        if (!escape_is_valid(v, v->base + at))
            *wrong |= bit;
        escaped |= bit << 1;
        v->carry.escape = bit >> 63;
    }
    return escaped;
}

/* Tells strings from the rest. */
INLINE uint64_t find_strings(struct vector *v, struct bytes b, struct masks *m)
{
    uint64_t wrong = 0;
    uint64_t quote = equal(b, '"');
    uint64_t backslash = equal(b, '\\');

    if ((backslash | v->carry.escape) != 0)
        quote &= ~check_escapes(v, backslash, &wrong);
    uint64_t inside = parity(quote) ^ v->carry.string;
    v->carry.string = (uint64_t)((int64_t)inside >> 63);
    m->string_start = quote & inside;
    m->string_end = quote & ~inside;
    m->outside = ~(inside | quote);
    return wrong | (control(b) & inside);
}

INLINE void find_tokens(struct vector *v, struct bytes b, struct masks *m)
{
    struct bytes kinds = {classify(b.low), classify(b.high)};

    m->dot = kind_bits(kinds, 0) & m->outside;
    m->digit = kind_bits(kinds, 1) & m->outside;
    m->open = kind_bits(kinds, 2) & m->outside;
    m->close = kind_bits(kinds, 3) & m->outside;
    m->colon = kind_bits(kinds, 4) & m->outside;
    m->comma = kind_bits(kinds, 5) & m->outside;
    m->space = (kind_bits(kinds, 6) | kind_bits(kinds, 7)) & m->outside;
    m->brace = m->open & kind_bits(b, 2); /* 0x20 tells { from [ */
    m->scalar = m->outside & ~(m->open | m->close | m->colon | m->comma | m->space);
    m->after_scalar = behind(m->scalar, &v->carry.scalar);
}

/* The bytes of the literals that begin at starts. What begins there and is none is left to the rules of
 * numbers. */
INLINE uint64_t find_literals(struct vector *v, uint64_t starts)
{
    uint64_t found = v->carry.literal;

    v->carry.literal = 0;
    for (; starts != 0; starts &= starts - 1) {
        unsigned at = (unsigned)__builtin_ctzll(starts);
        const char *c = v->text + v->base + at;
        uint32_t word;
        if (v->len - v->base - at < 5)
            break; /* too short for a literal in a container */
        memcpy(&word, c, sizeof(word));
        bool is_false = word == 0x736c6166 && c[4] == 'e';         /* "fals" */
        if (word != 0x65757274 && word != 0x6c6c756e && !is_false) /* "true", "null" */
            continue;
        uint64_t bytes = is_false ? 0x1f : 0x0f;
        found |= bytes << at;
        v->carry.literal = at > 59 ? bytes >> (64 - at) : 0;
    }
    return found;
}

/* The rules for minus and exponent, which few numbers have. *zero: noughts that no digit may follow. */
INLINE uint64_t check_odd_numbers(struct carry *carry, struct bytes b, const struct masks *m, uint64_t number,
                                  uint64_t start, uint64_t after_digit, uint64_t *zero)
{
    uint64_t minus = equal(b, '-') & number;
    uint64_t sign = minus | (equal(b, '+') & number);
    uint64_t exponent = (equal(b, 'e') | equal(b, 'E')) & number;
    uint64_t after_exponent = behind(exponent, &carry->exponent);
    uint64_t after_sign = behind(sign, &carry->sign);
    uint64_t power = after_exponent | behind(sign & after_exponent, &carry->exponent_sign);
    uint64_t wrong = number & ~(m->digit | m->dot | sign | exponent);

    wrong |= sign & ~after_exponent & ~(minus & start);
    wrong |= exponent & ~after_digit;
    wrong |= after_exponent & ~(m->digit | sign);
    wrong |= after_sign & ~m->digit;
    wrong |= run_end(power & m->digit, m->digit, &carry->power) & (m->dot | exponent);
    *zero |= equal(b, '0') & behind(minus & start, &carry->minus);
    return wrong;
}

INLINE uint64_t check_numbers(struct vector *v, struct bytes b, const struct masks *m, uint64_t number)
{
    struct carry *carry = &v->carry;
    uint64_t start = number & ~behind(number, &carry->number);
    uint64_t after_digit = behind(m->digit, &carry->digit);
    uint64_t after_dot = behind(m->dot, &carry->dot);
    uint64_t zero = equal(b, '0') & start;
    uint64_t odd = number & ~(m->digit | m->dot);
    uint64_t wrong = start & m->after_scalar; /* right behind a literal */

    if ((odd | carry->exponent | carry->exponent_sign | carry->sign | carry->minus | carry->power) != 0)
        wrong |= check_odd_numbers(carry, b, m, number, start, after_digit, &zero);
    wrong |= m->dot & ~after_digit;
    wrong |= after_dot & ~m->digit;
    wrong |= run_end(after_dot & m->digit, m->digit, &carry->fraction) & m->dot;
    wrong |= behind(zero, &carry->zero) & m->digit;
    return wrong;
}

INLINE uint64_t check_scalars(struct vector *v, struct bytes b, const struct masks *m)
{
    uint64_t literals = find_literals(v, m->scalar & ~m->after_scalar & ~m->digit);

    return check_numbers(v, b, m, m->scalar & ~literals);
}

/* Which token may follow which, as far as it does not depend on the container. */
INLINE uint64_t check_order(struct carry *carry, struct masks *m)
{
    uint64_t separator = m->comma | m->colon;
    uint64_t bracket = m->open | m->close;
    uint64_t within = ~(separator | bracket);
    uint64_t scalar_end = m->after_scalar & ~m->scalar;
    uint64_t after_scalar = run_end(scalar_end, m->space, &carry->scalar_end);
    uint64_t after_value = follow(m->string_end | m->close, m->space, &carry->value) | after_scalar;
    uint64_t after_open = follow(m->open, m->space, &carry->open);
    uint64_t after_comma = follow(m->comma, within, &carry->comma);
    uint64_t after_brace = follow(m->brace, within, &carry->brace);
    uint64_t value = m->string_start | (m->scalar & ~m->after_scalar) | m->open;
    uint64_t wrong = after_value & value;

    wrong |= separator & ~after_value;
    wrong |= m->close & ~(after_value | after_open);
    wrong |= m->colon & (after_scalar | ~(after_comma | after_brace));
    wrong |= after_brace & ~m->colon & ~(m->close & after_open);
    m->list_element = after_comma & ~m->colon;
    return wrong;
}

INLINE bool open_box(struct vector *v, size_t at)
{
    struct doc_check *c = v->check;

    if (v->depth == DOC_MAX_DEPTH)
        return false;
    c->boxes[c->count] = (struct doc_box){.open = (uint32_t)at, .next = v->box};
    v->box = c->count++;
    v->depth++;
    v->in_object = v->text[at] == '{' ? ~0ull : 0;
    return true;
}

INLINE bool close_box(struct vector *v, size_t at)
{
    struct doc_check *c = v->check;
    struct doc_box *box = &c->boxes[v->box];

    if (v->text[at] - v->text[box->open] != '}' - '{') /* as for brackets */
        return false;
    box->close = (uint32_t)at;
    v->box = box->next;
    box->next = c->count;
    v->depth--;
    if (v->depth > 0)
        v->in_object = v->text[c->boxes[v->box].open] == '{' ? ~0ull : 0;
    return true;
}

enum verdict { WRONG, MORE, DONE };

/* Colons belong into objects, commas without a name behind them into lists. wrong: what is already known. */
INLINE enum verdict check_boxes(struct vector *v, const struct masks *m, uint64_t wrong)
{
    uint64_t bracket = m->open | m->close;
    uint64_t rest = ~0ull; /* behind the last bracket */

    for (; bracket != 0; bracket &= bracket - 1) {
        uint64_t up_to = bracket ^ (bracket - 1);
        size_t at = v->base + (size_t)__builtin_ctzll(bracket);
        wrong |= ((v->in_object & m->list_element) | (~v->in_object & m->colon)) & rest & up_to;
        rest = ~up_to;
        if ((m->open & up_to & ~(up_to >> 1)) != 0) {
            if (!open_box(v, at))
                return WRONG;
        } else if (!close_box(v, at)) {
            return WRONG;
        }
        if (v->depth == 0) {
            v->check->end = (uint32_t)at + 1;
            return (wrong & up_to) != 0 ? WRONG : DONE;
        }
    }
    wrong |= ((v->in_object & m->list_element) | (~v->in_object & m->colon)) & rest;
    return wrong != 0 ? WRONG : MORE;
}

INLINE enum verdict check_block(struct vector *v, const char *ptr)
{
    struct bytes b = {_mm256_loadu_si256((const __m256i *)ptr), _mm256_loadu_si256((const __m256i *)ptr + 1)};
    struct masks m;
    uint64_t wrong;

    check_utf8(v, b);
    wrong = find_strings(v, b, &m);
    if (m.outside == 0 && m.string_start == 0 && m.string_end == 0)
        return wrong != 0 ? WRONG : MORE; /* nothing but text, and no carry that text would change */
    find_tokens(v, b, &m);
    wrong |= check_scalars(v, b, &m);
    wrong |= check_order(&v->carry, &m);
    return check_boxes(v, &m, wrong);
}

/* What is left of the text, with white space behind it. */
VECTOR static enum verdict check_tail(struct vector *v)
{
    char tail[BLOCK];

    memset(tail, ' ', sizeof(tail));
    memcpy(tail, v->text + v->base, v->len - v->base);
    return check_block(v, tail);
}

VECTOR bool doc_check_vector(struct doc_check *c)
{
    struct vector v = {
        .check = c,
        .text = c->text.ptr,
        .len = c->text.len,
        .box = DOC_NO_BOX,
        .before = _mm256_setzero_si256(),
        .ill_formed = _mm256_setzero_si256(),
    };
    enum verdict verdict = MORE;

    for (; verdict == MORE && v.base + BLOCK <= v.len; v.base += BLOCK) {
        doc_check_reserve(c, BLOCK);
        verdict = check_block(&v, v.text + v.base);
    }
    if (verdict == MORE && v.base < v.len) {
        doc_check_reserve(c, BLOCK);
        verdict = check_tail(&v);
    }
    c->ill_formed = !_mm256_testz_si256(v.ill_formed, v.ill_formed);
    return verdict == DONE;
}

bool doc_has_vector(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("pclmul");
}

#else

bool doc_check_vector(struct doc_check *c)
{
    (void)c;
    return false;
}

bool doc_has_vector(void)
{
    return false;
}

#endif
