// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_ECHO_H
#define FERMATA_MUSIC_ECHO_H

#include <stddef.h>
#include <stdint.h>

#include "music/line.h"

/**
 * echo: what a channel has kept in the last 30 minutes, as a line of notes and the runs in it: it
 * hears when the music repeats itself. About 0.9 MB, allocated once; where there are more than
 * ECHO_NOTES notes in 30 minutes (1092 a minute), it remembers less far back. Owned by one thread.
 */
struct echo;

#define ECHO_MEMORY (30 * 60 * NOTE_SECOND)
#define ECHO_NOTES 32768
/** More than so many times a run has not been heard, as far as anyone asks. */
#define ECHO_TIMES 8
/** What repetition is measured over. */
#define ECHO_LONG (180 * NOTE_SECOND)
#define ECHO_SHORT (60 * NOTE_SECOND)

/** Notes of the line before a draft, at most, and with it. */
#define ECHO_BEFORE 384
#define ECHO_ROOM (ECHO_BEFORE + LINE_CHORD + 4096)

/** A draft as the end of the channel's line. */
struct echo_line {
    uint8_t pitch[ECHO_ROOM];
    size_t count;
    size_t fresh;    ///< the first note that the draft brings or may have changed the place of
    uint64_t before; ///< notes of the echo that lie before that one; for echo_measure()
};

/** How much of the music was heard before. */
struct echo_figures {
    double share;       ///< of the runs of the last ECHO_LONG: heard before; draft included
    double times;       ///< mean over those of the last ECHO_SHORT: how often, up to ECHO_TIMES
    double draft_share; ///< the same of the draft's own runs
    double draft_times;
};

/** Returns 0 or -ENOMEM. */
int echo_new(struct echo **ret_echo);
void echo_free(struct echo *echo);

/** Forgets what begins at channel time `at` or later. */
void echo_cut(struct echo *echo, int64_t at);

/** Hears kept notes, in order of onset, none before what was heard last. */
void echo_keep(struct echo *echo, const struct note *notes, size_t count);

/**
 * Writes down how the line would go on with the notes of a draft (in order of onset) in the place
 * of what begins at `from` or later. What there is no room for is left out.
 */
void echo_follow(const struct echo *echo, int64_t from, const struct note *notes, size_t count,
                 struct echo_line *ret_line);

/**
 * Measures that line, whose draft ends at `to`. In the first minutes of a channel the figures grow
 * slowly: as if something that nobody has heard before had gone before; so they do where there is
 * less than one run a second. models/reference.py measures human music the same way.
 */
void echo_measure(const struct echo *echo, const struct echo_line *line, int64_t to,
                  struct echo_figures *ret_figures);

#endif
