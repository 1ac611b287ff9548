// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_GAUGE_H
#define FERMATA_MUSIC_GAUGE_H

#include <stdint.h>

#include "music/note.h"

/**
 * gauge: what a listener would complain of, measured from an endless stream as it is played: how
 * much is struck, how long nothing is, what is heard again. It remembers half an hour and no more,
 * in some two megabytes however long the stream. One thread.
 */
struct gauge;
struct score_event;

/** Notes of a run, in the order of their chords (onsets within 30 ms, low to high). Two are alike
 * where all their intervals are, so transposition hides nothing (models/originality.py). */
#define GAUGE_RUN 16
/** A run is a repeat where it was heard so long ago or less. */
#define GAUGE_MEMORY (1800 * NOTE_SECOND)

/** What was heard between two readings, times in seconds. */
struct gauge_reading {
    uint32_t notes;
    /** The longest time without an onset, and with no note sounding, that ended in it or goes on at
     * its end; it may have begun before. */
    double onset_gap, silence;
    int64_t silence_at;         ///< channel time at which that silence began, microseconds
    double register_, velocity; ///< means of the pitch and the velocity; 0 without notes
    double sounding;            ///< mean over the time of the number of notes that sound
    double entropy;             ///< of the pitch classes, in bits
    uint32_t runs;
    uint32_t repeated; ///< those heard before within GAUGE_MEMORY
};

/** A stream begins at 0. Returns 0 or -ENOMEM. */
int gauge_new(struct gauge **ret_gauge);
void gauge_free(struct gauge *gauge);

/** The next event, in order of time; none before the last reading. */
void gauge_hear(struct gauge *gauge, const struct score_event *event);

/** Everything since the last reading, up to `until`; the next one begins there. */
void gauge_read(struct gauge *gauge, int64_t until, struct gauge_reading *ret_reading);

#endif
