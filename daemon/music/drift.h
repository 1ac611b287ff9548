// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_DRIFT_H
#define FERMATA_MUSIC_DRIFT_H

#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/**
 * drift: how dense, fast, high and tonally spread a channel's music has been for minutes and for an
 * hour, as slow averages, so that what changes too slowly to be heard in any one draft is noticed.
 * Plain data; judging changes nothing.
 */

enum drift_figure {
    DRIFT_DENSITY,  ///< notes a minute
    DRIFT_PACE,     ///< milliseconds from one chord to the next
    DRIFT_REGISTER, ///< mean pitch
    DRIFT_SPREAD,   ///< entropy of the pitch classes, bits; at most log2 12
    DRIFT_FIGURES,
};

/** The averages lose half of what they know in ten minutes and in an hour. */
enum drift_memory {
    DRIFT_MINUTES,
    DRIFT_HOUR,
    DRIFT_MEMORIES,
};

/** Lowest and highest that is human, of each figure over each memory. */
struct drift_bands {
    double band[DRIFT_FIGURES][DRIFT_MEMORIES][2];
};

/** Sums over music that fades. */
struct drift_sums {
    double seconds;
    double notes;
    double chords;
    double pitches;
    double classes[12];
};

struct drift {
    struct drift_sums sums[DRIFT_MEMORIES];
    double heard; ///< seconds since it began
    /** What the hour said when it had first heard enough: the character of this net. */
    double settled[DRIFT_FIGURES];
};

/** Nothing is known. */
void drift_init(struct drift *drift);

/** Takes kept music into account: notes in order of onset, `seconds` long. */
void drift_keep(struct drift *drift, const struct note *notes, size_t count, double seconds);

/** What a memory says, each figure; returns how much of its half-life it has heard (1: enough). */
double drift_measure(const struct drift *drift, enum drift_memory memory,
                     double ret_figures[DRIFT_FIGURES]);

/**
 * How much further out of the bands a draft would lead, those of the hour widened to where the
 * music stood when it was first known: what has been so from the first is character, and no drift.
 * 0 where all figures are within them, lead back, or are not known yet (a memory is asked once it
 * has heard its half-life); else the sum of how far out they are, in widths of their bands.
 */
double drift_judge(const struct drift *drift, const struct drift_bands *bands,
                   const struct note *notes, size_t count, double seconds);

#endif
