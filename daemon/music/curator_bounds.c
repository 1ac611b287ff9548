// SPDX-License-Identifier: MIT
#include "music/curator.h"

#include <errno.h>

#include "music/figures.h"

// All 962 performances of MAESTRO v3's train split, 158 hours.
const struct curator_bounds curator_any_bounds = {
    .notes_per_minute = {138, 198, 552, 1062, 1218},
    .sounding = {1.3, 1.7, 4.5, 8.5, 10.4},
    .register_ = {40, 65, 87},
};

// "any" of quotes-maestro.safetensors.
const struct curator_reference curator_any_reference = {
    .repeated_share = 0.524,
    .repeated_times = 1.58,
    .quoted_notes = 41,
    .quoted_share = 0.029,
    .drift.band =
        {
            [DRIFT_DENSITY] = {{331.3, 976.3}, {430, 911.8}},
            [DRIFT_PACE] = {{119.1, 326.9}, {143.9, 242.1}},
            [DRIFT_REGISTER] = {{59.63, 73.08}, {61.2, 70.23}},
            [DRIFT_SPREAD] = {{3.083, 3.579}, {3.312, 3.583}},
        },
};

int curator_bounds_parse(const char *stats, const char *composer, struct curator_bounds *ret_bounds)
{
    struct curator_bounds bounds = curator_any_bounds;
    const struct figures_list lists[] = {
        {"notes_per_minute", bounds.notes_per_minute, 5},
        {"sounding", bounds.sounding, 5},
        {"register", bounds.register_, 3},
    };
    int r = figures_read(stats, composer, lists, sizeof lists / sizeof lists[0]);
    if (r == 0)
        *ret_bounds = bounds;
    return r;
}

int curator_reference_parse(const char *json, const char *composer,
                            struct curator_reference *ret_reference)
{
    struct curator_reference reference = curator_any_reference;
    double(*band)[DRIFT_MEMORIES][2] = reference.drift.band;
    const struct figures_list lists[] = {
        {"repeated_share", &reference.repeated_share, 1},
        {"repeated_times", &reference.repeated_times, 1},
        {"quoted_notes", &reference.quoted_notes, 1},
        {"quoted_share", &reference.quoted_share, 1},
        {"density_10min", band[DRIFT_DENSITY][DRIFT_MINUTES], 2},
        {"density_60min", band[DRIFT_DENSITY][DRIFT_HOUR], 2},
        {"pace_10min", band[DRIFT_PACE][DRIFT_MINUTES], 2},
        {"pace_60min", band[DRIFT_PACE][DRIFT_HOUR], 2},
        {"register_10min", band[DRIFT_REGISTER][DRIFT_MINUTES], 2},
        {"register_60min", band[DRIFT_REGISTER][DRIFT_HOUR], 2},
        {"spread_10min", band[DRIFT_SPREAD][DRIFT_MINUTES], 2},
        {"spread_60min", band[DRIFT_SPREAD][DRIFT_HOUR], 2},
    };
    int r = figures_read(json, composer, lists, sizeof lists / sizeof lists[0]);
    if (r == -ENOENT)
        r = figures_read(json, "any", lists, sizeof lists / sizeof lists[0]);
    if (r == 0)
        *ret_reference = reference;
    return r;
}
