// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_CHANNEL_H
#define FERMATA_CLIENT_CHANNEL_H

#include "client/ending.h"

/** channel: the verb that shows, makes and ends channels. */
struct request;
struct verb;

enum ending channel_run(const struct verb *verb, const struct request *request);

#endif
