// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_PICTURE_H
#define FERMATA_CLIENT_PICTURE_H

#include <stdio.h>

#include "client/roll.h"

/**
 * picture: a roll as a PNG (cairo): pitches upwards beside a keyboard, time to the right, velocity
 * as colour, marks as dashed lines; rows of half a minute, one below the other. Very long rolls
 * get smaller keys and then longer rows, so that a picture is never higher than 16000 pixels.
 */
struct picture {
    const char *title;
    double from, to; ///< CLOCK_MONOTONIC seconds; what is heard outside is left out
};

/** Writes `path`. Returns 0, -ENOMEM, or -EIO where the file cannot be written. */
int picture_write(const struct picture *picture, const struct roll *roll, const char *path);

/** The same to an open file. */
int picture_write_to(const struct picture *picture, const struct roll *roll, FILE *out);

#endif
