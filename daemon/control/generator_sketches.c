// SPDX-License-Identifier: MIT
// What is drawn again, on a net that is there for nothing else.
#include "control/generator_private.h"

#include <stdatomic.h>

#include "control/lane.h"
#include "nets/net.h"

/** The seat of whom the net's sketches are for: one lane after the other, each until it has done.
 * GENERATOR_LANES: nobody. */
static uint32_t choose_sketcher(const struct entry *entry)
{
    uint32_t first = GENERATOR_LANES;
    for (uint32_t i = 0; i < GENERATOR_LANES; i++) {
        struct lane *lane = entry->seats[i];
        if (!lane || !lane_wants_sketches(lane))
            continue;
        if (lane == entry->sketcher)
            return i;
        if (first == GENERATOR_LANES)
            first = i;
    }
    return first;
}

bool generator_waits_for_sketches(const struct generator *generator, const struct entry *entry)
{
    return !generator->hand && choose_sketcher(entry) < GENERATOR_LANES;
}

int generator_step_sketches(struct generator *generator, struct entry *entry)
{
    struct net_lane inputs[LANE_SKETCH_LANES];
    uint32_t seat = choose_sketcher(entry);
    struct lane *lane = seat < GENERATOR_LANES ? entry->seats[seat] : NULL;
    entry->sketcher = lane;
    if (!lane)
        return 0;
    int r = entry->sketches ? 0 : generator_load_sketches(generator, entry);
    if (r < 0)
        return r;
    if (!entry->sketches) {
        lane_allow_sketches(lane, false);
        return 1; // there is work left for the net itself
    }
    bool begins = lane_begins_sketches(lane);
    for (uint32_t i = 0; begins && i < LANE_SKETCH_LANES && r == 0; i++)
        r = generator_adopt(generator, entry->sketches, i, entry->net, seat);
    if (r == 0) {
        lane_sketch(lane, entry->sketches, inputs);
        r = generator_run(generator, entry->sketches, inputs);
    }
    if (r < 0)
        return r;
    atomic_fetch_add(&generator->progress, 1);
    lane_take_sketches(lane, net_info(entry->sketches), generator->tokens);
    if (lane_doubts(lane))
        entry->doubted = true;
    int kept = lane_kept_sketch(lane);
    if (kept >= 0)
        r = generator_adopt(generator, entry->net, seat, entry->sketches, (uint32_t)kept);
    return r < 0 ? r : 1;
}
