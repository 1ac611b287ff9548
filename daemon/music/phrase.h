// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_PHRASE_H
#define FERMATA_MUSIC_PHRASE_H

#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/** phrase: where music takes a breath. Pure: no clock, no allocation. */

/** A breath is so much longer than the usual time between two chords there, */
#define PHRASE_BREATH 1.6
/** and no shorter than this. */
#define PHRASE_SHORTEST_US (NOTE_SECOND * 35 / 100)

/**
 * Looks at notes in order of onset that begin in [from, to) and returns a time for something else
 * to be heard: a little after the last onset before the longest breath, or `from` where there is
 * none, as in music that runs on. Silence is a breath as well.
 */
int64_t phrase_end(const struct note *notes, size_t count, int64_t from, int64_t to);

#endif
