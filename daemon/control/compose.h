// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_COMPOSE_H
#define FERMATA_CONTROL_COMPOSE_H

#include <stdio.h>

/**
 * compose: the daemon's own engine without sound, bus and clock: music composed as fast as the
 * device can, written down as one JSON object a line.
 */
struct settings;

/**
 * Composes `seconds` of music as `settings` say and writes it to `out`:
 *
 *     {"event":"on","time":12.35,"pitch":60,"velocity":72,"duration":0.4}
 *     {"event":"reseed","time":30.0,"text":"interval"}
 *
 * The first line tells what made it ({"event":"composed", device, net, composer, seed, ...}).
 * Returns 0 or -errno, logged.
 */
int compose_write(struct settings *settings, double seconds, FILE *out);

#endif
