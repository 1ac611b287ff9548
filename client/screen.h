// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_SCREEN_H
#define FERMATA_CLIENT_SCREEN_H

#include "client/roll.h"
#include "client/status.h"

/**
 * screen: the live piano roll in a terminal (ncursesw), from 20x6 on: time flows to the left and
 * the right edge is what is heard now. In UTF-8 each cell shows two pitches, one above the other.
 * Where the terminal is too low for 88 keys, neighbours share a line and the outer octaves are
 * folded in. Velocity is shown in colour: in shades where there are 256, in 5 steps where there
 * are 8, and by attributes without.
 */
struct screen;

/** Takes the terminal over. Returns 0, -ENOMEM or -ENOTTY (TERM is unknown). */
int screen_new(struct screen **ret_screen);
/** Gives the terminal back as it was. */
void screen_free(struct screen *screen);

/** Asks the terminal for its size anew (after SIGWINCH). */
void screen_resize(struct screen *screen);

/** How many seconds the screen shows, and how long one column lasts. */
double screen_span(const struct screen *screen);
#define SCREEN_COLUMN 0.1

/** `now`: CLOCK_MONOTONIC seconds. `message`: for the bottom line, or NULL for the keys. */
void screen_draw(struct screen *screen, const struct roll *roll, const struct status *status,
                 const struct status_channel *channel, double now, const char *message);

/** The next key that was pressed, or -1. */
int screen_key(struct screen *screen);

#endif
