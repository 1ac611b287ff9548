// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_MIDI_READER_H
#define FERMATA_AUDIO_MIDI_READER_H

#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/**
 * midi_reader: the notes of any Standard MIDI File, read by FluidSynth's player, which is run
 * without a sound and faster than time. The bytes may be anybody's: what is wrong with them is
 * told in plain words. Any thread; no state.
 */

/** A file is no larger and no longer; it is read within a few tenths of a second. */
#define MIDI_READER_BYTES (1 << 20)
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION // a fuzzer has no time for music
#define MIDI_READER_LONGEST (2 * NOTE_SECOND)
#else
#define MIDI_READER_LONGEST (15 * 60 * NOTE_SECOND)
#endif

/**
 * Reads what is no percussion, in order of onset, the ends as the sustain pedal makes them; times
 * are right to some 2 ms and half a tick of the file. *ret_notes is the caller's to free.
 *
 * Returns 0, -EBADMSG (no MIDI file, or broken), -EFBIG (larger or longer than said above),
 * -ENODATA (no notes in it) or -ENOMEM; then *ret_why says what is wrong, to be read after "the
 * file": it "has no notes, or only percussion". It holds until the thread's next call.
 */
int midi_reader_read(const void *bytes, size_t size, struct note **ret_notes, size_t *ret_count,
                     const char **ret_why);

#endif
