// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_ANNOUNCE_H
#define FERMATA_CLIENT_ANNOUNCE_H

#include "client/ending.h"

/** announce: the verb that has a sound file spoken over the music. */
struct request;
struct verb;

enum ending announce_run(const struct verb *verb, const struct request *request);

/** Reads "45", "45s", "2m" or "1h" as seconds. Returns 0, or -1 where it is none. */
int announce_read_every(const char *text, double *ret_seconds);

#endif
