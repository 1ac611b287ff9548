// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_COMPOSE_H
#define FERMATA_CONTROL_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * compose: the daemon's own engine without sound, bus and clock: music composed to files as fast as
 * the device can.
 */
struct settings;

/** Most pieces of one run: the lanes of a generator. */
#define COMPOSE_PIECES 64

struct compose_request {
    double seconds;           ///< of each piece
    const char *const *paths; ///< see printout.h
    size_t path_count;
    const char *opening; ///< a MIDI file that every piece begins with and goes on from; or NULL
    bool quiet;          ///< no progress is shown
};

/**
 * Composes as `settings` say. Files whose names differ only in their endings are one piece; each
 * further piece has the next seed, and they are composed side by side (crew.h). SIGINT and SIGTERM
 * end the pieces early; what there is of them is written.
 *
 * Returns 0, -EINTR where it was interrupted, or -errno, logged. -EINVAL and the errors of a path
 * come before anything is composed.
 */
int compose_run(struct settings *settings, const struct compose_request *request);

#endif
