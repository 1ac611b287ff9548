// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_ROLL_H
#define FERMATA_MUSIC_ROLL_H

#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/**
 * roll: between piano-roll frames and notes.
 *
 * A frame is ROLL_PITCHES bytes and lasts ROLL_FRAME_US: 0 is off, 1..127 an onset with that
 * velocity, 128 goes on sounding (the cells of nets/net.h, spelt out here because music depends on
 * nothing). Frame number f covers channel time [f, f + 1) * ROLL_FRAME_US.
 */
#define ROLL_PITCHES 128
#define ROLL_FRAME_US INT64_C(50000)
#define ROLL_HOLD 128

/** Reads frames one after the other and remembers which pitches are open. Plain data. */
struct roll_reader {
    int64_t frame;   ///< number of the next frame to come
    int64_t longest; ///< notes are ended after so many frames (200): none is held for ever
    int64_t open[ROLL_PITCHES]; ///< frame of the onset, or -1
    uint8_t velocity[ROLL_PITCHES];
};

/** Starts at frame number `frame` with nothing open. */
void roll_reader_init(struct roll_reader *reader, int64_t frame);

/**
 * Reads one frame. Appends to `notes` (room for `room` notes; 2 * ROLL_PITCHES always suffice)
 * first the notes that end at the start of this frame, complete, then the notes that begin, with
 * duration NOTE_OPEN. So each note appears twice: open at its onset, complete at its end. HOLD on
 * a pitch that is not open is ignored; a note for which there is no room is lost. Returns how many
 * were appended.
 */
size_t roll_reader_push(struct roll_reader *reader, const uint8_t frame[ROLL_PITCHES],
                        struct note *notes, size_t room);

/** Ends all open notes at the start of the next frame; appends them complete, as above. */
size_t roll_reader_flush(struct roll_reader *reader, struct note *notes, size_t room);

/**
 * Writes the notes that sound within `frames` frames from channel time `from` into `cells`
 * (frames * ROLL_PITCHES bytes, cleared first), each pitch moved by `transpose` semitones (notes
 * that leave 0..127 are dropped). A note that began before `from` is written as HOLD from frame 0,
 * so that a net is primed with what is sounding. Onsets are rounded to the nearest frame; open
 * notes sound to the end. Every note gets at least its onset's cell.
 */
void roll_write(const struct note *notes, size_t count, int64_t from, size_t frames, int transpose,
                uint8_t *cells);

#endif
