// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_DECISIONS_H
#define FERMATA_CONTROL_DECISIONS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "control/decision.h"
#include "music/curator.h"
#include "music/note.h"

/**
 * decisions: what was decided about one channel's music, counted since the channel began. Written
 * by the generator's thread, read by any: each figure is true, though not all of one moment.
 */

/** Room for verdicts of the curator, "keep" among them. */
#define DECISIONS_VERDICTS 16

struct decisions {
    _Atomic uint64_t judged; ///< drafts
    _Atomic uint64_t kept;   ///< drafts, the least bad ones and phrases too
    _Atomic uint64_t verdicts[DECISIONS_VERDICTS];
    _Atomic uint64_t redrawn;   ///< drafts made in the place of a refused one
    _Atomic uint64_t least_bad; ///< kept though they were refused
    _Atomic uint64_t own;       ///< reseeds from the channel's own music
    _Atomic uint64_t human;     ///< reseeds from a human phrase
    _Atomic uint64_t blank;     ///< reseeds from nothing: the net began by itself
    _Atomic uint64_t phrases;   ///< human phrases that were played
    _Atomic uint64_t replays;   ///< drafts of what had been played before
    _Atomic uint64_t set_aside; ///< nets that failed
    _Atomic uint64_t pieces;
    _Atomic uint64_t gap;       ///< longest time between two onsets that were kept, microseconds
    _Atomic uint64_t threshold; ///< where it is now, as it is trimmed, thousandths
    _Atomic uint64_t step;      ///< of the random numbers: steps drawn so far
};

/** One more; `what` is a member of a struct decisions. */
static inline void decisions_count(_Atomic uint64_t *what)
{
    atomic_fetch_add_explicit(what, 1, memory_order_relaxed);
}

/** A draft was judged. */
void decisions_judge(struct decisions *decisions, enum curator_verdict verdict);

/** Notes are kept, in order of onset, after one whose onset was `last`; a negative `last`: there
 * was none. */
void decisions_hear(struct decisions *decisions, const struct note *notes, size_t count,
                    int64_t last);

/** Reads the figures as names and values, in an order that stays; returns how many. */
size_t decisions_list(struct decisions *decisions, struct decision ret_list[DECISION_ROOM]);

#endif
