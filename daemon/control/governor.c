// SPDX-License-Identifier: MIT
#include "control/governor.h"

#include <math.h>

void governor_init(struct governor *governor)
{
    *governor = (struct governor){.threshold = -1};
}

static double clamp(double value, double least, double most)
{
    return fmin(fmax(value, least), most);
}

static double logit(double threshold)
{
    double within = clamp(threshold, 0.001, 0.999);
    return log(within / (1 - within));
}

double governor_target(const double notes_per_minute[5], double threshold)
{
    double wanted = notes_per_minute[2] * exp(-logit(threshold));
    return fmax(clamp(wanted, notes_per_minute[1], notes_per_minute[3]), 1);
}

void governor_hear(struct governor *governor, const double notes_per_minute[5], double threshold,
                   size_t notes, double seconds)
{
    if (threshold != governor->threshold) {
        governor->threshold = threshold;
        governor->heard = governor->weight = governor->notes = 0;
    }
    double old = exp(-seconds / GOVERNOR_MEMORY);
    governor->heard += seconds;
    governor->weight = old * governor->weight + seconds;
    governor->notes = old * governor->notes + (double)notes;
    if (governor->heard < GOVERNOR_MEMORY)
        return;
    // A minute without a note is told from one with few.
    double density = fmax(governor->notes / governor->weight * 60, 1);
    double off = log(density / governor_target(notes_per_minute, threshold));
    governor->trim =
        clamp(governor->trim + off * seconds / GOVERNOR_SECONDS, -GOVERNOR_MOST, GOVERNOR_MOST);
}

double governor_threshold(const struct governor *governor, double threshold)
{
    return 1 / (1 + exp(-logit(threshold) - governor->trim));
}
