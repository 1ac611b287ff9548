// SPDX-License-Identifier: MIT
#include "nets/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <spa/utils/json.h>

#define MAX_WORDS 1024

int words_parse(const char *json, struct words **ret_words)
{
    struct words *words = calloc(1, sizeof *words);
    if (!words)
        return -ENOMEM;
    words->words_owned = calloc(MAX_WORDS, sizeof *words->words_owned);
    words->words = (const char *const *)words->words_owned;
    int r = words->words_owned ? 0 : -ENOMEM;

    struct spa_json root, array;
    const char *token;
    int length = 0;
    spa_json_init(&root, json, strlen(json));
    if (r == 0 && spa_json_enter_array(&root, &array) < 0)
        r = -EBADMSG;
    while (r == 0 && (length = spa_json_next(&array, &token)) > 0) {
        char *word = NULL;
        if (words->count == MAX_WORDS || !spa_json_is_string(token, length)) {
            r = -EBADMSG;
        } else if (!(word = malloc((size_t)length + 1))) {
            r = -ENOMEM;
        } else if (spa_json_parse_stringn(token, length, word, length + 1) < 0) {
            free(word);
            r = -EBADMSG;
        } else {
            words->words_owned[words->count++] = word;
        }
    }
    // The tokenizer is content with an array that just stops.
    if (r == 0 && (length < 0 || array.cur >= array.end || *array.cur != ']'))
        r = -EBADMSG;
    if (r < 0) {
        words_free(words);
        return r;
    }
    *ret_words = words;
    return 0;
}

void words_free(struct words *words)
{
    if (!words)
        return;
    for (uint32_t i = 0; i < words->count; i++)
        free(words->words_owned[i]);
    free(words->words_owned);
    free(words);
}

int words_find(const struct words *words, const char *word)
{
    for (uint32_t i = 0; i < words->count; i++)
        if (strcmp(words->words[i], word) == 0)
            return (int)i;
    return -ENOENT;
}
