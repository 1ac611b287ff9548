// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_GAUGE_H
#define FERMATA_CLIENT_GAUGE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * gauge: a figure beside the band it should be in, as a line of text for a terminal:
 * "░░▒▒▒█▒▒░░░ 412 notes/min (220-560)". The shaded middle is the band, the block is the figure;
 * the line begins at 0 and ends half the band's top beyond it, and what is more than that stays at
 * its end.
 */
#define GAUGE_CELLS 16
#define GAUGE_ROOM 128

/** `unit`: of the figure. `band`: the low end, the middle (not drawn) and the high end. `unicode`:
 * else in ASCII. Empty where the band is not known (its high end is 0). */
void gauge_write(double figure, const double band[3], const char *unit, bool unicode,
                 char ret_text[GAUGE_ROOM]);

#endif
