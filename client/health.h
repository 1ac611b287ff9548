// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_HEALTH_H
#define FERMATA_CLIENT_HEALTH_H

#include <stddef.h>
#include <stdio.h>

#include "client/status.h"

/**
 * health: whether a caller hears music, in the words and exit statuses of monitoring plugins
 * (Nagios, Icinga, Checkmk: https://www.monitoring-plugins.org/doc/guidelines.html). Pure.
 */
enum health {
    HEALTH_OK = 0,
    HEALTH_WARNING = 1,  ///< music is heard, but somebody should look
    HEALTH_CRITICAL = 2, ///< no music is heard, or soon none will be
    HEALTH_UNKNOWN = 3,  ///< the question could not be asked: no such channel
};

/** Music composed ahead, seconds, below which a playing channel is in question. */
#define HEALTH_AHEAD_WARNING 10
#define HEALTH_AHEAD_CRITICAL 3
/** Level, dBFS, below which what plays is taken for silence. */
#define HEALTH_SILENT (-60)
/** Seconds that a channel may take from its start to its first note. */
#define HEALTH_START_SECONDS 60

#define HEALTH_ROOM 384

/** Judges one channel; `ret_text` says why, in plain words without its name. */
enum health health_judge(const struct status_channel *channel, char ret_text[HEALTH_ROOM]);

/**
 * Writes the line for the monitoring: the worst verdict, what it says of the channels, and the
 * figures behind it ("performance data"). `only`: the name of the one channel that is meant, or
 * NULL for all. Returns the worst verdict.
 */
enum health health_print(const struct status *status, const char *only, FILE *file);

/** The same where it was not asked in a way that makes sense: what is wrong, and with which word.
 */
enum health health_print_unknown(const char *what, const char *which, FILE *file);

/** The same where the daemon did not answer, and why. */
enum health health_print_absent(const char *why, FILE *file);

#endif
