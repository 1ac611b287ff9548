// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_SEEDBOOK_H
#define FERMATA_MUSIC_SEEDBOOK_H

#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/**
 * seedbook: short human phrases, by composer, that start a channel for the first time and are its
 * last resort. Read once from a plain text file (see models/README.md); read-only afterwards, from
 * any thread.
 *
 *     # comment
 *     phrase bach Prelude in C
 *     <onset ms> <duration ms> <pitch> <velocity>
 *     ...
 *     (an empty line ends the phrase)
 */
struct seedbook;

struct phrase {
    const char *composer;
    const char *source;
    const struct note *notes; ///< in order of onset, the first at 0
    size_t count;
    int64_t length; ///< microseconds up to the end of the last note
};

/** Returns 0, -ENOENT, -EBADMSG (logged with the line's number) or -ENOMEM. */
int seedbook_new(const char *path, struct seedbook **ret_book);
void seedbook_free(struct seedbook *book);

/** Those it has phrases of; ends with NULL. */
const char *const *seedbook_composers(const struct seedbook *book);

/** As a comment "# Licence: " of the file says it, or "". */
const char *seedbook_licence(const struct seedbook *book);

/** How many phrases there are for `composer`. */
size_t seedbook_count(const struct seedbook *book, const char *composer);

/** Phrase number `index` (modulo their count) of `composer`; of any composer where it has none;
 * NULL for an empty book. */
const struct phrase *seedbook_phrase(const struct seedbook *book, const char *composer,
                                     uint64_t index);

#endif
