// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_OSTINATO_H
#define FERMATA_MUSIC_OSTINATO_H

#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/**
 * ostinato: listens for a few keys that go round and round: a tremolo that fills a draft, and a
 * figure that goes on from draft to draft, which is where a net of notes gets stuck. Pure; plain
 * data of its curator.
 */

/** Notes that are remembered. */
#define OSTINATO_NOTES 80

/** All zero: nothing was heard. */
struct ostinato {
    uint8_t recent[OSTINATO_NOTES]; ///< the last pitches, the latest last
    size_t count;
};

/**
 * Badness of a draft, notes in order of onset, after what was kept; 0 where it is not stuck. A
 * tremolo is 1 to 2; a figure without end is music, but for want of anything better: 0.8 to 1.05.
 * A draft that turns to other keys well before its middle is the cure.
 */
double ostinato_judge(const struct ostinato *ostinato, const struct note *notes, size_t count);

void ostinato_keep(struct ostinato *ostinato, const struct note *notes, size_t count);

void ostinato_forget(struct ostinato *ostinato);

#endif
