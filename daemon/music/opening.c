// SPDX-License-Identifier: MIT
#include "music/opening.h"

#include <errno.h>

#include "music/roll.h"

/** Keys of a piano. */
#define LOWEST 21
#define HIGHEST 108
/** So long after the last onset it is over at the latest. */
#define TAIL_US (2 * NOTE_SECOND)
#define LONGEST_NOTE (12 * NOTE_SECOND)

static uint8_t on_the_keys(uint8_t pitch)
{
    while (pitch < LOWEST)
        pitch += 12;
    while (pitch > HIGHEST)
        pitch -= 12;
    return pitch;
}

/** Index of the first note to take. */
static size_t find_first(const struct note *notes, size_t count)
{
    size_t first = count > OPENING_NOTES ? count - OPENING_NOTES : 0;
    while (notes[count - 1].onset - notes[first].onset > OPENING_LONGEST - TAIL_US)
        first++;
    return first;
}

static void add(struct opening *opening, size_t last[128], struct note note)
{
    size_t former = last[note.pitch];
    if (former) {
        struct note *before = &opening->notes[former - 1];
        if (before->onset == note.onset) { // one key cannot be struck twice at once
            if (before->duration < note.duration)
                before->duration = note.duration;
            return;
        }
        if (note_end(before) > note.onset)
            before->duration = note.onset - before->onset;
    }
    opening->notes[opening->count++] = note;
    last[note.pitch] = opening->count;
}

int opening_make(const struct note *notes, size_t count, struct opening *ret_opening)
{
    if (count == 0)
        return -ENODATA;
    size_t first = find_first(notes, count);
    int64_t begin = notes[first].onset, end = 0;
    int64_t latest = notes[count - 1].onset - begin + TAIL_US;
    size_t last[128] = {0};
    ret_opening->count = 0;
    for (size_t i = first; i < count; i++) {
        struct note note = notes[i];
        note.onset -= begin;
        note.pitch = on_the_keys(note.pitch);
        if (note.duration > LONGEST_NOTE)
            note.duration = LONGEST_NOTE;
        if (note_end(&note) > latest)
            note.duration = latest - note.onset;
        add(ret_opening, last, note);
    }
    for (size_t i = 0; i < ret_opening->count; i++)
        if (note_end(&ret_opening->notes[i]) > end)
            end = note_end(&ret_opening->notes[i]);
    ret_opening->length = (end + ROLL_FRAME_US - 1) / ROLL_FRAME_US * ROLL_FRAME_US;
    return 0;
}
