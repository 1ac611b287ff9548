// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_OPENING_H
#define FERMATA_MUSIC_OPENING_H

#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/**
 * opening: a phrase of a person's own that a piece begins with and that the net then continues.
 * Plain data, made fit for a score: on the keys of a piano, from time 0 on, none of the notes
 * outlasting the next of its pitch or the opening's end.
 */
#define OPENING_NOTES 2048
#define OPENING_LONGEST (120 * NOTE_SECOND)

struct opening {
    struct note notes[OPENING_NOTES]; ///< in order of onset
    size_t count;
    int64_t length; ///< microseconds, whole frames of the roll
};

/**
 * Makes one of `count` notes in order of onset, an open end among them or not: the last two minutes
 * and at most OPENING_NOTES of them, the first at 0. What lies beside the piano's keys comes onto
 * them by octaves; chords that are held at the end are let go after two seconds. Returns 0, or
 * -ENODATA where there is no note.
 */
int opening_make(const struct note *notes, size_t count, struct opening *ret_opening);

#endif
