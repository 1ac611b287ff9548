// SPDX-License-Identifier: MIT
// Drawing one of many with the probabilities that their logits give: the largest sum of a logit
// and a Gumbel number wins (Gumbel 1954; Maddison et al. 2014), so that every candidate can be
// looked at by itself.

const uint LOWEST = 21u, HIGHEST = 108u; // the piano's keys

bool allowed(int field, int row)
{
    if (field == 0)
        return row < DELTAS;
    if (field == 1)
        return uint(row) >= LOWEST && uint(row) <= HIGHEST;
    return row < SIZES[field];
}

// Drawn where no logit is a number.
int fallback(int field)
{
    return field == 1 ? int(LOWEST) : 0;
}

// What candidate `row` has to show in the draw; `best` is the largest logit.
float claim(Lane lane, uint step, int field, int row, float logit, float best)
{
    if (!allowed(field, row) || logit < best - lane.cut)
        return -1e38;
    if ((lane.flags & LANE_HARD) != 0u)
        return logit;
    uint low = lane.step_low + step;
    uint high = lane.step_high + (low < lane.step_low ? 1u : 0u);
    uint where = uint(field << 8 | row);
    uint bits = scatter(uvec4(lane.seed_low, lane.seed_high, low, (high << 10 | high >> 22) ^ where)).x;
    // In (0, 1), so that both logarithms are finite.
    float u = (float(bits >> 9) + 0.5) * (1.0 / 8388608.0);
    return logit * lane.scale - log(-log(u));
}
