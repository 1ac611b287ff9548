// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_PRIMER_H
#define FERMATA_CONTROL_PRIMER_H

#include <stdint.h>

#include "music/curator.h"
#include "music/note.h"
#include "music/roll.h"

/**
 * primer: chooses and writes the ten seconds that a net is primed with, the article's window: the
 * channel's own music where it is good, a human phrase where it is not. Plain data of its lane, on
 * the generator's thread.
 */
struct score;
struct seedbook;

#define PRIMER_FRAMES 200
#define PRIMER_US (PRIMER_FRAMES * ROLL_FRAME_US)
#define PRIMER_NOTES 16384

enum primer_source {
    PRIMER_HUMAN,
    PRIMER_LATEST, ///< the channel's last ten seconds: goes on seamlessly
    PRIMER_BEST,   ///< the best ten seconds of the channel's last minutes
};

struct primer {
    struct score *score;
    const struct seedbook *book;
    uint64_t seed;
    uint64_t phrase;                             ///< human phrases used so far
    uint8_t cells[PRIMER_FRAMES * ROLL_PITCHES]; ///< what was written last
    struct note notes[PRIMER_NOTES];             ///< room to copy the score to
};

void primer_init(struct primer *primer, struct score *score, const struct seedbook *book,
                 uint64_t seed);

/**
 * Writes the phrase before channel time `start` to primer->cells. Where the channel has no music of
 * its own that will do, a human phrase of `composer` is taken; returns the source in fact used.
 */
enum primer_source primer_write(struct primer *primer, enum primer_source source, int64_t start,
                                const char *composer, const struct curator *curator);

/** Writes the first `frames` frames of a human phrase of `composer`, moved by a few semitones, to
 * `cells`: music for when no net makes any. */
void primer_write_phrase(struct primer *primer, const char *composer, size_t frames,
                         uint8_t *cells);

/** The last onset within ten seconds before `start`, or, where there is none, `start`. */
int64_t primer_last_onset(struct primer *primer, int64_t start);

#endif
