#include "http/authorization.h"

static struct str base64(struct arena *a, struct str s)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = arena_bytes(a, (s.len + 2) / 3 * 4), *end = text;

    for (size_t i = 0; i < s.len; i += 3) {
        unsigned bits = (unsigned)(unsigned char)s.ptr[i] << 16;

        if (i + 1 < s.len)
            bits |= (unsigned)(unsigned char)s.ptr[i + 1] << 8;
        if (i + 2 < s.len)
            bits |= (unsigned char)s.ptr[i + 2];
        *end++ = letters[bits >> 18];
        *end++ = letters[bits >> 12 & 63];
        *end++ = i + 1 < s.len ? letters[bits >> 6 & 63] : '=';
        *end++ = i + 2 < s.len ? letters[bits & 63] : '=';
    }
    return (struct str){text, (size_t)(end - text)};
}

struct str basic_authorization(struct arena *a, struct str userinfo)
{
    struct str password = userinfo, user = str_split(&password, ':'), bad;

    if (!percent_decode(a, user, &user, &bad) || !percent_decode(a, password, &password, &bad))
        return STR_NONE;
    return arena_join(a, STR("Basic "), base64(a, arena_join(a, arena_join(a, user, STR(":")), password)));
}
