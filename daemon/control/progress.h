// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_PROGRESS_H
#define FERMATA_CONTROL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/**
 * progress: tells a person how far composing has come: a bar on a terminal, a plain line for every
 * tenth elsewhere, on standard error. Plain data; one thread.
 */
struct progress {
    bool quiet;
    bool terminal;
    int64_t whole; ///< microseconds of music, of all pieces together
    int told;      ///< per cent, or tenths
    struct timespec begun;
};

void progress_init(struct progress *progress, int64_t whole, bool quiet);
void progress_tell(struct progress *progress, int64_t done);

/** Ends the bar, so that other lines can follow. */
void progress_finish(struct progress *progress);

#endif
