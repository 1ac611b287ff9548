// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_TEXT_H
#define FERMATA_CLIENT_TEXT_H

#include <string.h>

/** text: copies what fits into `room` bytes, never half a UTF-8 character (cairo refuses those). */
static inline void text_copy(char *ret_text, size_t room, const char *text)
{
    size_t length = strlen(text);
    if (length >= room) {
        length = room - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(ret_text, text, length);
    ret_text[length] = '\0';
}

#endif
