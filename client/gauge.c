// SPDX-License-Identifier: MIT
#include "client/gauge.h"

#include <math.h>
#include <stdio.h>

/** The cell of `figure` on a scale that ends at `full`. */
static int cell_of(double figure, double full)
{
    return (int)fmin(fmax(floor(figure / full * GAUGE_CELLS), 0), GAUGE_CELLS - 1);
}

void gauge_write(double figure, const double band[3], const char *unit, bool unicode,
                 char ret_text[GAUGE_ROOM])
{
    *ret_text = '\0';
    if (!(band[2] > 0))
        return;
    double full = band[2] * 1.5;
    int at = cell_of(figure, full), low = cell_of(band[0], full), high = cell_of(band[2], full);
    int length = 0;
    for (int i = 0; i < GAUGE_CELLS; i++) {
        bool within = i >= low && i <= high;
        const char *cell = i == at   ? unicode ? "█" : "#"
                           : within  ? unicode ? "▒" : "="
                           : unicode ? "░"
                                     : "-";
        length += snprintf(ret_text + length, GAUGE_ROOM - (size_t)length, "%s", cell);
    }
    snprintf(ret_text + length, GAUGE_ROOM - (size_t)length, " %.0f %s (%.0f-%.0f)", figure, unit,
             band[0], band[2]);
}
