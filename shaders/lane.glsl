// SPDX-License-Identifier: MIT
// What the host says of each lane before a run: struct lane_words of daemon/nets/form.h.

const uint LANE_ACTIVE = 1u;
const uint LANE_HARD = 2u;
const uint LANE_CLEAR_STATE = 8u;
const uint LANE_CLEAR_FRAME = 16u;

struct Lane {
    uint flags;
    uint composer;
    float threshold; // as a logit; of roll nets
    uint seed_low;
    uint seed_high;
    uint step_low; // number of the run's first step
    uint step_high;
    uint forced;  // steps of the run that are given
    uint kind;    // the rest is of notes nets
    uint control_low; // six buckets of eight bits, four here and two there; 255: not told
    uint control_high;
    float scale; // logits are multiplied by it
    float cut;   // logits further below the best than this are not drawn
};
