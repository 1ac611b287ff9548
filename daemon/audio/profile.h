// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_PROFILE_H
#define FERMATA_AUDIO_PROFILE_H

#include <stdint.h>

/**
 * profile: what is done to a channel's sound between synth and output, so that it suits the place
 * where it is heard:
 *
 *   - room: loudspeakers. Stereo, -23 LUFS over time (EBU R128), true peak under -1 dBTP; only the
 *     volume is turned, slowly.
 *   - telephone: callers. Mono, 300 to 3400 Hz, RMS level -22 dBFS (RFC 7874: that of speech),
 *     peaks under -6 dBFS, and what is soft is turned up so that no voice activity detector takes
 *     it for silence.
 *   - raw: as the synth gives it, for those who mix it themselves.
 *
 * 48 kHz, interleaved stereo (telephone: the same in both channels). profile_set() is for any
 * thread; everything else belongs to one, the performer's. No allocation while it runs.
 */
struct profile;

enum profile_kind {
    PROFILE_ROOM,
    PROFILE_TELEPHONE,
    PROFILE_RAW,
    PROFILE_KINDS, ///< how many there are
};

/** Sound comes in blocks of so many frames. */
#define PROFILE_BLOCK 64
/** Frames by which every profile delays the sound. */
#define PROFILE_DELAY (5 * PROFILE_BLOCK)

/** "room", "telephone", "raw" */
const char *profile_name(enum profile_kind kind);
/** Returns 0, or -ENOENT where there is no such profile. */
int profile_find(const char *name, enum profile_kind *ret_kind);

/** How loud it makes the sound: LUFS, or of the telephone dBFS RMS. Of `raw`, what most music has.
 */
float profile_target(enum profile_kind kind);
/** The largest sample, or true peak, that comes out. */
float profile_ceiling(enum profile_kind kind);

/** Returns 0 or -ENOMEM. */
int profile_new(enum profile_kind kind, struct profile **ret_profile);
void profile_free(struct profile *profile);

/** Another profile, from a moment on: the sound dips for a twentieth of a second in between. */
void profile_set(struct profile *profile, enum profile_kind kind);

/** What is heard now; the performer's thread. */
enum profile_kind profile_heard(const struct profile *profile);

/** Processes the next `frames` frames, a multiple of PROFILE_BLOCK, where they are. */
void profile_process(struct profile *profile, float *interleaved, uint32_t frames);

#endif
