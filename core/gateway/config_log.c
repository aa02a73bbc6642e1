/* telemetry/logging: operate.md 4.1, 4.2. */
#include "gateway/config_build.h"

#define NAMESPACE "telemetry/logging"

enum { FACILITY_DEFAULT = 3 };

static bool read_bool(struct config_build *b, struct node *block, const char *name, bool *value)
{
    struct node *n = build_option(block, name);

    if (n != NULL && node_type(n) != DOC_TRUE && node_type(n) != DOC_FALSE)
        return error_set(b->err, NAMESPACE ".%s: expected a bool, got a %s", name,
                         doc_type_name(node_type(n)));
    *value = n != NULL && node_type(n) == DOC_TRUE;
    return true;
}

/* What is no text counts as absent, as in KrakenD. */
static const char *read_text(struct config_build *b, struct node *block, const char *name)
{
    struct node *n = build_option(block, name);

    if (n == NULL)
        return "";
    if (node_type(n) == DOC_STRING)
        return arena_copy(b->arena, node_string(n)).ptr;
    build_warn(b, LOG_WARNING, NAMESPACE ".%s: expected a text, got a %s: ignored", name,
               doc_type_name(node_type(n)));
    return "";
}

static int facility(const char *text)
{
    struct str name = str_of(text);

    if (name.len == 6 && str_equal_nocase(str_slice(name, 0, 5), STR("local")) && text[5] >= '0' &&
        text[5] <= '7')
        return text[5] - '0';
    return FACILITY_DEFAULT;
}

static void use_basic(struct log_options *log)
{
    *log = (struct log_options){
        .level = LOG_DEBUG, .form = LOG_BASIC, .prefix = "", .custom_format = "", .to_stdout = true};
}

static bool choose_form(struct config_build *b, struct log_options *log, const char *format)
{
    log->form = LOG_PATTERN;
    if (str_equal(str_of(format), STR("logstash")))
        log->form = LOG_LOGSTASH;
    if (str_equal(str_of(format), STR("custom")))
        log->form = LOG_CUSTOM;
    if (log->form == LOG_CUSTOM && !log_custom_check(log->custom_format, b->err))
        return error_prefix(b->err, NAMESPACE ".custom_format: ");
    return true;
}

static bool read_block(struct config_build *b, struct node *block, struct log_options *log)
{
    const char *level = read_text(b, block, "level");
    const char *facility_name = read_text(b, block, "syslog_facility");
    const char *format = read_text(b, block, "format");

    log->prefix = read_text(b, block, "prefix");
    log->custom_format = read_text(b, block, "custom_format");
    if (!read_bool(b, block, "stdout", &log->to_stdout) || !read_bool(b, block, "syslog", &log->to_syslog))
        return false;
    log->syslog_facility = facility(facility_name);
    if (!choose_form(b, log, format))
        return false;
    if (!log_level_parse(str_of(level), &log->level) && (log->to_stdout || log->to_syslog)) {
        build_warn(b, LOG_ERROR,
                   "[SERVICE: Logging] Unable to create the logger: logger: invalid log level '%s'", level);
        use_basic(log);
    }
    return true;
}

bool build_log(struct config_build *b)
{
    struct node *block = build_option(b->config->extra, NAMESPACE);

    use_basic(&b->config->log);
    if (block == NULL)
        return true;
    if (node_type(block) != DOC_OBJECT) {
        build_warn(b, LOG_WARNING, NAMESPACE " is no object: the basic log is used");
        return true;
    }
    return read_block(b, block, &b->config->log);
}
