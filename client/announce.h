// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_ANNOUNCE_H
#define FERMATA_CLIENT_ANNOUNCE_H

#include "client/ending.h"

/** announce: the verb that has a sound file spoken over the music. */
struct request;
struct verb;

enum ending announce_run(const struct verb *verb, const struct request *request);

#endif
