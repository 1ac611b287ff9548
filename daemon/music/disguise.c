// SPDX-License-Identifier: MIT
#include "music/disguise.h"

#include <stdbool.h>

#include "music/curator.h"
#include "music/echo.h"
#include "music/quotes.h"

#define OCTAVE 12
/** Towards the middle of the keyboard: no register is left. */
#define MIDDLE 66
#define MOST_NOTES 4096

/** Whether another note sounds on this pitch meanwhile: the two would be one. */
static bool is_taken(const struct note *notes, size_t count, const struct note *note, int pitch)
{
    for (size_t i = 0; i < count; i++)
        if (notes[i].pitch == pitch && notes[i].onset < note_end(note) &&
            note->onset < note_end(&notes[i]))
            return true;
    return false;
}

static bool move(struct note *notes, size_t count, size_t at)
{
    int first = notes[at].pitch < MIDDLE ? OCTAVE : -OCTAVE;
    for (int i = 0; i < 2; i++) {
        int pitch = notes[at].pitch + (i ? -first : first);
        if (pitch < 0 || pitch > 127 || is_taken(notes, count, &notes[at], pitch))
            continue;
        notes[at].pitch = (uint8_t)pitch;
        return true;
    }
    return false;
}

size_t disguise_passages(const struct curator *curator, int64_t from, struct note *notes,
                         size_t count)
{
    bool tried[MOST_NOTES] = {false};
    struct echo_line line;
    size_t moved = 0;
    if (!curator->echo || !curator->quotes || count > MOST_NOTES)
        return 0;
    const int64_t at = from < curator->end ? from : curator->end;
    for (;;) {
        echo_follow(curator->echo, at, notes, count, &line);
        size_t last = quotes_first_beyond(curator->quotes, &line, curator_quoted_most(curator));
        if (last == line.count)
            return moved;
        // The draft's notes end the line. Within a chord their order may be another one there, but
        // any note of the chord will do.
        size_t before = line.count > count ? line.count - count : 0;
        size_t note = last > before ? last - before : 0;
        while (note > 0 && tried[note])
            note--;
        if (tried[note])
            return moved;
        tried[note] = true;
        moved += move(notes, count, note);
    }
}
