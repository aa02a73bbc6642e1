#include "http/field.h"

#include <string.h>

/* The name in canonical spelling, and in lower case padded for comparing eight bytes at a time. */
struct known {
    struct str name;
    char lower[24];
};

#define KNOWN(canonical, lowered)                                                                            \
    {                                                                                                        \
        {"" canonical, sizeof(canonical) - 1}, lowered                                                       \
    }

static const struct known known[FIELD_COUNT] = {
    [FIELD_ACCEPT] = KNOWN("Accept", "accept"),
    [FIELD_ACCEPT_ENCODING] = KNOWN("Accept-Encoding", "accept-encoding"),
    [FIELD_AUTHORIZATION] = KNOWN("Authorization", "authorization"),
    [FIELD_CACHE_CONTROL] = KNOWN("Cache-Control", "cache-control"),
    [FIELD_CONNECTION] = KNOWN("Connection", "connection"),
    [FIELD_CONTENT_ENCODING] = KNOWN("Content-Encoding", "content-encoding"),
    [FIELD_CONTENT_LANGUAGE] = KNOWN("Content-Language", "content-language"),
    [FIELD_CONTENT_LENGTH] = KNOWN("Content-Length", "content-length"),
    [FIELD_CONTENT_LOCATION] = KNOWN("Content-Location", "content-location"),
    [FIELD_CONTENT_TYPE] = KNOWN("Content-Type", "content-type"),
    [FIELD_COOKIE] = KNOWN("Cookie", "cookie"),
    [FIELD_DATE] = KNOWN("Date", "date"),
    [FIELD_EXPECT] = KNOWN("Expect", "expect"),
    [FIELD_HOST] = KNOWN("Host", "host"),
    [FIELD_IDEMPOTENCY_KEY] = KNOWN("Idempotency-Key", "idempotency-key"),
    [FIELD_KEEP_ALIVE] = KNOWN("Keep-Alive", "keep-alive"),
    [FIELD_LOCATION] = KNOWN("Location", "location"),
    [FIELD_PRAGMA] = KNOWN("Pragma", "pragma"),
    [FIELD_PROXY_AUTHENTICATE] = KNOWN("Proxy-Authenticate", "proxy-authenticate"),
    [FIELD_PROXY_AUTHORIZATION] = KNOWN("Proxy-Authorization", "proxy-authorization"),
    [FIELD_PROXY_CONNECTION] = KNOWN("Proxy-Connection", "proxy-connection"),
    [FIELD_RANGE] = KNOWN("Range", "range"),
    [FIELD_REFERER] = KNOWN("Referer", "referer"),
    [FIELD_SERVER] = KNOWN("Server", "server"),
    [FIELD_SET_COOKIE] = KNOWN("Set-Cookie", "set-cookie"),
    [FIELD_TE] = KNOWN("Te", "te"),
    [FIELD_TRAILER] = KNOWN("Trailer", "trailer"),
    [FIELD_TRANSFER_ENCODING] = KNOWN("Transfer-Encoding", "transfer-encoding"),
    [FIELD_UPGRADE] = KNOWN("Upgrade", "upgrade"),
    [FIELD_USER_AGENT] = KNOWN("User-Agent", "user-agent"),
    [FIELD_WWW_AUTHENTICATE] = KNOWN("Www-Authenticate", "www-authenticate"),
    [FIELD_X_FORWARDED_FOR] = KNOWN("X-Forwarded-For", "x-forwarded-for"),
    [FIELD_X_FORWARDED_HOST] = KNOWN("X-Forwarded-Host", "x-forwarded-host"),
    [FIELD_X_FORWARDED_VIA] = KNOWN("X-Forwarded-Via", "x-forwarded-via"),
    [FIELD_X_IDEMPOTENCY_KEY] = KNOWN("X-Idempotency-Key", "x-idempotency-key"),
    [FIELD_X_KRAKEND] = KNOWN("X-Krakend", "x-krakend"),
    [FIELD_X_KRAKEND_COMPLETED] = KNOWN("X-Krakend-Completed", "x-krakend-completed"),
};

