// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_TUPLE_H
#define FERMATA_MUSIC_TUPLE_H

#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/**
 * tuple: between notes and the tuples of the transformer's vocabulary, exactly as models/notes.py
 * has it: one tuple a note, in order of onset and, within one tick of 10 ms, of pitch, so that a
 * chord has one spelling. Pure; no state.
 */
struct tuple {
    uint8_t delta;    ///< bin 0..94: from the former note's onset, up to 8 s
    uint8_t pitch;    ///< MIDI key
    uint8_t duration; ///< bin 0..63: 25 ms to 8 s, the pedal included
    uint8_t velocity; ///< bin 0..31: MIDI velocity / 4
};

#define TUPLE_TICK_US INT64_C(10000)
#define TUPLE_DELTAS 95
#define TUPLE_DURATIONS 64
#define TUPLE_VELOCITIES 32

/** What a bin of the delta means, in ticks; one that is none means the last. */
int64_t tuple_delta_ticks(uint8_t bin);
/** The bin nearest to a delta, in ticks; less than 0 is 0. */
uint8_t tuple_delta_bin(int64_t ticks);

/** Microseconds. */
int64_t tuple_duration_us(uint8_t bin);
uint8_t tuple_duration_bin(int64_t us);

/** The tick nearest to a time in microseconds. */
int64_t tuple_tick(int64_t us);

/** The note of a tuple that follows on a note with its onset at `former`, in microseconds. */
struct note tuple_note(const struct tuple *tuple, int64_t former);

/**
 * Spells `count` notes, which it brings into the order of the tuples for that; of one pitch twice
 * in a tick only the first is spelt. A note with an open end is taken to end at `until`. The first
 * delta is 0. `ret_tuples` has room for `count` tuples; returns how many there are.
 */
size_t tuple_spell(struct note *notes, size_t count, int64_t until, struct tuple *ret_tuples);

#endif
