// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_AMOUNT_H
#define FERMATA_CLIENT_AMOUNT_H

#include <stdbool.h>

/**
 * amount: numbers and switches as people write them, read in one way in settings, on command lines
 * and over D-Bus. Pure. What is no such amount gives -EINVAL and leaves the result as it is.
 */

/** Seconds of "45", "45s", "2m" (or "2min"), "1h" or these in this order: "1h30m", "1m30s". */
int amount_read_seconds(const char *text, double *ret_seconds);

/** A part of one, 0 or more, of "0.5" or "50%". */
int amount_read_part(const char *text, double *ret_part);

/** Yes or no; also true or false, on or off, 1 or 0, in letters of any case. */
int amount_read_switch(const char *text, bool *ret_on);

#endif
