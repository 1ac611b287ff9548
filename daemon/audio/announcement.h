// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_ANNOUNCEMENT_H
#define FERMATA_AUDIO_ANNOUNCEMENT_H

#include <stdint.h>

#include "audio/profile.h"

/**
 * announcement: a sound file that is spoken over the music: any form that libsndfile reads, from
 * whoever gives it, at 48 kHz. Shared by reference; it does not change once it is read.
 */

#define ANNOUNCEMENT_SECONDS 120               ///< no longer
#define ANNOUNCEMENT_BYTES (INT64_C(64) << 20) ///< no larger file
#define ANNOUNCEMENT_CHANNELS 8                ///< of the file; more than two are mixed to one

struct announcement {
    float *samples; ///< interleaved
    uint32_t frames;
    uint32_t channels;          ///< 1 or 2
    float level[PROFILE_KINDS]; ///< how loud it is by each profile's measure, dB
    uint32_t references;
};

/**
 * Looks whether the file can be read, how long it is and, unless that took long, whether there is
 * something to be heard in it; reads its head, and on to the first sound. `fd` stays the
 * caller's, and its position is moved. Returns 0 and seconds, or -EBADMSG or -EFBIG with *ret_why,
 * to be read after "the file".
 */
int announcement_check(int fd, double *ret_seconds, const char **ret_why);

/**
 * Reads, resamples and measures the file: some seconds of work; any thread. `fd` stays the
 * caller's. Returns 0, what announcement_check() says, -EIO (it is broken further on) or -ENOMEM,
 * with *ret_why.
 */
int announcement_read(int fd, struct announcement **ret_announcement, const char **ret_why);

/** Both of any thread. */
struct announcement *announcement_ref(struct announcement *announcement);
void announcement_unref(struct announcement *announcement);

#endif
