/* KRAKEND_* variables over the root of the file: core.md 1.4; and FC_ENABLE: operate.md 3.1. */
#include <ctype.h>
#include <string.h>

#include "gateway/config_build.h"

static struct str lower(struct arena *a, struct str s)
{
    struct str copy = arena_copy(a, s);

    for (size_t i = 0; i < s.len; i++)
        ((char *)copy.ptr)[i] = (char)tolower((unsigned char)s.ptr[i]);
    return copy;
}

/* Sets a dotted path of keys; what is no object on the way is replaced. */
static void set_path(struct arena *a, struct node *object, struct str path, struct node *value)
{
    struct str rest = path;
    struct str key = str_split(&rest, '.');

    while (rest.ptr != NULL) {
        struct node *child = node_get(object, key);
        if (child == NULL || node_type(child) != DOC_OBJECT) {
            child = node_new_object(a);
            node_set(object, key, child);
        }
        object = child;
        key = str_split(&rest, '.');
    }
    node_set(object, key, value);
}

/* A Kubernetes Service named krakend injects KRAKEND_PORT=tcp://10.0.0.1:80, which nobody meant. */
static bool is_injected(struct str key, struct str value)
{
    return str_equal(key, STR("port")) && str_starts_with(value, STR("tcp://"));
}

void build_environment(struct config_build *b, char **environment)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        struct str value = str_of(*environment);
        struct str name = str_split(&value, '=');
        struct str prefix = STR("KRAKEND_");
        if (!str_starts_with(name, prefix) || value.ptr == NULL)
            continue;
        struct str key = lower(b->arena, str_slice(name, prefix.len, name.len));
        if (is_injected(key, value))
            build_warn(b, LOG_WARNING,
                       "The variable KRAKEND_PORT is ignored: %.*s is the address of a service, not a port",
                       STR_ARG(value));
        else
            set_path(b->arena, b->config->root, key, node_new_string(b->arena, arena_copy(b->arena, value)));
    }
}

/* Any text in FC_ENABLE switches templates on, even 0. */
static bool wants_templates(char **environment)
{
    for (; environment != NULL && *environment != NULL; environment++)
        if (strncmp(*environment, "FC_ENABLE=", 10) == 0)
            return (*environment)[10] != '\0';
    return false;
}

bool build_check_templates(struct config_build *b, struct str text, char **environment)
{
    if (!wants_templates(environment))
        return true;
    if (text.len > 0 && memmem(text.ptr, text.len, "{{", 2) != NULL)
        return error_set(b->err, "FC_ENABLE is set, but templates ({{ ... }}) are not supported yet: "
                                 "give the rendered file and unset FC_ENABLE");
    build_warn(
        b, LOG_WARNING,
        "FC_ENABLE is set, but templates are not supported yet: the file, which has none, is used as it is");
    return true;
}
