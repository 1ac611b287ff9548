// SPDX-License-Identifier: MIT
#include "client/amount.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/** The decimal number at `*text`, which is put behind it. strtod() alone would take blanks, signs,
 * hexadecimals and infinities as well. */
static int read_number(const char **text, double *ret_number)
{
    char *end;
    if (!**text || !strchr("0123456789.", **text) || (*text)[1] == 'x' || (*text)[1] == 'X')
        return -EINVAL;
    *ret_number = strtod(*text, &end);
    if (end == *text || !isfinite(*ret_number))
        return -EINVAL;
    *text = end;
    return 0;
}

int amount_read_seconds(const char *text, double *ret_seconds)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"h", 3600}, {"min", 60}, {"m", 60}, {"s", 1}, {"", 1}};
    double seconds = 0, last = 3601;
    do {
        double number;
        if (read_number(&text, &number) < 0)
            return -EINVAL;
        size_t i = 0;
        while (strncmp(text, units[i].name, strlen(units[i].name)) != 0)
            i++;
        // "1m30" is plain enough; "1h30" is not.
        bool bare = !*units[i].name;
        if (units[i].seconds >= last || (bare && last == 3600))
            return -EINVAL;
        last = units[i].seconds;
        text += strlen(units[i].name);
        seconds += number * last;
    } while (*text);
    *ret_seconds = seconds;
    return 0;
}

int amount_read_part(const char *text, double *ret_part)
{
    double number;
    if (read_number(&text, &number) < 0)
        return -EINVAL;
    if (!strcmp(text, "%"))
        number /= 100;
    else if (*text)
        return -EINVAL;
    *ret_part = number;
    return 0;
}

int amount_read_switch(const char *text, bool *ret_on)
{
    static const char *const words[][2] = {
        {"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (int k = 0; k < 2; k++) {
            if (!strcasecmp(text, words[i][k])) {
                *ret_on = k;
                return 0;
            }
        }
    }
    return -EINVAL;
}
