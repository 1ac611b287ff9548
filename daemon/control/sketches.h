// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_SKETCHES_H
#define FERMATA_CONTROL_SKETCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/draft.h"
#include "control/lane.h"
#include "control/scribe.h"
#include "nets/net.h"

/**
 * sketches: the alternatives of one draft, drawn side by side in the lanes of a net that is there
 * for nothing else, each with random numbers of its own. They are numbered, and none hears the
 * others, so which one is the best does not hang on how many are drawn at once or by whom else.
 * Plain data of its lane, on the generator's thread.
 */

struct sketch {
    struct scribe scribe;
    struct draft draft;
    bool whole;     ///< the draft is
    bool drawing;   ///< in the run in work
    uint64_t steps; ///< drawn or fed so far
};

struct sketches {
    struct sketch of[LANE_SKETCH_LANES];
    bool begun;  ///< the net's lanes have been told where they begin
    bool primed; ///< that is where the lane's own net has got to; else they are new
};

/** All begin as `scribe` stands; `primed`: as the lane's own net, which was fed with its phrase. */
void sketches_begin(struct sketches *sketches, const struct scribe *scribe, bool primed);

/** The seed of the random numbers of sketch number `index`; number 0 draws as its lane does. */
uint64_t sketches_seed(uint64_t seed, size_t index);

/** Takes what a run of the net made, for drafts that begin at `start`. Returns true once all are
 * whole. */
bool sketches_take(struct sketches *sketches, const struct net_info *info, const uint8_t *tokens,
                   int64_t start);

/** Most steps that any of them has taken. */
uint64_t sketches_steps(const struct sketches *sketches);

#endif
