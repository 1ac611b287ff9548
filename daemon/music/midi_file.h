// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_MIDI_FILE_H
#define FERMATA_MUSIC_MIDI_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "music/note.h"

/**
 * midi_file: notes as a Standard MIDI File of format 0: one track, a grand piano on channel 1, and
 * a tick of exactly 1 ms (500 ticks a quarter, 120 quarters a minute). No bar lines are meant.
 */

/**
 * Writes `count` notes, the end of each known, none outlasting the next of its pitch, and then
 * silence until `length` (microseconds). `title` (UTF-8) becomes the track's name. Returns 0,
 * -ENOMEM, or -EIO where `out` cannot be written (errno says why).
 */
int midi_file_write(FILE *out, const struct note *notes, size_t count, int64_t length,
                    const char *title);

#endif
