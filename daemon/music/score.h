// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_SCORE_H
#define FERMATA_MUSIC_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "music/note.h"

/**
 * score: the notes of one channel in order of onset, from some minutes ago (what was played, for
 * reseeding and for whoever liked it) over *now* (the position up to which the performer has taken
 * events) to the horizon (the time up to which music is composed, half a minute ahead).
 *
 * The generator adds and cuts; the performer takes; the main thread asks. Each call locks for some
 * microseconds. Bounded: old notes are forgotten when the room is needed, never those to come.
 */
struct score;

/** No note lasts longer. One whose end is not composed by then (its net was reset, its draft thrown
 * away) is released, so that nothing can sound for ever. */
#define SCORE_LONGEST_NOTE (12 * NOTE_SECOND)

/** One thing for an instrument to do. */
struct score_event {
    int64_t time;     ///< channel time, microseconds
    int64_t duration; ///< of an onset: its length as far as it is composed, else 0
    uint8_t pitch;
    uint8_t velocity; ///< 0: the pitch is released
};

int score_new(struct score **ret_score);
void score_free(struct score *score);

/**
 * Adds a note. Its onset must not lie before the horizon's last cut or the position, and its
 * pitch, velocity and duration must be such as note.h allows (else it is dropped). A complete note
 * whose open twin (same pitch and onset) is there completes the twin, also while that sounds: its
 * release comes on time, or at once if the time has passed. Any other second note of the same pitch
 * and onset is dropped. Add the notes that end before you extend over their ends.
 * Returns 0, or -ENOSPC when SCORE_ROOM notes are still to be played (the note is dropped).
 */
int score_add(struct score *score, const struct note *note);
#define SCORE_ROOM 8192

/** At most so many notes are known; of what was played at least half of them: a quarter of an hour
 * of dense piano. */
#define SCORE_PAST 24576

/** Says that music is composed up to `until`; the horizon never goes back by this. */
void score_extend(struct score *score, int64_t until);

/**
 * Takes everything from time `at` on out of the score and brings the horizon back to it; notes
 * that sound over `at` end there, and no later note completes them otherwise. The horizon never
 * goes forward by this. If the position is already past `at`, nothing is changed.
 * Returns 0 or -ESTALE (too late).
 */
int score_cut(struct score *score, int64_t at);

/** What sounds over `at` ends there, as when a pedal is lifted; notes that begin later stay.
 * Nothing is changed where the position is past `at`. */
void score_damp(struct score *score, int64_t at);

/** Lets no more than `voices` (1 or more) sound at once from `from` on: when another one is struck,
 * the oldest one ends, first of those above the pitch `brief`, whose strings have died away by
 * then.
 */
void score_limit(struct score *score, int64_t from, size_t voices, uint8_t brief);

/** Channel time up to which music is composed. */
int64_t score_horizon(struct score *score);

/** Channel time up to which the performer has taken events. */
int64_t score_position(struct score *score);

/**
 * Takes the next event before time `until` (clipped to the horizon) and moves the position to it;
 * releases come before onsets of the same time; a pitch struck while it sounds is released first.
 * Returns false when there is none left, and then the position is min(until, horizon), or where it
 * was if that is later: it never goes back.
 */
bool score_take(struct score *score, int64_t until, struct score_event *ret_event);

/**
 * Copies the notes whose onset lies in [from, to) to `notes`, at most `room` of them, the earliest
 * first. Returns how many.
 */
size_t score_copy(struct score *score, int64_t from, int64_t to, struct note *notes, size_t room);

/** Copies, besides, the notes that began before `from` and sound over it (their end lies after it);
 * they come first, being the earliest. */
size_t score_copy_sounding(struct score *score, int64_t from, int64_t to, struct note *notes,
                           size_t room);

#endif
