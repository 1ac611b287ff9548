// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_FIGURES_H
#define FERMATA_MUSIC_FIGURES_H

#include <stddef.h>

/**
 * figures: numbers about composers, out of the JSON that files carry as metadata:
 * {"bach": {"register": [45, 65, 82], ...}, ...}.
 */

/** One list to read. */
struct figures_list {
    const char *key;
    double *values; ///< gets `count` numbers, finite, not negative, that do not fall
    int count;
};

/**
 * Reads the lists of `composer`; the values of one that is not there stay as they are, and other
 * keys are passed over. Returns 0, -ENOENT (no such composer) or -EBADMSG (no such JSON, or a list
 * that is not as it should be; some values may be read by then).
 */
int figures_read(const char *json, const char *composer, const struct figures_list *lists,
                 size_t count);

#endif
