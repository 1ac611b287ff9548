// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_HEED_H
#define FERMATA_MUSIC_HEED_H

#include <stddef.h>
#include <stdint.h>

#include "music/note.h"
#include "music/plan.h"

/**
 * heed: how well a net heeds its plan. Asked for one texture, a net leans towards another: denser,
 * more chromatic, thinner. What was kept is compared with what was planned for it, and what the net
 * is told is moved the other way, by so many buckets that in the mean of some minutes the music
 * comes out as planned. Plain data of its lane.
 */
struct heed {
    double lean[PLAN_CONTROLS]; ///< buckets by which the net goes beyond what it is told
};

/** Texture is heard over so long, as models/passages.py told it while the net was trained. */
#define HEED_MEMORY_US (16 * NOTE_SECOND)

void heed_init(struct heed *heed);

/** Channel time of the plan's row that the music heard by `now` is compared with. */
int64_t heed_planned_at(int64_t now);

/** Where the buckets of a control begin, but for the first. */
#define HEED_EDGES 16
struct heed_edges {
    float edges[HEED_EDGES];
    size_t count; ///< 0: unknown
};

/**
 * Hears the music up to `now`: notes in order of onset that begin within HEED_MEMORY_US before, and
 * the buckets planned for it (-1: not known). Keys are not heard, nor what has no edges, nor of
 * less than a few notes anything.
 */
void heed_hear(struct heed *heed, const struct heed_edges edges[PLAN_CONTROLS],
               const struct note *notes, size_t count, int64_t now,
               const int8_t planned[PLAN_CONTROLS]);

/** Moves what is told. Buckets stay within those that there are, by the edges. */
void heed_move(const struct heed *heed, const struct heed_edges edges[PLAN_CONTROLS],
               int8_t control[PLAN_CONTROLS]);

#endif
