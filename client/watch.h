// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_WATCH_H
#define FERMATA_CLIENT_WATCH_H

#include <stdbool.h>

#include "client/ending.h"

struct remote;

/**
 * watch: follows what a channel plays, until a time, a key, a signal or the daemon's end: as a live
 * roll where standard output is a terminal, as lines otherwise; and keeps it for a picture.
 */
struct watch_options {
    const char *channel;
    const char *png; ///< picture to write at the end, or NULL
    double seconds;  ///< 0: without end
    bool json;       ///< the daemon's lines as they are
    bool quiet;      ///< show nothing
};

/** Runs it. Trouble is told on standard error, after the terminal has been given back. */
enum ending watch_run(struct remote *remote, const struct watch_options *options);

#endif
