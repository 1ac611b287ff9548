// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_EXCHANGE_H
#define FERMATA_CLIENT_EXCHANGE_H

#include "client/ending.h"

/** exchange: the verbs that pass music between files and the daemon. */
struct request;
struct verb;

/** Writes the last seconds of the channel to the file that is named. */
enum ending exchange_keep(const struct verb *verb, const struct request *request);

/** Has the channel begin a piece with the MIDI file that is the argument, and go on from it. */
enum ending exchange_seed(const struct verb *verb, const struct request *request);

#endif
