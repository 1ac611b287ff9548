// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_LIMITER_H
#define FERMATA_AUDIO_LIMITER_H

#include <stdbool.h>

#include "audio/true_peak.h"

/**
 * limiter: keeps stereo sound under a ceiling by turning it down a block ahead of a peak and
 * letting it come back within some tenths of a second. Sound under the ceiling passes unchanged.
 * Plain data of its owner; one thread; no allocation.
 */

#define LIMITER_BLOCK 64      ///< frames of a block, and by how much the sound is delayed
#define LIMITER_CEILING 0.88f ///< the usual one: -1.1 dBFS

struct limiter {
    float ceiling;                    ///< largest sample, or true peak, that comes out
    bool between;                     ///< it holds between the samples as well
    struct true_peak true_peak;       ///< of what comes in
    float pending[2 * LIMITER_BLOCK]; ///< the block that comes out next
    float gain;                       ///< at the start of `pending`
    float pending_allows;             ///< the largest gain that `pending` bears
};

/** `between`: the ceiling holds for the true peak (true_peak.h), to a tenth of a dB, else for the
 * samples. */
void limiter_init(struct limiter *limiter, float ceiling, bool between);

/** Takes LIMITER_BLOCK interleaved frames and gives those of the call before (silence at first).
 * The two buffers may not overlap. */
void limiter_process(struct limiter *limiter, const float *block, float *ret_block);

#endif
