// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_METER_H
#define FERMATA_AUDIO_METER_H

#include <stdatomic.h>
#include <stdint.h>

/**
 * meter: how loud the last three seconds of a channel's sound were, before its volume: for a
 * monitoring that is to notice silence. Plain data, all zero bytes at first; meter_hear() is for
 * one thread, meter_level() for any.
 */

/** Frames of one of the measured steps (100 ms), and how many steps are looked back at. */
#define METER_STEP 4800
#define METER_STEPS 30
/** What silence measures, dBFS. */
#define METER_SILENCE (-120.0)

struct meter {
    double sum; ///< of squares, in the step that is being heard
    uint32_t frames;
    double powers[METER_STEPS]; ///< mean squares
    uint32_t count;
    _Atomic float level;
};

/** Hears the next `frames` frames, interleaved stereo. */
void meter_hear(struct meter *meter, const float *interleaved, uint32_t frames);

/** RMS of both channels together, dBFS (a sine of full scale is -3), or METER_SILENCE where nothing
 * was heard yet. */
double meter_level(const struct meter *meter);

#endif
