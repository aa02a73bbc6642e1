#include "gateway/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "gateway/config_build.h"
#include "gateway/config_decode.h"

enum { CONFIG_BYTES_MAX = 256 << 20 };

void build_warn(struct config_build *b, enum log_level level, const char *format, ...)
{
    struct config *c = b->config;
    va_list args;

    if (c->warning_count == b->warning_cap) {
        b->warning_cap = b->warning_cap == 0 ? 8 : 2 * b->warning_cap;
        struct config_warning *more = arena_alloc(b->arena, b->warning_cap * sizeof(*more));
        if (c->warning_count > 0)
            memcpy(more, c->warnings, c->warning_count * sizeof(*more));
        c->warnings = more;
    }
    va_start(args, format);
    c->warnings[c->warning_count++] = (struct config_warning){level, arena_vprintf(b->arena, format, args)};
    va_end(args);
}

/* --- reading ----------------------------------------------------------------------------------------- */

/* The first byte that no valid text could have there: a shorter text is merely unfinished. Failures only, so
 * the search may parse again. */
static size_t fault_position(struct str text)
{
    size_t fine = 0, broken = text.len;

    while (fine + 1 < broken) {
        size_t middle = fine + (broken - fine) / 2;
        struct arena scratch;
        struct error why = {""};
        arena_init(&scratch, NULL);
        bool valid = doc_parse(&scratch, str_slice(text, 0, middle), DOC_WHOLE, &why) != NULL;
        arena_fini(&scratch);
        if (valid || str_ends_with(str_of(why.text), STR("EOF")))
            fine = middle;
        else
            broken = middle;
    }
    return broken > 0 ? broken - 1 : 0;
}

/* Editors hide it: of UTF-8, or of UTF-16 in either order. */
static bool has_byte_order_mark(struct str text)
{
    return str_starts_with(text, STR("\xef\xbb\xbf")) || str_starts_with(text, STR("\xff\xfe")) ||
           str_starts_with(text, STR("\xfe\xff"));
}

static bool syntax_error(struct str text, struct error *err)
{
    bool unfinished = str_ends_with(str_of(err->text), STR("EOF"));
    size_t at = unfinished ? text.len : fault_position(text);
    size_t line = 1, column = 1;

    for (size_t i = 0; i < at; i++) {
        column = text.ptr[i] == '\n' ? 1 : column + 1;
        line += text.ptr[i] == '\n';
    }
    if (unfinished)
        error_set(err, "unexpected end of JSON input");
    error_add(err, " (line %zu, column %zu)", line, column);
    if (has_byte_order_mark(text))
        error_add(err, ": the file begins with a byte order mark; save it as UTF-8 without one");
    return false;
}

/* The first number that no double holds, NULL if there is none. */
static struct node *find_overflow(struct node *n)
{
    struct node_cursor cursor = {0};
    struct node *child, *found = NULL;
    struct str name;

    if (node_type(n) == DOC_NUMBER)
        return isinf(node_to_double(n)) ? n : NULL;
    while (found == NULL && node_next(n, &cursor, &name, &child))
        found = find_overflow(child);
    return found;
}

/* KrakenD reads all numbers as doubles, also those that nobody asks for. */
static bool check_numbers(struct config_build *b)
{
    struct node *n = find_overflow(b->config->root);

    return n == NULL || error_set(b->err, "json: cannot unmarshal number %.*s into Go value of type float64",
                                  STR_ARG(node_number(n)));
}

static bool parse_root(struct config_build *b, struct str text)
{
    struct node *root = doc_parse(b->arena, text, DOC_WHOLE, b->err);

    if (root == NULL)
        return syntax_error(text, b->err);
    if (node_type(root) == DOC_NULL)
        root = node_new_object(b->arena);
    if (node_type(root) != DOC_OBJECT)
        return error_set(b->err, "json: cannot unmarshal %s into Go value of type map[string]interface {}",
                         doc_type_name(node_type(root)));
    b->config->root = root;
    return check_numbers(b);
}

/* --- building ---------------------------------------------------------------------------------------- */

static void fill_objects(struct config_build *b)
{
    struct config *c = b->config;

    if (c->written == NULL)
        c->written = node_new_object(b->arena);
    for (size_t i = 0; i < c->endpoint_count; i++) {
        struct endpoint *e = &c->endpoints[i];
        if (e->written == NULL)
            e->written = node_new_object(b->arena);
        for (size_t k = 0; k < e->backend_count; k++)
            if (e->backends[k].written == NULL)
                e->backends[k].written = node_new_object(b->arena);
    }
}

static void apply_overrides(struct config *c, const struct config_overrides *overrides)
{
    c->debug_endpoint = c->debug_endpoint || overrides->debug;
    if (overrides->port != 0)
        c->port = overrides->port;
}

