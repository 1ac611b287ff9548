// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_WAV_FILE_H
#define FERMATA_AUDIO_WAV_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "music/note.h"

/**
 * wav_file: notes as the daemon's synth plays them, in a RIFF/WAVE file: 48 kHz, stereo, 16 bits.
 */

/** What the size field of the format can hold, in microseconds: some six hours. */
#define WAV_FILE_LONGEST (22000 * NOTE_SECOND)

/**
 * Renders `count` notes in order of onset, the end of each known, for exactly `length`
 * microseconds, which end with a fade of half a second. `soundfont` as synth_new() takes it.
 * Returns 0, -EFBIG (longer than WAV_FILE_LONGEST), -EIO where `out` cannot be written (errno says
 * why), or what synth_new() says, logged.
 */
int wav_file_write(FILE *out, const struct note *notes, size_t count, int64_t length,
                   const char *soundfont);

#endif
