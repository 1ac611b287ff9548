// SPDX-License-Identifier: MIT
#include "control/licence.h"

#include <ctype.h>
#include <string.h>

static bool is_letter(char c)
{
    return isalnum((unsigned char)c);
}

/** Whether "NC" stands in the text as a word. */
static bool has_nc(const char *text)
{
    for (const char *at = strstr(text, "NC"); at; at = strstr(at + 1, "NC"))
        if ((at == text || !is_letter(at[-1])) && !is_letter(at[2]))
            return true;
    return false;
}

bool licence_is_commercial(const char *text)
{
    if (!text || !*text || has_nc(text))
        return false;
    return !strcasestr(text, "noncommercial") && !strcasestr(text, "non-commercial") &&
           !strcasestr(text, "non commercial");
}