static bool build(struct config_build *b, struct str text, const struct config_overrides *overrides)
{
    struct config *c = b->config;

    if (overrides != NULL && !build_check_templates(b, text, overrides->environ))
        return false;
    if (!parse_root(b, text))
        return false;
    if (overrides != NULL)
        build_environment(b, overrides->environ);
    if (!config_decode(b->arena, config_service_table(), c->root, c, b->err))
        return false;
    fill_objects(b);
    if (overrides != NULL)
        apply_overrides(c, overrides);
    if (!build_service(b) || !build_endpoints(b))
        return false;
    if (!build_proxy(b, overrides != NULL ? overrides->environ : NULL))
        return false;
    if (c->has_tls && !c->tls_disabled)
        return error_set(b->err, "tls: not supported yet");
    return true;
}

static struct config *config_new(const char *file)
{
    struct config *c = mem_zalloc(sizeof(*c));

    arena_init(&c->arena, NULL);
    c->file = arena_copy(&c->arena, str_of(file));
    return c;
}

static struct config *finish(struct config *c, bool fine, struct error *err)
{
    if (fine)
        return c;
    error_prefix(err, "'%s': ", c->file.ptr);
    config_free(c);
    return NULL;
}

/* text: in c's arena. */
static struct config *parse_into(struct config *c, struct str text, const struct config_overrides *overrides,
                                 struct error *err)
{
    struct error unheard;
    struct config_build b = {c, &c->arena, err != NULL ? err : &unheard, 0};

    return finish(c, build(&b, text, overrides), err);
}

struct config *config_parse(struct str text, const char *file, const struct config_overrides *overrides,
                            struct error *err)
{
    struct config *c = config_new(file);

    return parse_into(c, arena_copy(&c->arena, text), overrides, err);
}

static bool format_is_readable(struct str file, struct error *err)
{
    if (str_ends_with(file, STR(".yml")) || str_ends_with(file, STR(".yaml")))
        return error_set(err, "YAML files are not supported yet: write it as JSON");
    if (str_ends_with(file, STR(".toml")))
        return error_set(err, "TOML files are not supported yet: write it as JSON");
    return true;
}

/* Room for more: an arena never gives back, so it doubles. */
static char *grow(struct arena *a, char *bytes, size_t len, size_t *cap)
{
    *cap *= 2;
    char *more = arena_bytes(a, *cap);
    memcpy(more, bytes, len);
    return more;
}

/* System errors as Go words them: in lower case. */
static const char *reason(struct arena *a, int error)
{
    const char *text = strerror(error);

    return arena_printf(a, "%c%s", tolower((unsigned char)text[0]), text + 1).ptr;
}

static bool read_all(struct arena *a, int fd, const char *file, struct str *text, struct error *err)
{
    struct stat st;
    size_t cap = 65536, len = 0;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < CONFIG_BYTES_MAX)
        cap = (size_t)st.st_size + 1;
    char *bytes = arena_bytes(a, cap);
    for (;;) {
        ssize_t got = read(fd, bytes + len, cap - len);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return error_set(err, "read %s: %s", file, reason(a, errno));
        if (got == 0)
            break;
        len += (size_t)got;
        if (len > CONFIG_BYTES_MAX)
            return error_set(err, "read %s: more than %d bytes", file, CONFIG_BYTES_MAX);
        if (len == cap)
            bytes = grow(a, bytes, len, &cap);
    }
    *text = (struct str){bytes, len};
    return true;
}

static bool read_file(struct arena *a, const char *file, struct str *text, struct error *err)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd == -1)
        return error_set(err, "open %s: %s", file, reason(a, errno));
    bool fine = read_all(a, fd, file, text, err);
    close(fd);
    return fine;
}

struct config *config_load(const char *file, const struct config_overrides *overrides, struct error *err)
{
    struct config *c = config_new(file);
    struct str text;

    if (!format_is_readable(c->file, err) || !read_file(&c->arena, file, &text, err))
        return finish(c, false, err);
    return parse_into(c, text, overrides, err);
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    arena_fini(&c->arena);
    mem_free(c);
}

/* --- the manual -------------------------------------------------------------------------------------- */

static void print_table(const struct config_table *table, void (*print)(const char *line))
{
    char line[512];

    print(table->title[0] == '\0' ? "the service" : table->title);
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        snprintf(line, sizeof(line), "  %-30s %-8s  %-6s  %s", row->name, config_type_name(row->type),
                 row->fallback != NULL ? row->fallback : "", row->help);
        print(line);
    }
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].table != NULL) {
            print("");
            print_table(table->rows[i].table, print);
        }
}

void config_print_manual(void (*print)(const char *line))
{
    print_table(config_service_table(), print);
    print("");
    build_print_namespaces(print);
}
