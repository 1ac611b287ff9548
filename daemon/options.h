// SPDX-License-Identifier: MIT
#ifndef FERMATA_OPTIONS_H
#define FERMATA_OPTIONS_H

#include <stdbool.h>

#include "control/compose.h"
#include "control/soak.h"

struct roster;
struct settings;

/**
 * options: fermatad's command line, and the order in which settings are read. What is wrong is told
 * on standard error. Before any thread is there, or on the main thread.
 */

/** Nets and composers that a person may name for a soak. */
#define OPTIONS_NAMES 64

struct options {
    const char *config;
    bool system;    ///< the machine's instance instead of a user's
    bool compose;   ///< to files, instead of playing
    bool soak;      ///< compose for a day, and measure it
    bool tune;      ///< the kernels, instead of playing
    double seconds; ///< of a piece or stream; 0: not said
    bool quiet;
    struct compose_request compose_request;
    struct soak_request soak_request;
    const char *nets[OPTIONS_NAMES], *composers[OPTIONS_NAMES]; ///< of a soak
};

/**
 * Reads all settings from weak to strong (settings.h) into a new roster and, of "main" and the
 * daemon, into *ret_settings; and the command line's own options. May be called again, with the
 * same arguments, to read them again. Returns -1 to go on, else the exit status.
 */
int options_read(int argc, char **argv, struct options *ret_options, struct roster *roster,
                 struct settings *ret_settings);

#endif
