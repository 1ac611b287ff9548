// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_SCHEDULE_H
#define FERMATA_CLIENT_SCHEDULE_H

#include "client/ending.h"

/** schedule: the verb that shows and changes what a channel does by itself, and when. */
struct request;
struct verb;

enum ending schedule_run(const struct verb *verb, const struct request *request);

#endif
