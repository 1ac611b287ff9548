// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_ROLL_H
#define FERMATA_CLIENT_ROLL_H

#include <stddef.h>
#include <stdint.h>

struct feedline;

/**
 * roll: the notes and marks that a feed has told, placed at the time they are heard
 * (CLOCK_MONOTONIC seconds). What the terminal and the picture draw.
 */
struct roll_note {
    double start;
    double end; ///< ROLL_OPEN while it is not known
    uint8_t pitch;
    uint8_t velocity;
};

#define ROLL_OPEN 1e300

struct roll_mark {
    double at;
    char event[16];
    char text[48];
};

struct roll {
    struct roll_note *notes; ///< in the order they were told
    size_t note_count;
    struct roll_mark *marks; ///< in the order they are heard
    size_t mark_count;
    size_t note_room, mark_room;
    size_t last[128]; ///< 1 + index of the pitch's last note, 0: none
};

/** An empty roll is all zero bytes. */
void roll_finish(struct roll *roll);

/** Returns 0 or -ENOMEM (the line is left out). */
int roll_add(struct roll *roll, const struct feedline *line);

/** Forgets what ended before `time`, so that a watcher may watch for weeks. */
void roll_forget(struct roll *roll, double time);

/** Ends all open notes at `time` (or at their start, if that is later). */
void roll_end(struct roll *roll, double time);

#endif
