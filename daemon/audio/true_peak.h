// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_TRUE_PEAK_H
#define FERMATA_AUDIO_TRUE_PEAK_H

#include <stdint.h>

/**
 * true_peak: how high stereo sound rises between its samples once it is made into a voltage, as
 * ITU-R BS.1770-4 Annex 2 estimates it: four times oversampled by a filter of 48 taps. Plain data
 * of its owner; one thread; no allocation.
 */

#define TRUE_PEAK_TAPS 12 ///< of a phase

struct true_peak {
    float latest[2][TRUE_PEAK_TAPS - 1]; ///< samples of each channel before the next block
    float latest_peak;                   ///< of those, by their samples
};

void true_peak_init(struct true_peak *true_peak);

/**
 * The peak of the interleaved frames, and of those before it whose peaks were not known yet: what
 * lies in the last six frames is told with the next block. Where all samples lie so low that
 * nothing between them can reach `least`, the largest sample is given instead, which costs next to
 * nothing.
 */
float true_peak_of(struct true_peak *true_peak, const float *interleaved, uint32_t frames,
                   float least);

#endif
