// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_BAND_H
#define FERMATA_AUDIO_BAND_H

#include <stdint.h>

/**
 * band: the band of the telephone, 300 to 3400 Hz (ITU-T G.712): a Butterworth high pass of order
 * 4 and a low pass of order 8, each 3 dB down at its edge, at 48 kHz. Steep enough above that
 * nothing is left for a converter to 8 kHz to fold. Plain data of its owner; one thread; no
 * allocation.
 */

#define BAND_LOWEST 300.0
#define BAND_HIGHEST 3400.0
#define BAND_SECTIONS 6

/** One second-order section, transposed direct form II. */
struct band_section {
    float b0, b1, b2, a1, a2;
    float z1, z2;
};

struct band {
    struct band_section sections[BAND_SECTIONS];
};

void band_init(struct band *band);

/** Filters mono samples where they are. */
void band_process(struct band *band, float *samples, uint32_t count);

#endif
