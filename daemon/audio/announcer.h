// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_ANNOUNCER_H
#define FERMATA_AUDIO_ANNOUNCER_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/profile.h"

struct announcement;
struct score;

/**
 * announcer: speaks over a channel's music. It waits for the end of a phrase, where one is near,
 * turns the music down, speaks as loud as the music was, and lets the music come back.
 *
 * announcer_process() belongs to the performer's thread, everything else to the main thread; the
 * two wait for each other for a millisecond at most.
 */
struct announcer;

#define ANNOUNCER_DUCK 18.0f                    ///< by so many dB the music is turned down,
#define ANNOUNCER_DUCK_FRAMES 14400             ///< within so long (300 ms),
#define ANNOUNCER_RETURN_FRAMES 48000           ///< and up again
#define ANNOUNCER_PATIENCE_US (4 * NOTE_SECOND) ///< longer it waits for no phrase

/** Returns 0 or -ENOMEM. */
int announcer_new(struct announcer **ret_announcer);
void announcer_free(struct announcer *announcer);

/** Says it as soon as that is well, after what is being said; takes a reference. One that waits to
 * be said is forgotten for it. */
void announcer_say(struct announcer *announcer, struct announcement *announcement);

/** Ends what is being said, within a twentieth of a second, and what waits. */
void announcer_hush(struct announcer *announcer);

/** Whether something is being said or waits to be. */
bool announcer_is_busy(struct announcer *announcer);

/** How many were said to their end. Any thread. */
uint64_t announcer_said(struct announcer *announcer);

/** Speaks into the next `frames` frames of music, a multiple of PROFILE_BLOCK, as the profile
 * `kind` has made them. The score tells where phrases end; NULL: nowhere. */
void announcer_process(struct announcer *announcer, enum profile_kind kind, struct score *score,
                       float *interleaved, uint32_t frames);

#endif
