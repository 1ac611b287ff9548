// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_PACE_H
#define FERMATA_AUDIO_PACE_H

#include <stdint.h>

/**
 * pace: how far somebody is ahead of real time: an allowance of frames of 48 kHz that grows with
 * the clock up to a limit, and of which is taken what is used (a token bucket). Plain data; the
 * clock is the caller's, in microseconds.
 */
struct pace {
    int64_t allowance; ///< frames
    int64_t most;      ///< frames
    int64_t time;      ///< up to when it has grown
};

/** Begins with all of `most` frames. */
void pace_init(struct pace *pace, int64_t most, int64_t now_us);

/** Frames that may be used now. */
int64_t pace_allows(struct pace *pace, int64_t now_us);

/** No debts: what is used beyond the allowance is forgiven. */
void pace_use(struct pace *pace, int64_t frames);

/** CLOCK_MONOTONIC. */
int64_t pace_now_us(void);

#endif
