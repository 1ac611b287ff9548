// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_NOTE_H
#define FERMATA_MUSIC_NOTE_H

#include <stdint.h>

/**
 * note: the unit everything behind the nets speaks of. Times are microseconds of channel time,
 * which begins at 0 with the channel and stands still while it is stopped.
 */
struct note {
    int64_t onset;
    int64_t duration; ///< > 0, or NOTE_OPEN where the end is not yet composed
    uint8_t pitch;    ///< MIDI key, 0..127
    uint8_t velocity; ///< 1..127
};

#define NOTE_OPEN INT64_MAX
#define NOTE_SECOND INT64_C(1000000)

/** The time a note ends, or NOTE_OPEN. */
static inline int64_t note_end(const struct note *note)
{
    return note->duration == NOTE_OPEN ? NOTE_OPEN : note->onset + note->duration;
}

#endif