/* Length, first and last letter tell the known names apart: a perfect hash. */
static const unsigned char slots[128] = {
    [2] = FIELD_RANGE,
    [6] = FIELD_LOCATION,
    [13] = FIELD_X_KRAKEND,
    [16] = FIELD_X_FORWARDED_VIA,
    [17] = FIELD_REFERER,
    [19] = FIELD_KEEP_ALIVE,
    [22] = FIELD_EXPECT,
    [23] = FIELD_X_KRAKEND_COMPLETED,
    [25] = FIELD_DATE,
    [33] = FIELD_X_FORWARDED_FOR,
    [36] = FIELD_X_FORWARDED_HOST,
    [39] = FIELD_PRAGMA,
    [41] = FIELD_WWW_AUTHENTICATE,
    [42] = FIELD_X_IDEMPOTENCY_KEY,
    [47] = FIELD_COOKIE,
    [53] = FIELD_CONTENT_TYPE,
    [55] = FIELD_PROXY_AUTHENTICATE,
    [57] = FIELD_CONTENT_LANGUAGE,
    [58] = FIELD_CONTENT_LENGTH,
    [59] = FIELD_CONTENT_ENCODING,
    [60] = FIELD_CONNECTION,
    [61] = FIELD_CACHE_CONTROL,
    [62] = FIELD_PROXY_CONNECTION,
    [65] = FIELD_PROXY_AUTHORIZATION,
    [66] = FIELD_CONTENT_LOCATION,
    [72] = FIELD_UPGRADE,
    [84] = FIELD_IDEMPOTENCY_KEY,
    [87] = FIELD_TE,
    [88] = FIELD_HOST,
    [90] = FIELD_USER_AGENT,
    [98] = FIELD_ACCEPT_ENCODING,
    [102] = FIELD_ACCEPT,
    [103] = FIELD_AUTHORIZATION,
    [104] = FIELD_TRANSFER_ENCODING,
    [105] = FIELD_TRAILER,
    [115] = FIELD_SET_COOKIE,
    [124] = FIELD_SERVER,
};

static unsigned slot_of(struct str name)
{
    unsigned first = (unsigned char)name.ptr[0] | 0x20, last = (unsigned char)name.ptr[name.len - 1] | 0x20;

    return ((unsigned)name.len * 1 + first * 108 + last) % 128;
}

/* RFC 9110 section 5.6.2: 1 for the bytes of a token. */
static const unsigned char is_token[256] = {
    ['!'] = 1,         ['#' ... '\''] = 1, ['*' ... '+'] = 1, ['-' ... '.'] = 1,
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1,  ['^' ... '`'] = 1, /* with "_" */
    ['a' ... 'z'] = 1, ['|'] = 1,          ['~'] = 1,
};

size_t token_len(const char *text, size_t len)
{
    size_t i = 0;

    while (i < len && is_token[(unsigned char)text[i]])
        i++;
    return i;
}

bool field_name_is_valid(struct str name)
{
    return name.len > 0 && token_len(name.ptr, name.len) == name.len;
}

