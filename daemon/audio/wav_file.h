// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_WAV_FILE_H
#define FERMATA_AUDIO_WAV_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "audio/profile.h"
#include "music/note.h"

/**
 * wav_file: notes as the daemon's synth plays them, made for a place by a profile (profile.h), in a
 * RIFF/WAVE file of 16 bits: 48 kHz, stereo, or, of the profile telephone, 8 kHz, mono.
 */

/** How it is to sound. */
struct wav_file_sound {
    const char *soundfont; ///< as synth_new() takes it
    enum profile_kind profile;
};

/** What the size field of the format can hold, in microseconds: some six hours. */
#define WAV_FILE_LONGEST (22000 * NOTE_SECOND)

/**
 * Renders `count` notes in order of onset, the end of each known, for exactly `length`
 * microseconds, which end with a fade of half a second.
 * Returns 0, -EFBIG (longer than WAV_FILE_LONGEST), -EIO where `out` cannot be written (errno says
 * why), or what synth_new() says, logged.
 */
int wav_file_write(FILE *out, const struct note *notes, size_t count, int64_t length,
                   const struct wav_file_sound *sound);

#endif
