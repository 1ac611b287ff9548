// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_DISGUISE_H
#define FERMATA_MUSIC_DISGUISE_H

#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/**
 * disguise: the last resort against copies. Where every draft quotes and one has to be played,
 * single notes of it go to another octave, so that no passage is the training data's for longer
 * than the curator lets pass. Pure; from the generator's thread, as it takes some kilobytes of its
 * stack.
 */
struct curator;

/**
 * Disguises the notes of a draft, in order of onset, that begins at `from` behind what `curator`
 * has kept: as many as must be, each once. Without echo or quotes nothing is known of copies, and
 * nothing is moved. Returns how many were moved.
 */
size_t disguise_passages(const struct curator *curator, int64_t from, struct note *notes,
                         size_t count);

#endif
