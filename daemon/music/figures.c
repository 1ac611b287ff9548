// SPDX-License-Identifier: MIT
#include "music/figures.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

// A reader of JSON for this one shape, because music depends on nothing.
#define DEEPEST 16

/** The text that is left to read; it ends with a zero byte. */
struct reader {
    const char *at;
};

static char peek(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
    return *reader->at;
}

static bool accept(struct reader *reader, char wanted)
{
    if (peek(reader) != wanted)
        return false;
    reader->at++;
    return true;
}

/** Reads a string; *ret_text is what stands between the quotes, escapes as they are. */
static bool read_string(struct reader *reader, const char **ret_text, size_t *ret_length)
{
    if (!accept(reader, '"'))
        return false;
    const char *text = reader->at;
    while (*reader->at != '"') {
        if (*reader->at == '\\')
            reader->at++;
        if (*reader->at == '\0')
            return false;
        reader->at++;
    }
    *ret_text = text;
    *ret_length = (size_t)(reader->at - text);
    reader->at++;
    return true;
}

/** Reads the digits at hand into *value; returns how many there were. */
static int read_digits(struct reader *reader, double *value)
{
    int digits = 0;
    for (; *reader->at >= '0' && *reader->at <= '9'; reader->at++, digits++)
        *value = *value * 10 + (*reader->at - '0');
    return digits;
}

/** Reads a number. Not strtod(), whose decimal point is the locale's. */
static bool read_number(struct reader *reader, double *ret_number)
{
    bool negative = accept(reader, '-');
    double value = 0;
    if (read_digits(reader, &value) == 0)
        return false;
    if (*reader->at == '.') {
        reader->at++;
        int decimals = read_digits(reader, &value);
        if (decimals == 0)
            return false;
        value /= pow(10, decimals);
    }
    if (*reader->at == 'e' || *reader->at == 'E') {
        reader->at++;
        bool small = *reader->at == '-';
        reader->at += *reader->at == '-' || *reader->at == '+';
        double exponent = 0;
        if (read_digits(reader, &exponent) == 0)
            return false;
        value *= pow(10, small ? -exponent : exponent);
    }
    *ret_number = negative ? -value : value;
    return true;
}

static bool skip_value(struct reader *reader, int depth);

static bool skip_object(struct reader *reader, int depth)
{
    if (accept(reader, '}'))
        return true;
    do {
        const char *key;
        size_t length;
        if (!read_string(reader, &key, &length) || !accept(reader, ':') ||
            !skip_value(reader, depth))
            return false;
    } while (accept(reader, ','));
    return accept(reader, '}');
}

static bool skip_array(struct reader *reader, int depth)
{
    if (accept(reader, ']'))
        return true;
    do {
        if (!skip_value(reader, depth))
            return false;
    } while (accept(reader, ','));
    return accept(reader, ']');
}

static bool skip_value(struct reader *reader, int depth)
{
    if (depth >= DEEPEST)
        return false;
    const char *text;
    size_t length;
    double number;
    static const char *const words[] = {"true", "false", "null"};
    switch (peek(reader)) {
    case '{':
        reader->at++;
        return skip_object(reader, depth + 1);
    case '[':
        reader->at++;
        return skip_array(reader, depth + 1);
    case '"':
        return read_string(reader, &text, &length);
    default:
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            if (strncmp(reader->at, words[i], strlen(words[i])) == 0) {
                reader->at += strlen(words[i]);
                return true;
            }
        }
        return read_number(reader, &number);
    }
}

/** Reads exactly `count` numbers that are finite, not negative and do not fall. */
static bool read_list(struct reader *reader, double *values, int count)
{
    if (!accept(reader, '['))
        return false;
    for (int i = 0; i < count; i++) {
        if ((i > 0 && !accept(reader, ',')) || !read_number(reader, &values[i]))
            return false;
        if (!isfinite(values[i]) || values[i] < (i > 0 ? values[i - 1] : 0))
            return false;
    }
    return accept(reader, ']');
}

static bool is_key(const char *key, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(key, wanted, length) == 0;
}

/** Reads the value of a key, or passes over it. */
static bool read_value(struct reader *reader, const char *key, size_t length,
                       const struct figures_list *lists, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_key(key, length, lists[i].key))
            return read_list(reader, lists[i].values, lists[i].count);
    return skip_value(reader, 0);
}

/** Reads one composer's object; what it does not mention stays as it is. */
static bool read_lists(struct reader *reader, const struct figures_list *lists, size_t count)
{
    if (!accept(reader, '{'))
        return false;
    if (accept(reader, '}'))
        return true;
    do {
        const char *key;
        size_t length;
        if (!read_string(reader, &key, &length) || !accept(reader, ':') ||
            !read_value(reader, key, length, lists, count))
            return false;
    } while (accept(reader, ','));
    return accept(reader, '}');
}

int figures_read(const char *json, const char *composer, const struct figures_list *lists,
                 size_t count)
{
    struct reader reader = {.at = json};
    bool found = false;
    if (!accept(&reader, '{'))
        return -EBADMSG;
    if (!accept(&reader, '}')) {
        do {
            const char *key;
            size_t length;
            if (!read_string(&reader, &key, &length) || !accept(&reader, ':'))
                return -EBADMSG;
            bool wanted = !found && is_key(key, length, composer);
            if (!(wanted ? read_lists(&reader, lists, count) : skip_value(&reader, 0)))
                return -EBADMSG;
            found = found || wanted;
        } while (accept(&reader, ','));
        if (!accept(&reader, '}'))
            return -EBADMSG;
    }
    if (peek(&reader) != '\0')
        return -EBADMSG;
    return found ? 0 : -ENOENT;
}
