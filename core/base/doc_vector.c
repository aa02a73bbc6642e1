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

/* What falls into the next block: 0 or 1, unless noted. */
struct carry {
    uint64_t escape;
    uint64_t string; /* all bits: it begins within a string */
    uint64_t scalar;
    uint64_t literal; /* a mask: so much of a literal lies there */
    uint64_t literal_end;
    uint64_t digit;
    uint64_t fraction;
    uint64_t zero;
    uint64_t ended;
    uint64_t value;
    uint64_t open;
    uint64_t name;
    uint64_t utf8; /* not 0: one of the last three bytes is not ASCII */
    uint64_t odd;  /* one of the following is set */
    uint64_t exponent;
    uint64_t exponent_sign;
    uint64_t minus;
    uint64_t power;
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

/* Where in a block stands what, outside of strings but for their quotes. */
struct masks {
    uint64_t outside;
    uint64_t string_start; /* opening quotes */
    uint64_t string_end;   /* closing quotes */
    uint64_t space;
    uint64_t comma;
    uint64_t colon;
    uint64_t open;
    uint64_t close;
    uint64_t dot;
    uint64_t digit;        /* in strings, too */
    uint64_t zero;         /* in strings, too */
    uint64_t scalar;       /* every byte of numbers and literals */
    uint64_t scalar_start; /* the first byte */
    uint64_t scalar_after; /* the byte behind the last */
    uint64_t list_element; /* what stands behind a comma or bracket as it may in lists alone */
};

INLINE void check_utf8(struct vector *v, struct bytes b)
{
    __m256i faults = _mm256_or_si256(utf8_faults(v->before, b.low), utf8_faults(b.low, b.high));

    v->ill_formed = _mm256_or_si256(v->ill_formed, faults);
    v->carry.utf8 = bits_of(b.low, b.high) >> 61;
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

/* Tells strings from the rest. Backslashes, control characters and what is not ASCII are rare enough to be
 * looked for at once. */
INLINE uint64_t find_strings(struct vector *v, struct bytes b, struct masks *m)
{
    uint64_t wrong = 0;
    uint64_t quote = equal(b, '"');
    uint64_t controls = 0;

    if (has_special(b) || (v->carry.escape | v->carry.utf8) != 0) {
        quote &= ~check_escapes(v, equal(b, '\\'), &wrong);
        check_utf8(v, b);
        controls = control(b);
    }
    v->before = b.high;
    uint64_t inside = parity(quote) ^ v->carry.string;
    v->carry.string = (uint64_t)((int64_t)inside >> 63);
    m->string_start = quote & inside;
    m->string_end = quote & ~inside;
    m->outside = ~(inside | quote);
    return wrong | (controls & inside);
}

INLINE void find_tokens(struct vector *v, struct bytes b, struct masks *m)
{
    struct bytes kinds = {classify(b.low), classify(b.high)};

    m->dot = kind_bits(kinds, 0) & m->outside;
    m->digit = kind_bits(kinds, 1);
    m->zero = kind_bits(kinds, 2);
    m->open = kind_bits(kinds, 3) & m->outside;
    m->close = kind_bits(kinds, 4) & m->outside;
    m->colon = kind_bits(kinds, 5) & m->outside;
    m->comma = kind_bits(kinds, 6) & m->outside;
    m->space = space(b) & m->outside;
    m->scalar = m->outside & ~(m->open | m->close | m->colon | m->comma | m->space);
    uint64_t behind_scalar = behind(m->scalar, &v->carry.scalar);
    m->scalar_start = m->scalar & ~behind_scalar;
    m->scalar_after = behind_scalar & ~m->scalar;
}

/* The bytes of the literals that begin at starts, and the byte behind each. What is no literal is left to the
 * rules of numbers. */
INLINE uint64_t find_literals(struct vector *v, uint64_t starts, uint64_t *ends)
{
    uint64_t found = v->carry.literal;

    *ends = v->carry.literal_end;
    v->carry.literal = 0;
    v->carry.literal_end = 0;
    for (; starts != 0; starts &= starts - 1) {
        unsigned at = (unsigned)__builtin_ctzll(starts);
        const char *c = v->text + v->base + at;
        uint32_t word;
        if (v->len - v->base - at < 5)
            break; /* too short for a literal in a container */
        memcpy(&word, c, sizeof(word));
        bool is_four = (word == 0x65757274) | (word == 0x6c6c756e); /* "true", "null" */
        bool is_five = (word == 0x736c6166) & (c[4] == 'e');        /* "fals" */
        uint64_t bytes = (is_four ? 0x0fu : 0) | (is_five ? 0x1fu : 0);
        uint64_t end = bytes + (is_four | is_five);
        found |= bytes << at;
        *ends |= end << at;
        if (at > 58) {
            v->carry.literal = bytes >> (64 - at);
            v->carry.literal_end = end >> (64 - at);
        }
    }
    return found;
}

/* The rules for minus and exponent, which few numbers have. *zero: noughts that no digit may follow. */
INLINE uint64_t check_odd_numbers(struct carry *carry, struct bytes b, const struct masks *m, uint64_t number,
                                  uint64_t after_digit, uint64_t *zero)
{
    uint64_t minus = equal(b, '-') & number;
    uint64_t sign = minus | (equal(b, '+') & number);
    uint64_t exponent = (equal(b, 'e') | equal(b, 'E')) & number;
    uint64_t after_exponent = behind(exponent, &carry->exponent);
    uint64_t power = after_exponent | behind(sign & after_exponent, &carry->exponent_sign);
    uint64_t wrong = number & ~(m->digit | m->dot | sign | exponent);

    wrong |= sign & ~after_exponent & ~(minus & m->scalar_start);
    wrong |= exponent & ~after_digit;
    wrong |= run_end(power & m->digit, m->digit, &carry->power) & (m->dot | exponent);
    *zero |= m->zero & behind(minus & m->scalar_start, &carry->minus);
    carry->odd = carry->exponent | carry->exponent_sign | carry->minus | carry->power;
    return wrong;
}

/* Dots and exponents stand behind digits, signs behind exponents or first; so a scalar that ends in a digit
 * or a literal is complete. */
INLINE uint64_t check_scalars(struct vector *v, struct bytes b, const struct masks *m)
{
    struct carry *carry = &v->carry;
    uint64_t literal_ends;
    uint64_t number = m->scalar & ~find_literals(v, m->scalar_start & ~m->digit, &literal_ends);
    uint64_t after_digit = behind(m->digit, &carry->digit);
    uint64_t zero = m->zero & m->scalar_start;
    uint64_t odd = number & ~(m->digit | m->dot);
    uint64_t wrong = number & literal_ends;

    if ((odd | carry->odd) != 0)
        wrong |= check_odd_numbers(carry, b, m, number, after_digit, &zero);
    wrong |= m->dot & ~after_digit;
    wrong |= m->dot & follow(m->dot, m->digit, &carry->fraction);
    wrong |= m->digit & behind(zero, &carry->zero);
    wrong |= m->scalar_after & ~(after_digit | literal_ends);
    return wrong;
}

/* Which token may follow which, as far as it does not depend on the container. */
INLINE uint64_t check_order(struct carry *carry, struct masks *m, bool spaced)
{
    uint64_t separator = m->comma | m->colon;
    uint64_t bracket = m->open | m->close;
    uint64_t string = ~(separator | bracket | m->scalar); /* and white space */
    uint64_t ended = m->string_end | m->close;
    uint64_t after_value;
    uint64_t after_open;
    uint64_t after_name = follow(m->comma | m->open, string, &carry->name);
    uint64_t value = m->string_start | m->scalar_start | m->open;

    if (spaced) {
        after_value = run_end(behind(ended, &carry->ended) | m->scalar_after, m->space, &carry->value);
        after_open = follow(m->open, m->space, &carry->open);
    } else {
        after_value = behind(ended, &carry->ended) | m->scalar_after | carry->value;
        after_open = behind(m->open, &carry->open);
        carry->value = 0;
    }
    m->list_element = after_name & ~m->colon & ~(m->close & after_open);
    return (value & after_value) | (separator & ~after_value) | (m->close & ~(after_value | after_open)) |
           (m->colon & ~after_name);
}

enum verdict { WRONG, MORE, DONE };

INLINE uint64_t is_brace(uint32_t bracket)
{
    return -(uint64_t)(bracket >> 5 & 1); /* { is 7B, [ is 5B */
}

/* Colons belong into objects, commas without a name behind them into lists. */
INLINE uint64_t misplaced(const struct masks *m, uint64_t in_object)
{
    return (in_object & m->list_element) | (~in_object & m->colon);
}

/* Walks the brackets of a block. A box that is open keeps its bracket where it will keep the place of the
 * closing one. wrong: what is already known. */
INLINE enum verdict walk_boxes(struct vector *v, const struct masks *m, uint64_t bracket, uint64_t wrong)
{
    struct doc_box *boxes = v->check->boxes;
    uint32_t used = v->check->count;
    uint32_t box = v->box;
    uint32_t depth = v->depth;
    uint64_t in_object = v->in_object;
    uint64_t rest = ~0ull; /* behind the last bracket */

    for (; bracket != 0; bracket &= bracket - 1) {
        uint64_t up_to = bracket ^ (bracket - 1);
        uint32_t place = (uint32_t)(v->base + (size_t)__builtin_ctzll(bracket));
        uint32_t c = (unsigned char)v->text[place];
        wrong |= misplaced(m, in_object) & rest & up_to;
        rest = ~up_to;
        if ((m->open & bracket & -bracket) != 0) {
            if (depth++ == DOC_MAX_DEPTH)
                return WRONG;
            boxes[used] = (struct doc_box){.open = place, .close = c, .next = box};
            box = used++;
            in_object = is_brace(c);
            continue;
        }
        struct doc_box *closed = &boxes[box];
        if (c - closed->close != '}' - '{') /* as for the others */
            return WRONG;
        box = closed->next;
        closed->close = place;
        closed->next = used;
        if (--depth == 0) {
            v->check->end = place + 1;
            v->check->count = used;
            return (wrong & up_to) != 0 ? WRONG : DONE;
        }
        in_object = is_brace(boxes[box].close);
    }
    v->check->count = used;
    v->box = box;
    v->depth = depth;
    v->in_object = in_object;
    return (wrong | (misplaced(m, in_object) & rest)) != 0 ? WRONG : MORE;
}

INLINE enum verdict check_boxes(struct vector *v, const struct masks *m, uint64_t wrong)
{
    uint64_t bracket = m->open | m->close;

    if (bracket != 0)
        return walk_boxes(v, m, bracket, wrong);
    return (wrong | misplaced(m, v->in_object)) != 0 ? WRONG : MORE;
}

INLINE enum verdict check_block(struct vector *v, const char *ptr)
{
    struct bytes b = {_mm256_loadu_si256((const __m256i *)ptr), _mm256_loadu_si256((const __m256i *)ptr + 1)};
    struct masks m;
    uint64_t wrong;

    wrong = find_strings(v, b, &m);
    if (m.outside == 0 && m.string_start == 0 && m.string_end == 0)
        return wrong != 0 ? WRONG : MORE; /* nothing but text, and no carry that text would change */
    find_tokens(v, b, &m);
    wrong |= check_scalars(v, b, &m);
    if (m.space != 0)
        wrong |= check_order(&v->carry, &m, true);
    else
        wrong |= check_order(&v->carry, &m, false);
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
        .before = _mm256_setzero_si256(),
        .ill_formed = _mm256_setzero_si256(),
    };
    enum verdict verdict = MORE;

    for (; verdict == MORE && v.base + BLOCK <= v.len; v.base += BLOCK) {
        if (c->cap - c->count < BLOCK)
            doc_check_reserve(c, BLOCK);
        verdict = check_block(&v, v.text + v.base);
    }
    if (verdict == MORE && v.base < v.len) {
        doc_check_reserve(c, BLOCK);
        verdict = check_tail(&v);
    }
    if (verdict != DONE)
        return false;
    /* What was found may lie behind the value. */
    c->ill_formed =
        !_mm256_testz_si256(v.ill_formed, v.ill_formed) && !utf8_is_valid(str_slice(c->text, 0, c->end));
    return true;
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
