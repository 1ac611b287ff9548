// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_ARRANGER_H
#define FERMATA_MUSIC_ARRANGER_H

#include <stddef.h>
#include <stdint.h>

#include "music/curator.h"
#include "music/note.h"

/**
 * arranger: makes piano music fit for a telephone. What lies outside the pitches that a narrow band
 * carries is moved by octaves, chords are thinned, the pedal is short, as speech codecs want it;
 * and a rest is held over, because there silence is taken for the end of the call. What is arranged
 * already stays as it is. Pure: no clock, no device, no allocation.
 */

#define ARRANGER_LOWEST 55
#define ARRANGER_HIGHEST 96
/** Notes of one chord, at most. */
#define ARRANGER_CHORD 4
/** Notes that sound at once, at most (score_limit()): a chord, and two that ring on under it.
 * Codecs that model a voice carry one pitch well, and each further one worse. */
#define ARRANGER_VOICES 6
/** A note ends no later than so long after the next chord, */
#define ARRANGER_OVERLAP_US (NOTE_SECOND * 35 / 100)
/** or so long after its own onset, whichever is later. */
#define ARRANGER_LONGEST_US (NOTE_SECOND * 6 / 5)
/** Notes are held over a rest for so long, at most; longer than the curator lets any rest be. */
#define ARRANGER_HELD_US (CURATOR_LONGEST_GAP + NOTE_SECOND / 2)
/** Higher strings have died away after some tenths of a second, and no damper matters to them. So
 * the lowest voices are held until others of their kind follow. */
#define ARRANGER_RINGS 79
/** A shorter rest is none. */
#define ARRANGER_REST_US (NOTE_SECOND / 10)

/** The pitch as it is played. */
uint8_t arranger_pitch(uint8_t pitch);

/**
 * Arranges notes in order of onset, where they are; *count shrinks by what is left out. What sounds
 * at the end is held for ARRANGER_HELD_US, as if a rest followed; see arranger_lift().
 */
void arranger_arrange(struct note *notes, size_t *count);

/** When what was held before these notes, arranged ones, is to be damped. */
int64_t arranger_lift(const struct note *notes, size_t count);

/** Tells a curator what such music is like: the composer's bounds, moved up. */
void arranger_move_bounds(struct curator_bounds *bounds, struct curator_reference *reference);

#endif
