// SPDX-License-Identifier: MIT
// What the host says of each lane before a run: struct lane_words of daemon/nets/form.h.

const uint LANE_ACTIVE = 1u;
const uint LANE_HARD = 2u;
const uint LANE_FORCED = 4u;
const uint LANE_CLEAR_STATE = 8u;
const uint LANE_CLEAR_FRAME = 16u;

struct Lane {
    uint flags;
    uint composer;
    float threshold; // as a logit
    uint seed_low;
    uint seed_high;
    uint step_low; // number of the run's first step
    uint step_high;
    uint unused;
};
