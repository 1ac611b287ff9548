// SPDX-License-Identifier: MIT
#include "music/trend.h"

#include <math.h>

void trend_add(struct trend *trend, double x, double y)
{
    double off_x = x - trend->mean_x;
    double off_y = y - trend->mean_y;
    trend->count++;
    trend->mean_x += off_x / (double)trend->count;
    trend->mean_y += off_y / (double)trend->count;
    trend->xx += off_x * (x - trend->mean_x);
    trend->xy += off_x * (y - trend->mean_y);
    trend->yy += off_y * (y - trend->mean_y);
}

bool trend_slope(const struct trend *trend, double *ret_slope, double *ret_error)
{
    if (trend->count < 3 || trend->xx <= 0)
        return false;
    double slope = trend->xy / trend->xx;
    double rest = fmax(trend->yy - slope * trend->xy, 0);
    *ret_slope = slope;
    *ret_error = sqrt(rest / (double)(trend->count - 2) / trend->xx);
    return true;
}
