#include "flags.h"

#include "base/integer.h"
#include <assert.h>
#include <string.h>

struct parser {
    const struct flag *flags;
    size_t count;
    char **argv; /* what is not looked at yet */
    int left;
    struct arguments *args;
    struct error *err;
};

static const char *flag_title(const struct flag *f, char title[64])
{
    if (f->letter != '\0')
        snprintf(title, 64, "-%c, --%s", f->letter, f->name);
    else
        snprintf(title, 64, "--%s", f->name);
    return title;
}

static bool invalid(struct parser *p, const struct flag *f, const char *text, const char *reader,
                    const char *why)
{
    char title[64];

    return error_set(p->err, "invalid argument \"%s\" for \"%s\" flag: strconv.%s: parsing \"%s\": %s", text,
                     flag_title(f, title), reader, text, why);
}

static bool set_bool(struct parser *p, const struct flag *f, struct flag_value *value, const char *text)
{
    static const char *const words[2][6] = {{"0", "f", "F", "false", "FALSE", "False"},
                                            {"1", "t", "T", "true", "TRUE", "True"}};

    for (int truth = 0; truth < 2; truth++) {
        for (int i = 0; i < 6; i++) {
            if (strcmp(text, words[truth][i]) == 0) {
                value->number = truth;
                return true;
            }
        }
    }
    return invalid(p, f, text, "ParseBool", "invalid syntax");
}

static bool set_number(struct parser *p, const struct flag *f, struct flag_value *value, const char *text)
{
    enum integer_read read = integer_parse(str_of(text), &value->number);

    return read == INTEGER_FINE || invalid(p, f, text, "ParseInt", integer_fault(read));
}

static bool set(struct parser *p, const struct flag *f, const char *text)
{
    struct flag_value *value = &p->args->values[f - p->flags];

    value->given = true;
    value->text = text;
    switch (f->type) {
    case FLAG_BOOL: return set_bool(p, f, value, text);
    case FLAG_COUNT:
        if (strcmp(text, "+1") != 0)
            return set_number(p, f, value, text);
        value->number++;
        return true;
    case FLAG_INT: return set_number(p, f, value, text);
    case FLAG_STRING: return true;
    }
    return false;
}

/* What a flag that was given without a value means; NULL: it needs one. */
static const char *value_of_bare(const struct flag *f)
{
    return f->type == FLAG_BOOL ? "true" : f->type == FLAG_COUNT ? "+1" : NULL;
}

static char *next_argument(struct parser *p)
{
    if (p->left == 0)
        return NULL;
    p->left--;
    return *p->argv++;
}

static bool parse_long(struct parser *p, const char *arg)
{
    size_t len = strcspn(arg, "=");
    const char *text = arg[len] == '=' ? arg + len + 1 : NULL;

    if (len == 0 || arg[0] == '-')
        return error_set(p->err, "bad flag syntax: --%s", arg);
    for (size_t i = 0; i < p->count; i++) {
        const struct flag *f = &p->flags[i];
        if (strlen(f->name) != len || memcmp(f->name, arg, len) != 0)
            continue;
        if (text == NULL)
            text = value_of_bare(f);
        if (text == NULL)
            text = next_argument(p);
        return text != NULL ? set(p, f, text) : error_set(p->err, "flag needs an argument: --%s", arg);
    }
    return error_set(p->err, "unknown flag: --%.*s", (int)len, arg);
}

static const struct flag *find_letter(const struct parser *p, char letter)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->flags[i].letter == letter)
            return &p->flags[i];
    return NULL;
}

/* Letters written together: the first that takes a value has the rest. */
static bool parse_letters(struct parser *p, const char *all)
{
    for (const char *at = all; *at != '\0'; at++) {
        const struct flag *f = find_letter(p, *at);
        if (f == NULL)
            return error_set(p->err, "unknown shorthand flag: '%c' in -%s", *at, at);
        if (at[1] == '=' && at[2] != '\0')
            return set(p, f, at + 2);
        const char *text = value_of_bare(f);
        if (text != NULL) {
            if (!set(p, f, text))
                return false;
            continue;
        }
        text = at[1] != '\0' ? at + 1 : next_argument(p);
        return text != NULL ? set(p, f, text)
                            : error_set(p->err, "flag needs an argument: '%c' in -%s", *at, at);
    }
    return true;
}

bool flags_parse(const struct flag *flags, size_t count, int argc, char **argv, struct arguments *args,
                 struct error *err)
{
    struct parser p = {flags, count, argv, argc, args, err};
    bool only_rest = false;

    assert(count <= FLAGS_MAX);
    *args = (struct arguments){.rest = argv};
    for (size_t i = 0; i < count; i++)
        args->values[i].text = flags[i].preset != NULL ? flags[i].preset : "";
    while (p.left > 0) {
        char *arg = next_argument(&p);
        bool is_flag = !only_rest && arg[0] == '-' && arg[1] != '\0';
        if (is_flag && strcmp(arg, "--") == 0)
            only_rest = true;
        else if (!is_flag)
            args->rest[args->rest_count++] = arg;
        else if (!(arg[1] == '-' ? parse_long(&p, arg + 2) : parse_letters(&p, arg + 1)))
            return false;
    }
    return true;
}

void flags_print(const struct flag *flags, size_t count, FILE *out)
{
    static const char *const types[] = {
        [FLAG_BOOL] = "", [FLAG_COUNT] = " count", [FLAG_INT] = " int", [FLAG_STRING] = " string"};

    for (size_t i = 0; i < count; i++) {
        const struct flag *f = &flags[i];
        char left[64];
        snprintf(left, sizeof(left), "%c%c%c --%s%s", f->letter ? '-' : ' ', f->letter ? f->letter : ' ',
                 f->letter ? ',' : ' ', f->name, types[f->type]);
        fprintf(out, "  %-27s %s", left, f->help);
        if (f->preset != NULL && f->preset[0] == '\t')
            fputs(" (default \"\\t\")\n", out);
        else if (f->preset != NULL)
            fprintf(out, " (default \"%s\")\n", f->preset);
        else
            fputc('\n', out);
    }
}
