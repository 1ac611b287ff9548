// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_LEVELLER_H
#define FERMATA_AUDIO_LEVELLER_H

#include <stdint.h>

/**
 * leveller: the slow hand on the volume. It is told ten times a second how loud the last 400 ms
 * were, and says by how much to turn the sound up or down so that it comes to a target over the
 * minutes, as a listener would: quickly in the first seconds, then so slowly that nobody hears it
 * and the dynamics of the music stay. Plain data of its owner; knows decibels, not sound.
 *
 * What is loud is measured as in ITU-R BS.1770-4 (and so EBU R128): blocks of 400 ms that overlap
 * by three quarters, of which those under LEVELLER_SILENCE do not count, nor those more than 10 dB
 * under the mean of the others. Silence changes nothing.
 */

#define LEVELLER_PER_SECOND 10
/** It remembers so many blocks: two minutes. */
#define LEVELLER_BLOCKS (120 * LEVELLER_PER_SECOND)
#define LEVELLER_SILENCE (-70.0f)
/** Furthest from the gain it begins with, in dB. */
#define LEVELLER_REACH 18.0f

struct leveller {
    float target;                  ///< dB
    float first;                   ///< gain at the start, dB
    float gain;                    ///< now, dB
    float powers[LEVELLER_BLOCKS]; ///< of the blocks that are not silent
    uint32_t count;                ///< told in all
};

/** Begins at `gain` dB, which is what is known to be about right. */
void leveller_init(struct leveller *leveller, float target, float gain);

/** Tells the level of the latest 400 ms, in dB, before the gain; every 100 ms. */
void leveller_hear(struct leveller *leveller, float level);

/** The gain that is right now, in dB. It changes with leveller_hear() alone: in the first five
 * seconds of music by up to 0.3 dB, where it was wrong by more than 4 dB; in the first half minute
 * by 0.05 dB, where it was by more than 2; and then by 0.033 dB down or 0.01 dB up. */
float leveller_gain(const struct leveller *leveller);

#endif