bool field_value_is_valid(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static uint64_t load(const char *p, size_t len)
{
    uint64_t word = 0;

    memcpy(&word, p, len);
    return word;
}

/* Letters (bit 6 is set in them, and not in the dash) may differ in the bit of their case, nothing else may.
 */
static bool word_matches(uint64_t text, uint64_t lower)
{
    uint64_t letters = (lower & 0x4040404040404040u) >> 1;

    return ((text ^ lower) & ~letters) == 0;
}

static bool known_matches(const struct known *k, struct str name)
{
    size_t len = k->name.len;

    if (name.len != len)
        return false;
    if (len < 4)
        return word_matches(load(name.ptr, len), load(k->lower, 8));
    if (len < 8)
        return word_matches(load(name.ptr, 4) | load(name.ptr + len - 4, 4) << 32,
                            load(k->lower, 4) | load(k->lower + len - 4, 4) << 32);
    for (size_t i = 0; i + 8 < len; i += 8) {
        if (!word_matches(load(name.ptr + i, 8), load(k->lower + i, 8)))
            return false;
    }
    return word_matches(load(name.ptr + len - 8, 8), load(k->lower + len - 8, 8));
}

enum field_id field_id(struct str name)
{
    if (name.len < 2 || name.len > 19)
        return FIELD_OTHER;
    enum field_id id = slots[slot_of(name)];
    return id != FIELD_OTHER && known_matches(&known[id], name) ? id : FIELD_OTHER;
}

struct str field_id_name(enum field_id id)
{
    return known[id].name;
}

/* What c becomes in the canonical spelling, `first` in its word. */
static char canonical_char(char c, bool first)
{
    if (first && c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    if (!first && c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

struct str field_canonical(struct arena *a, struct str name)
{
    enum field_id id = field_id(name);

    if (id != FIELD_OTHER)
        return known[id].name;
    if (!field_name_is_valid(name))
        return name;
    size_t same = 0;
    while (same < name.len &&
           canonical_char(name.ptr[same], same == 0 || name.ptr[same - 1] == '-') == name.ptr[same])
        same++;
    if (same == name.len)
        return name;
    char *text = arena_bytes(a, name.len);
    for (size_t i = 0; i < name.len; i++)
        text[i] = canonical_char(name.ptr[i], i == 0 || name.ptr[i - 1] == '-');
    return (struct str){text, name.len};
}

void fields_init(struct fields *f, struct arena *arena)
{
    *f = (struct fields){.arena = arena};
}

void fields_reserve(struct fields *f, unsigned count)
{
    if (count <= f->cap)
        return;
    unsigned cap = count > 2 * f->cap ? count : 2 * f->cap;
    struct field *items = arena_alloc(f->arena, cap * sizeof(*items));
    if (f->count > 0)
        memcpy(items, f->items, f->count * sizeof(*items));
    f->items = items;
    f->cap = cap;
}

static void add(struct fields *f, enum field_id id, struct str name, struct str value)
{
    if (f->count == f->cap)
        fields_reserve(f, f->count < 8 ? 16 : f->count + 1);
    f->items[f->count++] = (struct field){.name = name, .value = value, .id = id};
}

void field_add(struct fields *f, struct str name, struct str value)
{
    add(f, field_id(name), name, value);
}

void field_add_id(struct fields *f, enum field_id id, struct str value)
{
    add(f, id, known[id].name, value);
}

void field_add_copy(struct fields *f, const struct field *field)
{
    add(f, field->id, field->id != FIELD_OTHER ? known[field->id].name : field->name, field->value);
}

void fields_copy(struct fields *f, const struct fields *from)
{
    fields_reserve(f, f->count + from->count);
    for (unsigned i = 0; i < from->count; i++)
        field_add(f, arena_copy(f->arena, from->items[i].name), arena_copy(f->arena, from->items[i].value));
}

static bool matches(const struct field *field, enum field_id id, struct str name)
{
    if (id != FIELD_OTHER)
        return field->id == id;
    return field->id == FIELD_OTHER && str_equal_nocase(field->name, name);
}

static unsigned index_of(const struct fields *f, unsigned from, enum field_id id, struct str name)
{
    unsigned i = from;

    while (i < f->count && !matches(&f->items[i], id, name))
        i++;
    return i;
}

static unsigned remove_from(struct fields *f, unsigned from, enum field_id id, struct str name)
{
    unsigned kept = index_of(f, from, id, name);

    for (unsigned i = kept + 1; i < f->count; i++) {
        if (!matches(&f->items[i], id, name))
            f->items[kept++] = f->items[i];
    }
    unsigned removed = f->count - kept;
    f->count = kept;
    return removed;
}

static void set(struct fields *f, enum field_id id, struct str name, struct str value)
{
    unsigned i = index_of(f, 0, id, name);

    if (i == f->count) {
        add(f, id, name, value);
        return;
    }
    f->items[i] = (struct field){.name = name, .value = value, .id = id};
    remove_from(f, i + 1, id, name);
}

void field_set(struct fields *f, struct str name, struct str value)
{
    set(f, field_id(name), name, value);
}

void field_set_id(struct fields *f, enum field_id id, struct str value)
{
    set(f, id, known[id].name, value);
}

unsigned field_remove(struct fields *f, struct str name)
{
    return remove_from(f, 0, field_id(name), name);
}

unsigned field_remove_id(struct fields *f, enum field_id id)
{
    return remove_from(f, 0, id, known[id].name);
}

static const struct field *find(const struct fields *f, enum field_id id, struct str name)
{
    unsigned i = index_of(f, 0, id, name);

    return i < f->count ? &f->items[i] : NULL;
}

const struct field *field_find(const struct fields *f, struct str name)
{
    return find(f, field_id(name), name);
}

const struct field *field_find_id(const struct fields *f, enum field_id id)
{
    return find(f, id, known[id].name);
}

struct str field_value(const struct fields *f, struct str name)
{
    const struct field *field = field_find(f, name);

    return field != NULL ? field->value : STR_NONE;
}

bool field_name_is(const struct field *field, struct str name)
{
    return matches(field, field_id(name), name);
}

/* The length of the member at the head of a list: a comma inside a quoted string does not end it. */
static size_t member_len(struct str list)
{
    bool quoted = false;
    size_t i = 0;

    for (; i < list.len && (quoted || list.ptr[i] != ','); i++) {
        if (list.ptr[i] == '"')
            quoted = !quoted;
        else if (quoted && list.ptr[i] == '\\' && i + 1 < list.len)
            i++;
    }
    return i;
}

bool field_list_next(const struct fields *f, enum field_id id, struct field_list_cursor *cursor,
                     struct str *member)
{
    for (;;) {
        while (cursor->rest.len > 0) {
            size_t len = member_len(cursor->rest);
            *member = str_trim(str_slice(cursor->rest, 0, len));
            cursor->rest = str_slice(cursor->rest, len + 1, cursor->rest.len);
            if (member->len > 0)
                return true;
        }
        if (cursor->started)
            cursor->line++;
        cursor->started = true;
        while (cursor->line < f->count && f->items[cursor->line].id != id)
            cursor->line++;
        if (cursor->line >= f->count)
            return false;
        cursor->rest = f->items[cursor->line].value;
    }
}

bool field_list_has(const struct fields *f, enum field_id id, struct str member)
{
    struct field_list_cursor cursor = {0};
    struct str each;

    while (field_list_next(f, id, &cursor, &each)) {
        if (str_equal_nocase(each, member))
            return true;
    }
    return false;
}

static bool is_hop_by_hop(enum field_id id)
{
    return id == FIELD_CONNECTION || id == FIELD_KEEP_ALIVE || id == FIELD_PROXY_CONNECTION ||
           id == FIELD_TE || id == FIELD_TRAILER || id == FIELD_TRANSFER_ENCODING || id == FIELD_UPGRADE;
}

/* Takes the name off the fields that Connection names. Nothing moves: its lines are still being read. */
static void mark_named(struct fields *f, struct str name)
{
    enum field_id id = field_id(name);

    if (id == FIELD_CONTENT_LENGTH || is_hop_by_hop(id))
        return;
    for (unsigned i = 0; i < f->count; i++) {
        if (matches(&f->items[i], id, name))
            f->items[i].name.len = 0;
    }
}

void fields_remove_hop_by_hop(struct fields *f)
{
    struct field_list_cursor cursor = {0};
    struct str option;
    unsigned kept = 0;

    while (field_list_next(f, FIELD_CONNECTION, &cursor, &option))
        mark_named(f, option);
    for (unsigned i = 0; i < f->count; i++) {
        if (f->items[i].name.len > 0 && !is_hop_by_hop(f->items[i].id))
            f->items[kept++] = f->items[i];
    }
    f->count = kept;
}
