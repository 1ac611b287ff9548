// SPDX-License-Identifier: MIT
#include "music/roll.h"

#include <stdbool.h>
#include <string.h>

// Google's endless demo let go of notes after 3 s; a real piano's strings carry about 10 s, and a
// net that holds a key for longer has forgotten it.
#define LONGEST_FRAMES 200

void roll_reader_init(struct roll_reader *reader, int64_t frame)
{
    *reader = (struct roll_reader){.frame = frame, .longest = LONGEST_FRAMES};
    for (int pitch = 0; pitch < ROLL_PITCHES; pitch++)
        reader->open[pitch] = -1;
}

static bool is_onset(uint8_t cell)
{
    return cell > 0 && cell < ROLL_HOLD;
}

static struct note open_note(const struct roll_reader *reader, int pitch)
{
    return (struct note){
        .onset = reader->open[pitch] * ROLL_FRAME_US,
        .duration = NOTE_OPEN,
        .pitch = (uint8_t)pitch,
        .velocity = reader->velocity[pitch],
    };
}

/** Ends the pitch at the start of the reader's frame. */
static size_t end_note(struct roll_reader *reader, int pitch, struct note *notes, size_t used,
                       size_t room)
{
    struct note note = open_note(reader, pitch);
    note.duration = reader->frame * ROLL_FRAME_US - note.onset;
    reader->open[pitch] = -1;
    if (used == room)
        return used;
    notes[used] = note;
    return used + 1;
}

size_t roll_reader_push(struct roll_reader *reader, const uint8_t frame[ROLL_PITCHES],
                        struct note *notes, size_t room)
{
    size_t used = 0;
    for (int pitch = 0; pitch < ROLL_PITCHES; pitch++) {
        if (reader->open[pitch] < 0)
            continue;
        bool held = frame[pitch] >= ROLL_HOLD;
        if (!held || reader->frame - reader->open[pitch] >= reader->longest)
            used = end_note(reader, pitch, notes, used, room);
    }

    for (int pitch = 0; pitch < ROLL_PITCHES && used < room; pitch++) {
        if (!is_onset(frame[pitch]))
            continue;
        reader->open[pitch] = reader->frame;
        reader->velocity[pitch] = frame[pitch];
        notes[used++] = open_note(reader, pitch);
    }
    reader->frame++;
    return used;
}

size_t roll_reader_flush(struct roll_reader *reader, struct note *notes, size_t room)
{
    size_t used = 0;
    for (int pitch = 0; pitch < ROLL_PITCHES; pitch++)
        if (reader->open[pitch] >= 0)
            used = end_note(reader, pitch, notes, used, room);
    return used;
}

/** The frame nearest to `time`, which is not before `from`. */
static int64_t nearest_frame(int64_t time, int64_t from)
{
    return (time - from + ROLL_FRAME_US / 2) / ROLL_FRAME_US;
}

/** First frame in which the note sounds no more, at most `frames`; below 1 if it ends before. */
static int64_t end_frame(const struct note *note, int64_t from, size_t frames)
{
    int64_t end = note_end(note);
    if (end - from >= (int64_t)frames * ROLL_FRAME_US)
        return (int64_t)frames;
    return nearest_frame(end, from);
}

void roll_write(const struct note *notes, size_t count, int64_t from, size_t frames, int transpose,
                uint8_t *cells)
{
    memset(cells, 0, frames * ROLL_PITCHES);

    // Onsets first, so that holds stop at them in whatever order the notes come. Of two in one
    // cell the louder stays.
    for (size_t i = 0; i < count; i++) {
        int pitch = notes[i].pitch + transpose;
        if (pitch < 0 || pitch >= ROLL_PITCHES || notes[i].onset < from ||
            notes[i].onset - from >= (int64_t)frames * ROLL_FRAME_US)
            continue;
        int64_t frame = nearest_frame(notes[i].onset, from);
        if (frame >= (int64_t)frames)
            continue;
        uint8_t *cell = &cells[frame * ROLL_PITCHES + pitch];
        if (notes[i].velocity > *cell)
            *cell = notes[i].velocity;
    }

    for (size_t i = 0; i < count; i++) {
        int pitch = notes[i].pitch + transpose;
        if (pitch < 0 || pitch >= ROLL_PITCHES ||
            (notes[i].onset >= from && notes[i].onset - from >= (int64_t)frames * ROLL_FRAME_US))
            continue;
        int64_t first = notes[i].onset < from ? 0 : nearest_frame(notes[i].onset, from) + 1;
        int64_t end = end_frame(&notes[i], from, frames);
        for (int64_t frame = first; frame < end; frame++) {
            uint8_t *cell = &cells[frame * ROLL_PITCHES + pitch];
            if (is_onset(*cell))
                break;
            *cell = ROLL_HOLD;
        }
    }
}
