// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_DRAFT_H
#define FERMATA_CONTROL_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "music/note.h"
#include "music/roll.h"

/**
 * draft: four seconds of composed music that nobody has judged yet, long enough to hear a texture,
 * short enough to throw away; the same whichever vocabulary its net has. Plain data of its lane.
 */
struct curator;
struct score;

#define DRAFT_US (4 * NOTE_SECOND)
#define DRAFT_ONSETS 4096
#define DRAFT_EVENTS (2 * DRAFT_ONSETS)

struct draft {
    int64_t start; ///< channel time
    /** The notes that begin in it, in order of onset, with durations as far as they are known:
     * what the curator hears. */
    struct note onsets[DRAFT_ONSETS];
    size_t onset_count;
    /** What the score gets, in this order: besides those, notes of before that end here. */
    struct note events[DRAFT_EVENTS];
    size_t event_count;
    struct roll_reader after; ///< of a roll: what is open behind its end
};

/** Empties it. */
void draft_begin(struct draft *draft, int64_t start);

/** In order of onset. Left out is what there is no room for, a storm of notes that no curator
 * keeps, and a key that is struck at the same moment already, which the score has once. */
void draft_add_onset(struct draft *draft, const struct note *note);
void draft_add_event(struct draft *draft, const struct note *note);

void draft_copy(struct draft *to, const struct draft *from);

/** Arranges it for the telephone (music/arranger.h): no note of it is open then. */
void draft_arrange(struct draft *draft);

/** Disguises what it quotes (music/disguise.h), where none of its notes is open. */
void draft_disguise(struct draft *draft, const struct curator *curator);

/** Moves it and what begins in it by `shift` microseconds into the future. */
void draft_shift(struct draft *draft, int64_t shift);

/** Puts it into the score, which then reaches to its end. */
void draft_commit(const struct draft *draft, struct score *score);

#endif
