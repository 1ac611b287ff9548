// SPDX-License-Identifier: MIT
#include "control/sketches.h"

void sketches_begin(struct sketches *sketches, const struct scribe *scribe, bool primed)
{
    for (size_t i = 0; i < LANE_SKETCH_LANES; i++) {
        struct sketch *sketch = &sketches->of[i];
        sketch->scribe = *scribe;
        sketch->whole = false;
        sketch->drawing = false;
        sketch->steps = 0;
    }
    sketches->begun = false;
    sketches->primed = primed;
}

uint64_t sketches_seed(uint64_t seed, size_t index)
{
    // The golden ratio's multiples are far from each other and from the seeds of other channels.
    return seed + index * UINT64_C(0x9e3779b97f4a7c15);
}

bool sketches_take(struct sketches *sketches, const struct net_info *info, const uint8_t *tokens,
                   int64_t start)
{
    size_t room = (size_t)info->steps * info->token_bytes;
    bool all = true;
    for (size_t i = 0; i < LANE_SKETCH_LANES; i++) {
        struct sketch *sketch = &sketches->of[i];
        if (sketch->drawing) {
            sketch->steps += info->steps;
            sketch->whole = sketch->scribe.kind->take(&sketch->scribe, tokens + i * room, start,
                                                      &sketch->draft);
        }
        sketch->drawing = false;
        all = all && sketch->whole;
    }
    return all;
}

uint64_t sketches_steps(const struct sketches *sketches)
{
    uint64_t most = 0;
    for (size_t i = 0; i < LANE_SKETCH_LANES; i++)
        if (sketches->of[i].steps > most)
            most = sketches->of[i].steps;
    return most;
}
