// SPDX-License-Identifier: MIT
#ifndef FERMATA_MUSIC_TREND_H
#define FERMATA_MUSIC_TREND_H

#include <stdbool.h>
#include <stddef.h>

/**
 * trend: the straight line through points (x, y) by least squares, of which no more than sums are
 * kept. Plain data.
 */
struct trend {
    size_t count;
    double mean_x, mean_y;
    double xx, xy, yy; ///< sums of products of what is off the means
};

/** Takes a point in; a trend of all zeros has none. (Welford 1962.) */
void trend_add(struct trend *trend, double x, double y);

/**
 * The line's slope and its standard error. Returns false, and nothing, with less than three points
 * or where all have the same x.
 */
bool trend_slope(const struct trend *trend, double *ret_slope, double *ret_error);

#endif
