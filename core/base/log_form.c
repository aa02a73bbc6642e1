#include "base/log_form.h"

#include "base/clock.h"
#include "base/time_layout.h"
#include "base/utf8.h"
#include "base/util.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RECORD_TAIL = 64 }; /* room for an escape and what follows the message in a logstash record */

static const struct {
    const char *name;
    int color; /* 0: none */
} levels[] = {
    [LOG_DEBUG] = {"DEBUG", 36},     [LOG_INFO] = {"INFO", 0},    [LOG_NOTICE] = {"NOTICE", 32},
    [LOG_WARNING] = {"WARNING", 33}, [LOG_ERROR] = {"ERROR", 31}, [LOG_CRITICAL] = {"CRITICAL", 35},
};

const char *log_level_name(enum log_level level)
{
    return levels[level].name;
}

bool log_level_parse(struct str text, enum log_level *level)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (str_equal_nocase(text, str_of(levels[i].name))) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* Lines are cut where the buffer ends: its limit is that of a line. */
static void put(struct buf *out, struct str text)
{
    size_t room = out->max - buf_len(out);

    if (!buf_append(out, text.ptr, text.len < room ? text.len : room))
        return;
}

static void putf(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void putf(struct buf *out, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    put(out, (struct str){text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1});
}

static void put_time(struct buf *out, struct str layout, int64_t wall)
{
    char text[128];

    put(out, (struct str){text, time_layout_format(text, sizeof(text), layout, wall)});
}

static void put_color(struct buf *out, enum log_level level, bool bold)
{
    if (levels[level].color > 0)
        putf(out, bold ? "\033[%d;1m" : "\033[%dm", levels[level].color);
}

/* One character, or what stands for it; returns how many bytes of text it was. */
static size_t put_json_char(struct buf *out, struct str text)
{
    unsigned char c = (unsigned char)text.ptr[0];
    bool valid;
    size_t len = utf8_sequence(text.ptr, text.ptr + text.len, &valid);

    if (!valid)
        put(out, STR(UTF8_REPLACEMENT));
    else if (c == '"' || c == '\\')
        putf(out, "\\%c", c);
    else if (c == '\n')
        put(out, STR("\\n"));
    else if (c == '\t')
        put(out, STR("\\t"));
    else if (c < 0x20)
        putf(out, "\\u%04x", c);
    else
        put(out, str_slice(text, 0, len));
    return len;
}

/* A text whose escapes make it too long is cut between two of them, so that the record stays whole. */
static void put_json_string(struct buf *out, struct str s)
{
    put(out, STR("\""));
    for (size_t i = 0; i < s.len && out->max - buf_len(out) > RECORD_TAIL;)
        i += put_json_char(out, str_slice(s, i, s.len));
    put(out, STR("\""));
}

/* The zone is always written as +00:00, so the time is UTC. */
static void put_logstash(struct buf *out, const struct log_line *line)
{
    time_t seconds = (time_t)(line->wall / SECOND);
    struct tm tm;
    char when[32];

    gmtime_r(&seconds, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    putf(out, "{\"@timestamp\":\"%s.%03d+00:00\", \"@version\": 1, \"level\": \"%s\", \"message\": ", when,
         (int)(line->wall % SECOND / MILLISECOND), levels[line->level].name);
    put_json_string(out, line->message);
    put(out, STR(", \"module\": \"KRAKEND\"}"));
}

/* --- custom_format: "%{verb}" or "%{verb:style}", the style being a printf format for that verb --------- */

/* A printf style without its '%': flags, width, precision, one letter. */
struct style {
    bool left, zero;
    int width, precision; /* -1: none */
};

static int take_number(struct str *rest)
{
    int number = 0;

    for (; rest->len > 0 && *rest->ptr >= '0' && *rest->ptr <= '9'; *rest = str_slice(*rest, 1, rest->len))
        number = number < 1000 ? number * 10 + (*rest->ptr - '0') : number;
    return number;
}

static struct style parse_style(struct str text)
{
    struct style style = {.precision = -1};

    for (; text.len > 0 && (*text.ptr == '-' || *text.ptr == '0'); text = str_slice(text, 1, text.len)) {
        style.left = style.left || *text.ptr == '-';
        style.zero = style.zero || *text.ptr == '0';
    }
    style.width = take_number(&text);
    if (text.len > 0 && *text.ptr == '.') {
        text = str_slice(text, 1, text.len);
        style.precision = take_number(&text);
    }
    return style;
}

static void put_styled(struct buf *out, struct str style_text, struct str text)
{
    struct style style = parse_style(style_text);
    bool is_number = str_ends_with(style_text, STR("d"));

    if (!is_number && style.precision >= 0)
        text = str_slice(text, 0, (size_t)style.precision);
    size_t gap = (size_t)style.width > text.len ? (size_t)style.width - text.len : 0;
    if (style.left)
        put(out, text);
    for (size_t i = 0; i < gap; i++)
        put(out, is_number && style.zero && !style.left ? STR("0") : STR(" "));
    if (!style.left)
        put(out, text);
}

static void put_id(struct buf *out, struct str style, const struct log_line *line)
{
    char text[32];

    put_styled(out, style, (struct str){text, (size_t)snprintf(text, sizeof(text), "%lu", line->id)});
}

static void put_pid(struct buf *out, struct str style, const struct log_line *line)
{
    char text[32];

    (void)line;
    put_styled(out, style, (struct str){text, (size_t)snprintf(text, sizeof(text), "%d", (int)getpid())});
}

static void put_when(struct buf *out, struct str style, const struct log_line *line)
{
    put_time(out, style.len > 0 ? style : STR("2006-01-02T15:04:05.999Z07:00"), line->wall);
}

static void put_level(struct buf *out, struct str style, const struct log_line *line)
{
    put_styled(out, style, str_of(levels[line->level].name));
}

static void put_message(struct buf *out, struct str style, const struct log_line *line)
{
    put_styled(out, style, line->message);
}

static void put_module(struct buf *out, struct str style, const struct log_line *line)
{
    (void)line;
    put_styled(out, style, STR("KRAKEND"));
}

static void put_program(struct buf *out, struct str style, const struct log_line *line)
{
    (void)line;
    put_styled(out, style, str_of(program_invocation_short_name));
}

static void put_color_verb(struct buf *out, struct str style, const struct log_line *line)
{
    if (str_equal(style, STR("reset")))
        put(out, STR("\033[0m"));
    else
        put_color(out, line->level, str_equal(style, STR("bold")));
}

/* The place in the source: the lines of all places come from here, so there is none to tell. */
static void put_place(struct buf *out, struct str style, const struct log_line *line)
{
    (void)line;
    put_styled(out, style, STR("???"));
}

static const struct verb {
    struct str name;
    void (*put)(struct buf *out, struct str style, const struct log_line *line);
} verbs[] = {
    {STR("id"), put_id},           {STR("pid"), put_pid},          {STR("time"), put_when},
    {STR("level"), put_level},     {STR("message"), put_message},  {STR("module"), put_module},
    {STR("program"), put_program}, {STR("color"), put_color_verb}, {STR("longfile"), put_place},
    {STR("shortfile"), put_place}, {STR("longpkg"), put_place},    {STR("shortpkg"), put_place},
    {STR("longfunc"), put_place},  {STR("shortfunc"), put_place},  {STR("callpath"), put_place},
};

static const struct verb *find_verb(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (str_equal(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

/* Cuts the text up to the next "%{...}" off *rest; false at the end, when literal is all that was left. */
static bool next_verb(struct str *rest, struct str *literal, struct str *name, struct str *style)
{
    for (size_t i = 0; i + 1 < rest->len; i++) {
        if (rest->ptr[i] != '%' || rest->ptr[i + 1] != '{')
            continue;
        *literal = str_slice(*rest, 0, i);
        struct str behind = str_slice(*rest, i + 2, rest->len);
        if (str_find_char(behind, '}') == behind.len)
            break;
        *style = str_split(&behind, '}');
        *name = str_split(style, ':');
        *rest = behind;
        return true;
    }
    *literal = *rest;
    return false;
}

bool log_custom_check(const char *format, struct error *err)
{
    struct str rest = str_of(format), literal, name, style;
    size_t count = 0;

    for (; next_verb(&rest, &literal, &name, &style); count++)
        if (find_verb(name) == NULL)
            return error_set(err, "logger: unknown verb \"%.*s\" in \"%s\"", STR_ARG(name), format);
    return count > 0 || error_set(err, "logger: invalid log format: \"%s\"", format != NULL ? format : "");
}

static void put_custom(struct buf *out, const char *format, const struct log_line *line)
{
    struct str rest = str_of(format), literal, name, style;

    while (next_verb(&rest, &literal, &name, &style)) {
        const struct verb *verb = find_verb(name);
        put(out, literal);
        if (verb != NULL)
            verb->put(out, style, line);
    }
    put(out, literal);
}

void log_form_append(struct buf *out, const struct log_options *options, const struct log_line *line)
{
    switch (options->form) {
    case LOG_BASIC:
        put_time(out, STR("2006/01/02 15:04:05"), line->wall);
        putf(out, " KRAKEND %s: ", levels[line->level].name);
        put(out, line->message);
        return;
    case LOG_PATTERN:
        put(out, str_of(options->prefix));
        put_time(out, STR(" 2006/01/02 - 15:04:05.000 "), line->wall);
        put_color(out, line->level, false);
        putf(out, "▶ %s\033[0m ", levels[line->level].name);
        put(out, line->message);
        return;
    case LOG_LOGSTASH: put_logstash(out, line); return;
    case LOG_CUSTOM: put_custom(out, options->custom_format, line); return;
    }
}
