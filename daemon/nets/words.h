// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_WORDS_H
#define FERMATA_NETS_WORDS_H

#include <stdint.h>

/** words: a list of strings out of a JSON array of strings. Read-only once made. */
struct words {
    uint32_t count;
    char **words_owned;
    const char *const *words;
};

/** Returns 0, -EBADMSG (not an array of strings; not logged) or -ENOMEM. */
int words_parse(const char *json, struct words **ret_words);
void words_free(struct words *words);

/** Place of `word`, or -ENOENT. */
int words_find(const struct words *words, const char *word);

#endif
